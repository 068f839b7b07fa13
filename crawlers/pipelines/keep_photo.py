"""Keep a photo's bytes in the lake's photo store before the ledger says so; refuse what is no photo by its bytes.

The store is that of the spider's plan. Setting: `AUTODETECT_MAX_PIXELS`. Counts `autodetect/photos/kept` and
`autodetect/photos/refused`.
"""

from dataclasses import replace
from typing import Self

from scrapy.crawler import Crawler

from autodetect.lake.blobs import BlobStore
from crawlers.items import Failed, Outcome, PhotoRead
from crawlers.photo_bytes import refusal_of


class KeepPhotoPipeline:
    """Replace a photo's bytes by their digest once they are safely stored."""

    def __init__(self, photos: BlobStore, max_pixels: int, crawler: Crawler) -> None:
        self._photos = photos
        self._max_pixels = max_pixels
        self._stats = crawler.stats

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from the spider's plan."""
        return cls(crawler.spider.plan.photos, crawler.settings.getint("AUTODETECT_MAX_PIXELS"), crawler)

    def process_item(self, item: Outcome) -> Outcome:
        """Store the bytes; other outcomes pass unchanged."""
        if not isinstance(item, PhotoRead) or item.data is None:
            return item
        if rule := refusal_of(item.data, max_pixels=self._max_pixels):
            self._stats.inc_value("autodetect/photos/refused")
            return Failed(item.work, rule)
        self._stats.inc_value("autodetect/photos/kept")
        return replace(item, sha256=self._photos.put(item.data), data=None)
