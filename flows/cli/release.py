"""`autodetect release`: what was published, and the commands that publish, check, undo and fetch releases."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from autodetect.errors import CorruptError, UsageError
from flows.cli import release_changes, release_checks, release_keys, release_sync
from flows.cli.output import JsonOption, StoreOption, show
from flows.cli.release_store import ReleaseArgument, opened_store, wanted_release

if TYPE_CHECKING:
    from autodetect.release.history import HistoryEntry

group = typer.Typer(help="List, show, check, undo and fetch releases; keys that sign them.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group to the program."""
    for room in (release_checks, release_changes, release_keys, release_sync):
        room.register(group)
    app.add_typer(group, name="release")


@group.command("list")
def list_releases(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List the history of the store, newest last. Example: autodetect release list --store var/store."""
    from autodetect.release.history import entries, manifest_of
    from autodetect.release.kept import collected_for_good, pinned_releases
    from flows.cli.release_words import history_lines

    opened = opened_store(store)
    history, pinned = entries(opened), pinned_releases(opened)
    gone = collected_for_good(opened, history)
    rows = []
    for entry in history:
        collected, manifest, damaged = entry.release_id in gone, None, False
        try:
            manifest = None if collected else manifest_of(opened, entry)
        except CorruptError:  # told as damaged: who looks for a release to go back to needs to see the others
            damaged = True
        rows.append(
            _told(entry)
            | {
                "night": str(manifest.night) if manifest else None,
                "verdict": str(manifest.verdict) if manifest else None,
                "pinned": entry.release_id in pinned,
                "collected": collected,
                "damaged": damaged,
            }
        )
    show(rows, "\n".join(history_lines(rows)) or "no releases yet", as_json=as_json)


@group.command("show")
def show_release(release: ReleaseArgument = None, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Show a release: its manifest, when and by whom it was published. Example: autodetect release show."""
    from autodetect.release.history import entries, manifest_of
    from autodetect.release.kept import collected_for_good
    from autodetect.release.pins import pins
    from flows.cli.release_words import release_lines

    opened = opened_store(store)
    wanted = wanted_release(opened, release)
    history = entries(opened)
    named = [entry for entry in history if entry.release_id == wanted]
    if wanted in collected_for_good(opened, history):
        raise UsageError(
            f"{opened.url} does not hold the release {wanted[:16]} any more: it was collected",
            "see `autodetect release list`; `autodetect release pin` keeps one",
        )
    pin = pins(opened).get(wanted)
    value = manifest_of(opened, named[-1]).model_dump(mode="json")
    value |= {"release_id": wanted, "entries": [_told(entry) for entry in named]}
    value["pin"] = pin.model_dump(mode="json") if pin else None
    show(value, "\n".join(release_lines(value)), as_json=as_json)


def _told(entry: "HistoryEntry") -> dict[str, Any]:
    """Return an entry as it is, with the keys that it names as its signers, and whether it is past its time."""
    told = entry.model_dump(mode="json")
    signed_by = [signature.key_id for signature in entry.signatures]
    return told | {"signed_by": signed_by, "expired": entry.expired(datetime.now(UTC))}
