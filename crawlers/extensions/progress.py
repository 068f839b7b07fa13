"""Tell a person every few seconds how far the crawl is.

Settings: `AUTODETECT_PROGRESS_S` (seconds between lines). The ledger is that of the spider's plan.
"""

import logging
from typing import Self

from scrapy import signals
from scrapy.crawler import Crawler
from twisted.internet.task import LoopingCall

from crawlers.ledger import Ledger
from crawlers.rules import ASKING, SOLD

log = logging.getLogger(__name__)


class Progress:
    """Log what was reached so far."""

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
        ledger = self._ledger
        searched = [
            f"{ledger.seen(kind):,} of {announced:,} {words} seen"
            for kind, words in ((ASKING, "listings"), (SOLD, "sales"))
            if (announced := ledger.announced(kind))
        ]
        done, wanted = ledger.execute("SELECT sum(state = 'done'), count(*) FROM listings").fetchone()
        photos = ledger.value("SELECT count(*) FROM photos WHERE fetched")
        log.info(
            "crawl: %s; %s of %s new or changed ones read, %s photos, %s requests of the budget",
            ", ".join(searched) or "nothing seen yet",
            f"{done or 0:,}",
            f"{wanted:,}",
            f"{photos:,}",
            f"{ledger.calls:,}",
        )
