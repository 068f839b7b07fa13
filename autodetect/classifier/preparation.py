"""What a night's contest is made from, read from the lake: labels to watch, splits in arrays, sets to judge by."""

import logging
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from autodetect.catalog import lookalikes
from autodetect.catalog.answers import read_answers
from autodetect.classifier.cars import Cars
from autodetect.classifier.challenge import Tonight, champion_head
from autodetect.classifier.champion import Champion
from autodetect.classifier.contest import silenced
from autodetect.classifier.embedded import Embedded, EmbeddedBy
from autodetect.classifier.gate import class_groups
from autodetect.classifier.label_watch import Watched, label_history, watch_labels
from autodetect.classifier.new_labels import SELLER_RULE
from autodetect.classifier.night_figures import Beside
from autodetect.classifier.photo_vectors import load_vectors
from autodetect.classifier.slices import BENCHMARK, RECENT
from autodetect.classifier.split_arrays import everything, load_examples
from autodetect.classifier.unknown_photos import choose_unknown, load_unknown, says_other_cars
from autodetect.dataset.benchmark_set import BenchmarkSet, benchmark_set, recent_vehicles
from autodetect.dataset.trained_on import trained_on
from autodetect.dataset.training_set import Read, TrainingSet
from autodetect.errors import CorruptError
from autodetect.lake.lake import Lake
from autodetect.lake.schemas import QUARANTINE, SNAPSHOTS, Table
from autodetect.photos.inputs import MIRROR
from autodetect.photos.street import STREET
from autodetect.records import Receipt, StageRun
from autodetect.settings import Settings

log = logging.getLogger(__name__)


def reader_of(lake: Lake, run: StageRun) -> Read:
    """Return how tables are read at the versions that receipts name."""

    def read(table: Table, *, columns: list[str] | None = None, where: Any = None) -> pa.Table:
        return lake.tables.read(table, version=run.versions.get(table.name, 0), columns=columns, where=where)

    return read


def watched_tonight(
    settings: Settings,
    lake: Lake,
    run: StageRun,
    chosen: TrainingSet,
    embedded: Embedded,
    *,
    cars: Cars,
    names: Mapping[int, str],
    work: Path,
) -> Watched:
    """Judge tonight's labels by what the champion sees."""
    before = run.earlier["train"]
    champion = Champion.model_validate(before.facts["champion"])
    same = pc.field("snapshot_id") == before.facts["snapshot_id"]
    known = reader_of(lake, run)(SNAPSHOTS, columns=["sha256"], where=same)["sha256"].to_pylist()
    new = set(chosen.shot.rows["sha256"].to_pylist()) - set(known)
    doubted = (pc.field("rule") == SELLER_RULE) & (pc.field("night") == before.night)
    again = reader_of(lake, run)(QUARANTINE, columns=["key"], where=doubted)["key"].to_pylist()
    head = champion_head(lake, champion, work / "champion")
    watched = watch_labels(
        everything(load_examples(lake, run, chosen.shot, _champions(embedded, champion), photos=new)),
        champion,
        silenced(head, champion.class_ids, chosen.retired),  # what merged is not wrong to be the other
        sellers=cars.sellers,
        history=label_history(before),
        settings=settings.poison,
        night=run.night,
        names=names,
        again=again,
    )
    log.info("train: labels %s", watched.verdict.words)
    return watched


def benchmark_tonight(
    settings: Settings, lake: Lake, before: Receipt | None, chosen: TrainingSet, night: date
) -> BenchmarkSet:
    """Return tonight's benchmark set, drawn anew or carried on from the night before."""
    digest = before.files.get(BENCHMARK) if before else None
    carried = BenchmarkSet.model_validate_json(lake.artifacts.read(digest)) if digest else None
    rows = chosen.shot.rows.filter(pc.equal(chosen.shot.rows["split"], "test"))
    tested = dict(zip(rows["vehicle_id"].to_pylist(), rows["class_id"].to_pylist(), strict=True))
    if carried is not None and not tested:
        return carried  # a night without classes takes nobody out of it
    return benchmark_set(carried, tested, night, per_class=settings.evaluation.benchmark_per_class)


def gathered_tonight(
    settings: Settings,
    lake: Lake,
    run: StageRun,
    chosen: TrainingSet,
    embedded: Embedded,
    *,
    cars: Cars,
    names: Mapping[int, str],
    benchmark: BenchmarkSet,
) -> Tonight:
    """Bring together what the challenger is made from and judged by."""
    rows = chosen.shot.rows
    tested = rows.filter(pc.equal(rows["split"], "test"))
    trained = trained_on(reader_of(lake, run), tested)
    mirrored = MIRROR in embedded.views
    champions = load_examples(lake, run, chosen.shot, embedded.current, mirrored=mirrored)
    challengers = champions
    if embedded.challenger != embedded.current:
        challengers = load_examples(lake, run, chosen.shot, embedded.challenger, mirrored=mirrored)
    ours, rounded = embedded.challenger, None
    if ours.judging != ours.engine:
        plain = ours.model_copy(update={"evaluated_by": ""})
        rounded = load_examples(lake, run, chosen.shot, plain)["validation"]
    return Tonight(
        snapshot_id=chosen.shot.snapshot_id,
        embedded=embedded,
        challenger=challengers,
        champion=champions,
        labels=names,
        retired=chosen.retired,
        lookalikes=_lookalikes(settings, chosen),
        trained_on=trained,
        ages=cars.ages(run.night),
        rounded=rounded,
        beside=_beside(
            lake,
            run,
            chosen,
            embedded,
            tested=tested.filter(pc.invert(pc.is_in(tested["vehicle_id"], pa.array(sorted(trained), pa.string())))),
            cars=cars,
            benchmark=benchmark,
        ),
    )


def _beside(
    lake: Lake,
    run: StageRun,
    chosen: TrainingSet,
    embedded: Embedded,
    *,
    tested: pa.Table,
    cars: Cars,
    benchmark: BenchmarkSet,
) -> Beside:
    """Bring together what is judged beside the test set; `tested` are the rows of vehicles that no model knows."""
    ours, theirs = embedded.challenger, embedded.current
    photos, vehicles = tested["sha256"].to_pylist(), set(tested["vehicle_id"].to_pylist())
    active = {row["make_model_id"] for row in chosen.classes if row["status"] == "active"}
    unknown = choose_unknown(chosen.others, says_other_cars(reader_of(lake, run)), known=active)

    def street(embedder: EmbeddedBy) -> dict[str, Any]:
        return load_vectors(lake, run, photos, backbone=embedder.backbone, engine=embedder.judging, view=STREET)

    makes = {row["class_id"]: row["make_model_id"].partition("/")[0] for row in chosen.classes}
    return Beside(
        sets={
            BENCHMARK: vehicles & set(benchmark.vehicles),
            RECENT: recent_vehicles(cars.first_seen, run.night) & vehicles,
        },
        unknown=load_unknown(lake, run, unknown, backbone=ours.backbone, engine=ours.judging),
        street=street(ours),
        champion_street=street(theirs),
        groups=makes,
    )


def _champions(embedded: Embedded, champion: Champion) -> EmbeddedBy:
    """Return how tonight's photos were embedded for the champion.

    Raises:
        CorruptError: not at all: it stands on another backbone than the lake's.
    """
    if embedded.current.backbone != champion.backbone:
        raise CorruptError(
            f"the champion stands on backbone {champion.backbone[:12]}, tonight's photos were embedded by "
            f"{embedded.current.backbone[:12]}",
            "run `autodetect curate` for tonight again; if it stays so, restore models/backbone.json",
        )
    return embedded.current


def _lookalikes(settings: Settings, chosen: TrainingSet) -> tuple[frozenset[int], ...]:
    """Return the classes that look alike, as the catalogue and a person's file of answers declare them."""
    make_models = {row["class_id"]: row["make_model_id"] for row in chosen.classes}
    return class_groups(make_models, (*lookalikes.declared(), *read_answers(settings.catalog.answers).lookalikes))
