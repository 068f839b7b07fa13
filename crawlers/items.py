"""What spiders yield. The typed listing record itself is `autodetect.records.Sighting`."""

from dataclasses import dataclass, field

from autodetect.records import Sighting


@dataclass(frozen=True)
class Announced:
    """A source's own count of what it has: the denominator of the night's coverage."""

    kind: str
    total: int


@dataclass(frozen=True)
class PageDone:
    """One search page, read to its end: the item ids it showed."""

    kind: str
    slice_name: str
    offset: int
    item_ids: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class SightingItem:
    """A listing read in full."""

    sighting: Sighting


@dataclass(frozen=True)
class PhotoItem:
    """A photo of a listing: `data` as fetched, or the `sha256` of a photo that is held already."""

    item_id: str
    position: int
    url: str
    data: bytes | None = None
    sha256: str = ""
    fetched: bool = False


@dataclass(frozen=True)
class Failure:
    """Something that could not be fetched: `kind` is page, item or photo; `cause` is a name, such as http_404."""

    kind: str
    key: str
    cause: str
    item_id: str = ""


CrawlItem = Announced | PageDone | SightingItem | PhotoItem | Failure
