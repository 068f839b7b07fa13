"""Notice that the source's answers no longer yield what they used to, and keep one that shows it.

While the crawl runs: a required field that none of the first listings has ends it (cause `drift`). At its end: for
fields that are filled far less often than on the nights before, the last answer without them is kept.

Settings of the plan: `crawl.min_fill` (0 switches the watch off). The example's digest and address are the ledger's
notes `example` and `example_url`.
"""

from typing import Self

from scrapy.crawler import Crawler

from crawlers import harvest
from crawlers.drift import EARLY_READ, Fill, broken_generation, drift_words, drifted, fill_of, pooled
from crawlers.items import ListingRead, Outcome
from crawlers.plan import CrawlPlan
from crawlers.rules import ASKING
from crawlers.stopping import Cause, stop


class WatchDriftPipeline:
    """Counts the fields of what is read."""

    def __init__(self, plan: CrawlPlan, crawler: Crawler) -> None:
        self._plan = plan
        self._crawler = crawler
        self._first: Fill = {}
        self._read = 0
        self._without: dict[str, ListingRead] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from the spider's plan."""
        return cls(crawler.spider.plan, crawler)

    def process_item(self, item: Outcome) -> Outcome:
        """Look at a listing; other outcomes pass."""
        if isinstance(item, ListingRead) and self._plan.crawl.min_fill:
            self._look_at(item)
        return item

    def close_spider(self) -> None:
        """Keep an example of what drifted over the whole night."""
        if not self._plan.crawl.min_fill or self._plan.ledger.noted("example"):
            return
        tonight = fill_of(harvest.sightings(self._plan.ledger, kind=ASKING))
        for field in drifted(tonight, self._plan.fill_history, min_fill=self._plan.crawl.min_fill):
            if field in self._without:
                self._keep(self._without[field])
                return

    def _look_at(self, item: ListingRead) -> None:
        fill = fill_of([item.sighting])
        self._without |= {field: item for field, (filled, read) in fill.items() if read and not filled}
        self._read += 1
        if self._read > 2 * EARLY_READ:
            return
        self._first = pooled([self._first, fill])
        if broken := broken_generation(self._first):
            self._keep(item)
            words = drift_words(broken, self._first, self._plan.fill_history)
            stop(self._crawler, Cause.DRIFT, f"listings no longer say what they must: {words}", url=item.sighting.url)

    def _keep(self, item: ListingRead) -> None:
        self._plan.ledger.note("example", self._plan.examples.put(item.body))
        self._plan.ledger.note("example_url", item.sighting.url)
