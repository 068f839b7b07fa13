"""Write every outcome to the crawl's ledger, as the frontier has it.

The frontier is that of the spider's plan. Counts `autodetect/outcomes/<kind>` and, of failures,
`autodetect/failures/<cause>`.
"""

from typing import Self

from scrapy.crawler import Crawler

from crawlers.frontier import Frontier
from crawlers.items import Failed, Outcome


class WriteLedgerPipeline:
    """One transaction an outcome."""

    def __init__(self, frontier: Frontier, crawler: Crawler) -> None:
        self._frontier = frontier
        self._stats = crawler.stats

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from the spider's plan."""
        return cls(crawler.spider.plan.frontier, crawler)

    def process_item(self, item: Outcome) -> Outcome:
        """Record the outcome."""
        self._stats.inc_value(f"autodetect/outcomes/{type(item).__name__}")
        if isinstance(item, Failed):
            self._stats.inc_value(f"autodetect/failures/{item.cause}")
        self._frontier.record(item)
        return item
