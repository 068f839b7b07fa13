"""`autodetect import`: bring your own photos and listings."""

import shlex
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from crawlers.folder.files import as_text
from flows.cli.output import JsonOption, LakeOption, show, telling_interrupts
from flows.cli.stages import SourceOption

TELL_EVERY = 1_000  # listings
MOST_SHOWN = 5


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("import")(import_)


def import_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder with your photos and/or listings.csv.")],
    licence: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="What permits using them, e.g. 'own photos'. Default: folder.licence."),
    ] = None,
    lake: LakeOption = None,
    source: SourceOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is there; write nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring your own photos and listings: the next night's crawl takes them in.

    DIR holds photos by make and model and/or a listings.csv:

        cars/ford/mustang/red.jpg        make/model/photo
        cars/ford/mustang/7/left.jpg     make/model/car/photo: one car's photos
        cars/alfa_romeo_giulia/1.jpg     make_model/photo
        cars/listings.csv                columns make, model, ...; photos/

    The columns are explained in docs/operations.md. Importing the same data
    again changes nothing, and a night may run meanwhile. Look, then import:

        autodetect import cars --dry-run

        autodetect import cars --licence "own photos"
    """
    from datetime import UTC, datetime

    from autodetect.lake.lake import lake_exists, open_lake
    from crawlers.folder.crawl import require_licence
    from crawlers.folder.photos import PhotoIntake
    from crawlers.folder.read import read_folder
    from crawlers.folder.staging import ImportStamp, import_folder
    from flows.options import NightOptions

    settings = NightOptions(lake=lake, source=source and source.value).settings()
    settings = settings.with_values({"folder.licence": licence})
    permitted = settings.folder.licence.strip() if dry_run else require_licence(settings)
    now = datetime.now(UTC)
    stamp = ImportStamp(as_text(folder.resolve().name), permitted, settings.tonight(now), now)
    limits = settings.crawl
    contents = read_folder(
        folder, kind="import", night=stamp.imported_on, licence=permitted, max_photos=limits.max_photos_per_listing
    )
    opened = open_lake(settings, create=not dry_run) if not dry_run or lake_exists(settings) else None
    intake = PhotoIntake(
        opened.photos if opened else None, limits.max_photo_bytes, settings.photos.max_pixels, dry_run=dry_run
    )
    with telling_interrupts():
        made = import_folder(contents, opened, intake, stamp, dry_run=dry_run, progress=_tell)
    value = {
        "folder": as_text(str(folder)),
        "state": ("would be " if dry_run else "") + ("imported" if made.is_new else "the same"),
        "digest": made.digest,
        "imported_on": made.imported_on,
        "licence": permitted,
        "lake": settings.lake,
        "listings": made.listings,
        "kinds": made.kinds,
        "photos": made.photos,
        "photos_new": made.photos_new,
        "models": contents.models,
        "unknown_makes": contents.unknown_makes,
        "skipped": contents.skipped,
        "refused": _by_rule(made.refusals, "refused"),
        "noted": _by_rule(made.refusals, "noted"),
        "next": _next(folder, permitted, dry_run=dry_run, lake=lake, source=source and source.value),
    }
    show(value, _as_text(value), as_json=as_json)


def _tell(done: int, total: int) -> None:
    if done % TELL_EVERY == 0:
        print(f"import: {done:,} of {total:,} listings", file=sys.stderr, flush=True)


def _by_rule(refusals: Any, effect: str) -> dict[str, dict[str, Any]]:
    """Return, by rule, how often it refused something, and the first places and values."""
    found = [refusal for refusal in refusals if refusal.effect == effect]
    counts = Counter(refusal.rule for refusal in found)
    return {
        rule: {"count": count, "examples": [_words(r) for r in found if r.rule == rule][:MOST_SHOWN]}
        for rule, count in sorted(counts.items())
    }


def _words(refusal: Any) -> str:
    return f"{refusal.key} ({refusal.value})" if refusal.value else str(refusal.key)


def _next(folder: Path, licence: str, *, dry_run: bool, **options: str | None) -> str:
    given = [f"--{name} {shlex.quote(value)}" for name, value in options.items() if value]
    if not dry_run:
        return " ".join(["autodetect nightly", *given])
    permit = f"--licence {shlex.quote(licence)}" if licence else "--licence TEXT"
    return " ".join(["autodetect import", shlex.quote(as_text(str(folder))), permit, *given])


def _as_text(value: dict[str, Any]) -> str:
    kinds = ", ".join(f"{count:,} of kind {kind}" for kind, count in value["kinds"].items())
    before = f"the same data was imported on {value['imported_on']}"
    head = {
        "imported": f"{value['folder']}: imported into {value['lake']}",
        "the same": f"{value['folder']}: already imported: {before}; nothing was changed",
        "would be imported": f"{value['folder']}: a dry run, nothing was written",
        "would be the same": f"{value['folder']}: a dry run, nothing was written; {before}",
    }
    lines = [
        head[value["state"]],
        f"  listings   {value['listings']:,} ({kinds})",
        f"  photos     {value['photos']:,} ({value['photos_new']:,} new to the lake)",
        f"  models     {len(value['models']):,}: {_most(value['models'])}",
    ]
    if value["unknown_makes"]:
        lines.append(f"  makes that the catalogue does not know: {_most(value['unknown_makes'])}")
    if value["skipped"]:
        lines.append(f"  skipped    {_most(value['skipped'])}")
    for effect in ("refused", "noted"):
        for rule, told in value[effect].items():
            lines.append(f"  {effect:<9}  {told['count']:,} {rule}: {_list(told['examples'], told['count'])}")
    return "\n".join([*lines, f"next: {value['next']}"])


def _most(counts: dict[str, int]) -> str:
    """Return the first of many counts in words."""
    return _list([f"{name} {count:,}" for name, count in list(counts.items())[:MOST_SHOWN]], len(counts))


def _list(shown: list[str], total: int) -> str:
    return ", ".join(shown) + (f", and {total - len(shown):,} more" if total > len(shown) else "")
