"""`autodetect backbone`: the network below the classifier, and how a lake changes to another one."""

import contextlib
import logging
import sys
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import typer

from flows.cli.output import JsonOption, LakeOption, native_silence, show, telling_interrupts

group = typer.Typer(help="Look at the backbone, or change it.", no_args_is_help=True)


class GeometryName(StrEnum):
    """How a photo becomes a square."""

    squash = "squash"
    letterbox = "letterbox"


def register(app: typer.Typer) -> None:
    """Add the group to the program."""
    app.add_typer(group, name="backbone")


@group.callback()
def _group() -> None:
    """Look at the backbone, or change it."""


@group.command("show")
def show_backbones(lake: LakeOption = None, as_json: JsonOption = False) -> None:
    """Show the pinned backbone, the next one and how far it is, and those before.

    Changes nothing. Example:

        autodetect backbone show
    """
    from autodetect.dataset.backbone_change import state_of
    from autodetect.lake.lake import open_lake
    from flows.options import NightOptions

    state = state_of(open_lake(NightOptions(lake=lake).settings()))
    lines = [f"pinned   {_words(state.pinned)}" if state.pinned else "pinned   none: the first night pins one"]
    if state.pinned and state.pinned.note:
        lines.append(f"         {state.pinned.note}")
    if state.engine:
        lines.append(f"         embedded by {state.engine} on {state.night}")
    if state.next:
        left = "not begun" if state.missing is None else f"{state.missing:,} embeddings left on {state.night}"
        lines.append(f"next     {_words(state.next)}; {left}")
    lines += [f"before   {_words(each)}" for each in state.before]
    if state.champion and state.pinned and state.champion != state.pinned.digest:
        lines.append(f"the champion stands on {state.champion[:12]}: the next night settles it")
    show(state.model_dump(mode="json"), "\n".join(lines), as_json=as_json)


@group.command("change")
def change(
    weights: Annotated[
        str | None, typer.Option(metavar="WEIGHTS", help="imagenet, or a .weights.h5 or .keras file.")
    ] = None,
    input_size: Annotated[int | None, typer.Option(metavar="PIXELS", help="Side of the square input.")] = None,
    geometry: Annotated[GeometryName | None, typer.Option(help="How a photo becomes a square.")] = None,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Propose another backbone; what is not named is as the settings say.

    Nothing is replaced yet. The nights that follow embed the lake's photos by
    it too, a part each night (backbone.renew_per_night); `autodetect backbone
    renew` does the rest at once. Then a model on it is trained and held
    against the champion: the gate decides which backbone stays. Example:

        autodetect backbone change --weights imagenet --input-size 299
    """
    from autodetect.dataset.backbone_change import change as propose_change
    from flows.options import NightOptions
    from flows.runner import work_folder

    settings = NightOptions(lake=lake).settings()
    asked = settings.with_values(
        {
            "backbone.weights": weights,
            "backbone.input_size": input_size,
            "backbone.geometry": geometry and geometry.value,
        }
    )
    with telling_interrupts(), _lake_of(settings) as (opened, fence), native_silence():
        record = propose_change(opened, asked.backbone, work_folder(settings), fence)
    text = f"proposed {_words(record)}\nnext: autodetect backbone renew, or the nights to come"
    show(record.model_dump(mode="json"), text, as_json=as_json)


@group.command("renew")
def renew(
    most: Annotated[int, typer.Option(min=0, help="Make so many embeddings at most; 0: all that are missing.")] = 0,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Embed the lake's photos by the next backbone, ahead of the nights that would.

    It may be interrupted, and goes on where it stopped; no night can run
    meanwhile. The next night takes over what it made. Example:

        autodetect backbone renew --most 100000
    """
    from autodetect.dataset.backbone_change import renew_ahead
    from flows.options import NightOptions
    from flows.runner import work_folder

    settings = NightOptions(lake=lake).settings()
    with telling_interrupts(), _lake_of(settings) as (opened, _), _told():
        done = renew_ahead(settings, opened, work_folder(settings), most=most)
    lost = f"; {done.lost:,} photos have vanished" if done.lost else ""
    text = f"backbone {done.backbone[:12]}: {done.made:,} embeddings made, {done.left:,} left{lost}"
    show(done.model_dump(mode="json"), text, as_json=as_json)


@contextlib.contextmanager
def _lake_of(settings: Any) -> Iterator[tuple[Any, Any]]:
    """Open the lake and hold its lease: no night may run meanwhile."""
    import time
    import uuid

    from autodetect.lake.lake import open_lake
    from autodetect.lake.lease import hold

    opened, lease = open_lake(settings), settings.lease
    with hold(
        opened.objects,
        run_id=uuid.uuid4().hex[:12],
        clock=time.time,
        expiry_s=lease.expiry_s,
        heartbeat_s=lease.heartbeat_s,
    ) as fence:
        yield opened, fence


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Tell on stderr how far the embedding is."""
    import os

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
    ours = logging.getLogger("autodetect")
    level = ours.level
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    try:
        yield
    finally:
        ours.removeHandler(handler)
        ours.setLevel(level)


def _words(record: Any) -> str:
    origin = f"fine-tuned from {record.parent[:12]}" if record.parent else f"weights {record.requested}"
    if record.resolved == "random" and not record.parent:
        origin = f"RANDOM weights, seed {record.seed}"
    return f"{record.digest[:12]}  {record.architecture}, {record.preprocessing}, {origin}"
