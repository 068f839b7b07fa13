"""The source `folder`: what the folder holds tonight is what is there tonight."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from autodetect.errors import UsageError
from autodetect.lake.lake import Lake
from autodetect.records import Refusal, StageRun
from autodetect.settings import Settings
from crawlers.folder.photos import PhotoIntake, Taken
from crawlers.folder.read import FolderContents, read_folder


@dataclass(frozen=True)
class FolderCrawl:
    """A night's look at the folder. Iterating it stores photos and gives the listings by item id, one by one.

    Args:
        contents: what the folder holds.
        intake: where the photos go.
    """

    contents: FolderContents
    intake: PhotoIntake

    @property
    def announced(self) -> Mapping[str, int]:
        """Return how many listings there are of each kind: asking and sold."""
        return self.contents.kinds

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Return what was refused or noted before any photo was opened; each listing brings those of its photos."""
        return self.contents.refusals

    def __iter__(self) -> Iterator[Taken]:
        return (self.intake.take(listing) for listing in self.contents)


def require_folder(settings: Settings, night: date = date.max) -> FolderContents:
    """Read the folder that the settings name; opens no photo and writes nothing.

    Args:
        settings: `folder` and `crawl.max_photos_per_listing`.
        night: the date stamped on its sightings; only a look does without.

    Raises:
        UsageError: `folder.path` or `folder.licence` is not set, or the folder cannot be used.
    """
    path = settings.folder.path
    if not path:
        raise UsageError(
            "the source folder needs the setting folder.path: the folder that is read every night",
            "set folder.path in autodetect.toml, or AUTODETECT_FOLDER__PATH",
        )
    licence, max_photos = require_licence(settings), settings.crawl.max_photos_per_listing
    return read_folder(Path(path), kind="asking", night=night, licence=licence, max_photos=max_photos)


def require_licence(settings: Settings) -> str:
    """Return what permits using the folder's photos and listings (`UsageError`: nobody has said)."""
    licence = settings.folder.licence.strip()
    if not licence:
        raise UsageError(
            "nobody has said what permits using these photos and listings: the licence is stamped on every sighting "
            "and release, so that what must go can be found again",
            "set folder.licence (or AUTODETECT_FOLDER__LICENCE; autodetect import: --licence), such as 'own photos' or "
            "'CC BY 4.0'",
        )
    return licence


def crawl_folder(settings: Settings, lake: Lake, run: StageRun, *, held: Container[str] = frozenset()) -> FolderCrawl:
    """Look at the folder that the settings name, for tonight.

    Args:
        settings: `folder`, `crawl` (photos a listing, bytes a photo) and `photos.max_pixels`.
        lake: its photo store takes the photos.
        run: tonight.
        held: digests of photos that receipts say the store holds; it is not asked for those.

    Raises:
        UsageError: as `require_folder`.
    """
    limits = settings.crawl.max_photo_bytes, settings.photos.max_pixels
    return FolderCrawl(require_folder(settings, run.night), PhotoIntake(lake.photos, *limits, held))
