"""`autodetect release rollback`, `promote`, `gc`, `pin`, `unpin`: what a person changes in a release store."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.output import JsonOption, StoreOption, show
from flows.cli.release_promote import promote
from flows.cli.release_store import ByOption, ReasonOption, opened_store, wanted_release

if TYPE_CHECKING:
    from autodetect.release.collect import Garbage

PinnedArgument = Annotated[str, typer.Argument(metavar="ID", help="Release id or its first digits.")]
NEXT_NIGHT = (
    "the next good night publishes on top of it; to stop that, keep the night from running until the cause is mended"
)


def register(group: typer.Typer) -> None:
    """Add the commands to the group `release`."""
    for command in (rollback, promote, pin, unpin):
        group.command()(command)
    group.command("gc")(collect_garbage)


def rollback(
    by: ByOption,
    reason: ReasonOption,
    release: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="Release id or its first digits; default: the last good one before."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put an older release into force again, once every byte of it was read back. Phones follow at their next look.

    The next good night publishes on top of it: mend the cause, or keep the night from running. Example:

        autodetect release rollback --by "A. Smith" --reason "prices of trucks are off"
    """
    from datetime import UTC, datetime, timedelta

    from autodetect.release.keys import signing_key, trusted_key
    from autodetect.release.rollback import planned_rollback
    from autodetect.release.rollback import rollback as roll_back
    from autodetect.release.stage import open_store
    from flows.options import NightOptions

    settings = NightOptions(store=store).settings()
    opened = open_store(settings, probe=not dry_run)
    target = None if release is None else wanted_release(opened, release)
    trusted, key = trusted_key(settings), signing_key(settings, make=False)
    if dry_run:
        plan = planned_rollback(opened, target, key=key.public, trusted=trusted)
        value = {"release_id": plan.release_id, "night": plan.manifest.night, "displaced": plan.displaced.release_id}
        text = (
            f"release {plan.release_id[:16]} of {plan.manifest.night} is whole, and would take the place of"
            f" {plan.displaced.release_id[:16]} (number {plan.displaced.sequence}); nothing was done"
        )
        show(value, text, as_json=as_json)
        return
    entry = roll_back(
        opened,
        target,
        datetime.now(UTC),
        key=key,
        by=by,
        reason=reason,
        valid_for=timedelta(days=settings.release.valid_days),
        trusted=trusted,
    )
    text = f"release {entry.release_id[:16]} is in force again, number {entry.sequence}; {NEXT_NIGHT}"
    show({**entry.model_dump(mode="json"), "note": NEXT_NIGHT}, text, as_json=as_json)


def pin(
    release: PinnedArgument, reason: ReasonOption, by: ByOption, store: StoreOption = None, as_json: JsonOption = False
) -> None:
    """Keep a release from being collected. Example: autodetect release pin 1f3a --by "A. Smith" --reason "the demo"."""
    from datetime import UTC, datetime

    from autodetect.release.pins import pin as keep

    opened = opened_store(store)
    wanted = wanted_release(opened, release)
    made = keep(opened, wanted, datetime.now(UTC), by=by, reason=reason)
    show({"release_id": wanted, **made.model_dump(mode="json")}, f"release {wanted[:16]} is pinned", as_json=as_json)


def unpin(release: PinnedArgument, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Let a release be collected when its time has come. Example: autodetect release unpin 1f3a."""
    from autodetect.release.pins import unpin as let_go

    opened = opened_store(store)
    wanted = wanted_release(opened, release)
    was_pinned = let_go(opened, wanted)
    text = f"release {wanted[:16]} is not pinned any more" if was_pinned else f"release {wanted[:16]} was not pinned"
    show({"release_id": wanted, "was_pinned": was_pinned}, text, as_json=as_json)


def collect_garbage(
    keep: Annotated[
        int | None, typer.Option(min=1, help="Newest releases to keep, besides pinned ones; default: release.keep.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; without, say only what would go.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove the files that no kept release names. Only says what would go, unless told --yes.

    The last releases stay, the one in force, pinned ones, and the whole history. Example:

        autodetect release gc --keep 30 --yes
    """
    from datetime import UTC, datetime, timedelta

    from autodetect.errors import UsageError
    from autodetect.release.collect import collect, survey
    from autodetect.release.history import newest
    from autodetect.release.stage import open_store
    from autodetect.release.under_way import publishers
    from flows.options import NightOptions

    settings = NightOptions(store=store).settings()
    opened, kept = open_store(settings, probe=False), keep or settings.release.keep
    if newest(opened) is None:
        raise UsageError(f"{opened.url} holds no release", "check the name; nothing was looked for, nothing removed")
    if not yes:
        found, now = survey(opened, kept), datetime.now(UTC)
        told = [flag.words(now) for flag in publishers(opened).values()]
        lines = [f"{key}  {size:,} bytes" for key, size in found.sizes.items()]
        lines += [f"somebody publishes, or was killed while doing so: {words}" for words in told]
        lines += [_summary(found, "would go"), "nothing was done: add --yes"]
        show({**_value(found), "publishing": told, "removed": 0}, "\n".join(lines), as_json=as_json)
        return
    grace = timedelta(hours=settings.release.grace_hours)
    done = collect(opened, keep=kept, grace=grace, clock=lambda: datetime.now(UTC))
    left = len(done.garbage.sizes) - done.removed
    lines = [_summary(done.garbage, "went" if not left else "were to go")]
    lines += [f"{done.unfinished} unfinished uploads were dropped"] if done.unfinished else []
    lines += (
        [f"{left} of the files are still there, for its time was up or somebody began to publish: run again"]
        if left
        else []
    )
    value = {**_value(done.garbage), "removed": done.removed, "unfinished": done.unfinished}
    show(value, "\n".join(lines), as_json=as_json)


def _summary(found: "Garbage", verb: str) -> str:
    size = sum(found.sizes.values())
    lines = [f"{len(found.releases)} releases, {len(found.sizes)} files, {size:,} bytes {verb}; {len(found.kept)} stay"]
    lines += [f"left alone, for it is nothing that a release store has: {key}" for key in found.unknown]
    return "\n".join(lines)


def _value(found: "Garbage") -> dict[str, Any]:
    return {
        "kept": sorted(found.kept),
        "releases": found.releases,
        "files": found.sizes,
        "bytes": sum(found.sizes.values()),
        "unknown": found.unknown,
    }
