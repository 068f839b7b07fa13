"""Write everything a spider yields to the crawl's ledger.

The ledger is that of the spider's plan. Counts `autodetect/ledger/<type>`.
"""

from typing import Any, Self

from scrapy.crawler import Crawler

from crawlers.items import Announced, CrawlItem, Failure, PageDone, PhotoItem, SightingItem
from crawlers.ledger import Ledger


class WriteLedgerPipeline:
    """Turn items into ledger entries."""

    def __init__(self, ledger: Ledger, crawler: Crawler) -> None:
        self._ledger = ledger
        self._stats = crawler.stats

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from the spider's plan."""
        return cls(crawler.spider.plan.ledger, crawler)

    def process_item(self, item: CrawlItem) -> CrawlItem:
        """Append the item's entry."""
        entry = _entry(item)
        self._stats.inc_value(f"autodetect/ledger/{entry['type']}")
        self._ledger.write(entry)
        return item


def _entry(item: CrawlItem) -> dict[str, Any]:
    match item:
        case Announced(kind, total):
            return {"type": "announced", "kind": kind, "total": total}
        case PageDone(kind, name, offset, item_ids):
            return {"type": "page", "kind": kind, "key": f"{kind}/{name}/{offset}", "item_ids": list(item_ids)}
        case SightingItem(sighting):
            return {"type": "sighting", "sighting": sighting.model_dump(mode="json")}
        case PhotoItem(item_id, position, url, _, sha256, fetched):
            return {
                "type": "photo",
                "item_id": item_id,
                "position": position,
                "url": url,
                "sha256": sha256,
                "fetched": fetched,
            }
        case Failure(kind, key, cause, item_id):
            return {"type": "failure", "kind": kind, "key": key, "cause": cause, "item_id": item_id}
