"""What a spider is given to do, one request each, and what it yields for it: exactly one outcome.

The listing's own record is `crawlers.advert.Advert`, in the lake `autodetect.records.Sighting`.
"""

from dataclasses import dataclass

from autodetect.records import Sighting
from crawlers.advert import SearchAnswer
from crawlers.slices import Slice


@dataclass(frozen=True)
class Page:
    """One page of a search: of listings (`asking`) or of sales (`sold`), in order of price where the slice asks it."""

    kind: str
    part: Slice
    offset: int

    @property
    def key(self) -> str:
        """What names it in logs and in quarantine."""
        return f"{self.kind}/{self.part.name}/{self.offset}"


@dataclass(frozen=True)
class Listing:
    """A listing to read in full: `summary` is the digest of its search entry, `part` where it was found.

    `origin_at` is what only the search entry says of it (`crawlers.advert.Advert`).
    """

    item_id: str
    summary: str
    part: Slice
    origin_at: str = ""

    @property
    def key(self) -> str:
        """What names it."""
        return self.item_id


@dataclass(frozen=True)
class Photo:
    """A photo of a listing to fetch."""

    item_id: str
    position: int
    url: str

    @property
    def key(self) -> str:
        """What names it."""
        return self.url


Work = Page | Listing | Photo


@dataclass(frozen=True)
class PageRead:
    """A search page, read."""

    work: Page
    answer: SearchAnswer


@dataclass(frozen=True)
class ListingRead:
    """A listing, read in full; `body` is the answer as it came, of which one may be kept as an example."""

    work: Listing
    sighting: Sighting
    body: bytes = b""


@dataclass(frozen=True)
class PhotoRead:
    """A photo's bytes as they came; once they are stored only their digest."""

    work: Photo
    data: bytes | None = None
    sha256: str = ""


@dataclass(frozen=True)
class Failed:
    """Work that came to nothing: `cause` is a name, such as http_404."""

    work: Work
    cause: str


@dataclass(frozen=True)
class PutOff:
    """Work that was not done and is not lost: the budget was spent, or the crawl ended early."""

    work: Work


Outcome = PageRead | ListingRead | PhotoRead | Failed | PutOff
