"""`autodetect release promote`: publish what the gate refused, or a release of one store in another."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from autodetect.errors import UsageError
from flows.cli.output import JsonOption, LakeOption, StoreOption, quiet_prefect, show, telling_interrupts
from flows.cli.release_store import ByOption, ReasonOption, wanted_release

if TYPE_CHECKING:
    from flows.options import NightOptions


class Channel(StrEnum):
    """The channels that a release can be promoted to."""

    CANDIDATE = "candidate"
    PRODUCTION = "production"


def promote(
    reason: ReasonOption,
    by: ByOption,
    release: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="Release id or its first digits; default: the last night's challenger."),
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="URL", help="Of a release: the store to publish it in, folder or s3://.")
    ] = None,
    channel: Annotated[Channel, typer.Option(help="Of a release: the channel of that store.")] = Channel.PRODUCTION,
    key_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Of a release: the key that signs in that store.")
    ] = None,
    night: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The night of the challenger; only the last one can.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    lake: LakeOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish the last night's challenger, which the gate refused; or, with ID and --to, a release in another store.

    Either release says who decided so and why. Interrupted, run the same again. Examples:

        autodetect release promote --by "A. Smith" --reason "the lost class is one that nobody sells"

        autodetect release promote 1f3a --to s3://shop/releases --by "A. Smith" --reason "a week in the field"
    """
    from flows.options import NightOptions

    if (release is None) != (to is None):
        raise UsageError(
            "a release is promoted to another store: ID and --to go together",
            "give both, or neither to publish the last night's challenger",
        )
    if release is None and key_file is not None:
        raise UsageError("--key-file is for a release that goes to another store", "leave it out: release.key_file")
    if release is not None and (night is not None or lake is not None):
        raise UsageError("--night and --lake are for the last night's challenger", "leave them out, or ID and --to")
    options = NightOptions(night=night and night.date(), lake=lake, store=store)
    if release is None or to is None:
        _promote_challenger(options, reason, by, dry_run=dry_run, as_json=as_json)
    else:
        _promote_release(options, release, to, (channel, key_file), (by, reason), dry_run=dry_run, as_json=as_json)


def _promote_challenger(options: "NightOptions", reason: str, by: str, *, dry_run: bool, as_json: bool) -> None:
    quiet_prefect()
    from flows.promote import AFTERWARDS, opened, promotion
    from flows.promote import promote as flow

    _, opened_lake = opened(options)
    chosen = promotion(opened_lake, options.night, reason=reason, by=by)
    if dry_run:
        facts = chosen.train.facts
        value = {
            "night": chosen.night,
            "gate": facts["gate"],
            "champion": facts["champion"],
            "champion_before": facts.get("champion_evaluation"),
            "begun": chosen.begun,
            "stages": AFTERWARDS,
        }
        lines = [f"the challenger of {chosen.night} would be {chosen.gate.words}"]
        lines += [f"  {name:<16} {figure:.4f}" for name, figure in facts["champion"]["metrics"].items()]
        lines += [f"these would run again: {', '.join(AFTERWARDS)}; nothing was done"]
        show(value, "\n".join(lines), as_json=as_json)
        return
    from flows.private_server import prefect_api
    from flows.summary import as_text

    with telling_interrupts(), prefect_api():
        summary = flow(options, reason, by)
    show(summary.model_dump(mode="json"), as_text(summary), as_json=as_json)


def _promote_release(
    options: "NightOptions",
    release: str,
    to: str,
    as_what: tuple[Channel, str | None],
    said: tuple[str, str],
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    import tempfile
    from datetime import UTC, timedelta
    from pathlib import Path

    from autodetect.release.keys import read_key, signing_key, trusted_key
    from autodetect.release.promotion import promote as publish_elsewhere
    from autodetect.release.promotion import promoted_facts
    from autodetect.release.stage import open_store

    settings = options.settings()
    source = open_store(settings, probe=False)
    target = open_store(settings.model_copy(update={"store": to}), probe=not dry_run)
    trusted, (channel, key_file), (by, reason) = trusted_key(settings), as_what, said
    wanted = wanted_release(source, release)
    key = read_key(Path(key_file)) if key_file else signing_key(settings, make=False)
    if dry_run:
        manifest, facts = promoted_facts(source, wanted, target, channel=channel, trusted=trusted, key=key.public)
        files, size = len(manifest.objects), sum(each.size for each in manifest.objects.values())
        value = {"release_id": wanted, "to": target.url, "channel": channel, "files": files, "bytes": size}
        text = (
            f"release {wanted[:16]} of {facts.night} ({manifest.channel}) would be published in {target.url} as"
            f" {channel}: {files} files, {size:,} bytes; nothing was done"
        )
        show(value, text, as_json=as_json)
        return
    folder = Path(settings.work)
    folder.mkdir(parents=True, exist_ok=True)
    with telling_interrupts(), tempfile.TemporaryDirectory(dir=folder, prefix="promote-") as work:
        done = publish_elsewhere(
            source,
            wanted,
            target,
            datetime.now(UTC),
            channel=channel,
            trusted=trusted,
            key=key,
            work=Path(work),
            by=by,
            reason=reason,
            valid_for=timedelta(days=settings.release.valid_days),
        )
    value = {
        "from": wanted,
        "release_id": done.release_id,
        "sequence": done.sequence,
        "channel": channel,
        "to": target.url,
        "committed": done.committed,
        "uploaded": done.uploaded,
    }
    how = f"number {done.sequence}, {len(done.uploaded)} files sent" if done.committed else "in force there already"
    show(value, f"release {wanted[:16]} is {done.release_id[:16]} in {target.url} ({channel}): {how}", as_json=as_json)
