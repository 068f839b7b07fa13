"""Keep a photo's bytes in the lake's photo store before the ledger says so.

The store is that of the spider's plan. Counts `autodetect/photos/fetched` and `autodetect/photos/held`.
"""

from dataclasses import replace
from typing import Self

from scrapy.crawler import Crawler

from autodetect.lake.blobs import BlobStore
from crawlers.items import CrawlItem, PhotoItem


class KeepPhotoPipeline:
    """Replace a photo's bytes by their digest once they are safely stored."""

    def __init__(self, photos: BlobStore, crawler: Crawler) -> None:
        self._photos = photos
        self._stats = crawler.stats

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from the spider's plan."""
        return cls(crawler.spider.plan.photos, crawler)

    def process_item(self, item: CrawlItem) -> CrawlItem:
        """Store the bytes; other items pass unchanged."""
        if not isinstance(item, PhotoItem):
            return item
        if item.data is None:
            self._stats.inc_value("autodetect/photos/held")
            return item
        self._stats.inc_value("autodetect/photos/fetched")
        return replace(item, sha256=self._photos.put(item.data), data=None, fetched=True)
