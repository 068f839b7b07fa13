"""Import a folder: its photos go into the lake's photo store, its listings wait there for the next crawl."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from autodetect.errors import UsageError
from autodetect.lake.lake import Lake
from autodetect.records import Refusal
from crawlers.folder.photos import PhotoIntake
from crawlers.folder.read import FolderContents
from crawlers.imports import ImportHeader, ImportLines, listing_line, refusal_line, stage, staged

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ImportMade:
    """What an import came to.

    Args:
        digest: what it is called in the lake.
        is_new: False when the same data had been imported before (or, of a dry run, would not be new).
        imported_on: the date of its sightings: that of the first time.
        listings: how many it has, of them `kinds` of each kind.
        photos: how many it has, of which the store did not hold `photos_new`.
        refusals: what was refused or noted.
    """

    digest: str
    is_new: bool
    imported_on: date
    listings: int
    kinds: Mapping[str, int]
    photos: int
    photos_new: int
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True)
class ImportStamp:
    """Who says so and when: what an import's header holds besides its counts."""

    folder: str
    licence: str
    imported_on: date
    imported_at: datetime


def import_folder(
    contents: FolderContents,
    lake: Lake | None,
    intake: PhotoIntake,
    stamp: ImportStamp,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportMade:
    """Store the photos, then the listings in one object: a kill leaves at most photos that nothing names.

    Args:
        contents: what the folder holds, its sightings dated `stamp.imported_on`.
        lake: where to; None: nowhere yet, for a dry run.
        intake: judges and stores the photos.
        stamp: for the header.
        dry_run: look, and write nothing.
        progress: called after each listing with how many are done and how many there are.

    Raises:
        UsageError: every listing is a photo, and every photo was refused.
    """
    found: list[bytes] = []
    kinds: Counter[str] = Counter()
    refusals = list(contents.refusals)
    new: set[str] = set()
    photos = 0
    for done, listing in enumerate(contents, start=1):
        taken = intake.take(listing)
        refusals += taken.refusals
        new |= taken.new
        if taken.listing is not None:
            found.append(listing_line(taken.listing))
            kinds[taken.listing.sighting.kind] += 1
            photos += len(taken.listing.photos)
        if progress:
            progress(done, len(contents))
    if not found:
        raise UsageError(
            f"none of the photos in {contents.root} can be used: {len(refusals):,} refused, such as {refusals[0].key}: "
            f"{refusals[0].rule}",
            "open one in a viewer; photos are JPEG, PNG, WebP, GIF, AVIF, BMP or TIFF files",
        )
    lines = ImportLines(b"".join(found), b"".join(map(refusal_line, refusals)))
    header = ImportHeader(**vars(stamp), listings=len(found), photos=photos, refusals=len(refusals))
    before = staged(lake.objects, lines.digest) if lake else None
    is_new = before is None
    if is_new and lake and not dry_run:
        is_new = stage(lake.objects, lines, header)
    return ImportMade(
        digest=lines.digest,
        is_new=is_new,
        imported_on=before.header.imported_on if before else stamp.imported_on,
        listings=len(found),
        kinds=dict(sorted(kinds.items())),
        photos=photos,
        photos_new=len(new),
        refusals=tuple(refusals),
    )
