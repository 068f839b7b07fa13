"""What a spider is told: how to ask, where to put what it finds, and what is known already."""

from collections.abc import Sequence
from dataclasses import dataclass

from autodetect.lake.blobs import BlobStore
from autodetect.sections import CrawlSettings, EbaySettings
from crawlers.advert import Provenance
from crawlers.drift import Fill
from crawlers.frontier import Frontier
from crawlers.ledger import Ledger


@dataclass(frozen=True)
class CrawlPlan:
    """One crawl.

    Args:
        spider: 'ebay-api' or 'ebay-pages'.
        ebay: where the source is, the key to it, its category.
        crawl: how to ask.
        provenance: what is stamped on every sighting.
        ledger: tonight's, opened.
        frontier: hands out the work.
        photos: keeps photo bytes.
        examples: keeps the bytes of pages that could not be read.
        marketplace: the marketplace header that earlier nights found to serve the category; '' when none did.
        fill_history: the fill rates of the last nights, newest last.
        seed: of the jitter between tries.
    """

    spider: str
    ebay: EbaySettings
    crawl: CrawlSettings
    provenance: Provenance
    ledger: Ledger
    frontier: Frontier
    photos: BlobStore
    examples: BlobStore
    marketplace: str = ""
    fill_history: Sequence[Fill] = ()
    seed: int = 0
