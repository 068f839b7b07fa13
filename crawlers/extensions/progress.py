"""Tell a person every few seconds how far the crawl is.

Settings: `AUTODETECT_PROGRESS_S` (seconds between lines). The ledger is that of the spider's plan.
"""

import logging
from typing import Self

from scrapy import signals
from scrapy.crawler import Crawler
from twisted.internet.task import LoopingCall

from crawlers.ledger import Ledger

log = logging.getLogger(__name__)


class Progress:
    """Log listings, photos and failures reached so far."""

    def __init__(self, ledger: Ledger, interval: float) -> None:
        self._ledger = ledger
        self._interval = interval
        self._loop = LoopingCall(self._tell)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Connect to the spider's opening and closing."""
        progress = cls(crawler.spider.plan.ledger, crawler.settings.getfloat("AUTODETECT_PROGRESS_S", 5.0))
        crawler.signals.connect(progress.opened, signal=signals.spider_opened)
        crawler.signals.connect(progress.closed, signal=signals.spider_closed)
        return progress

    def opened(self) -> None:
        """Start telling."""
        self._loop.start(self._interval, now=False)

    def closed(self) -> None:
        """Tell once more and stop."""
        if self._loop.running:
            self._loop.stop()
        self._tell()

    def _tell(self) -> None:
        reached = self._ledger.reached
        parts = [
            f"{len(ids):,} of {reached.announced.get(kind, 0):,} {'sales' if kind == 'sold' else 'listings'}"
            for kind, ids in sorted(reached.seen.items())
        ]
        log.info(
            "crawl: %s seen, %s new or changed, %s photos, %s failures",
            ", ".join(parts) or "nothing",
            f"{len(reached.sightings):,}",
            f"{len(reached.photos):,}",
            f"{len(reached.failures):,}",
        )
