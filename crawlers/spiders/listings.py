"""What both spiders are: they take work from the frontier, send one request for it, and yield exactly one outcome.

A subclass says how a piece of work is asked for and how its answer is read; it holds no state of the crawl.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from scrapy import Spider, signals
from scrapy.crawler import Crawler
from scrapy.http import Request, Response
from scrapy.utils.defer import deferred_from_coro

from crawlers.failures import cause_of, is_put_off
from crawlers.items import Failed, Listing, Outcome, Page, Photo, PhotoRead, PutOff, Work
from crawlers.plan import CrawlPlan

AHEAD = 8  # requests handed out beyond those in flight, so that a free connection never waits


class ListingsSpider(Spider):
    """Crawl one category of one source for one night."""

    # Scrapy makes as many tasks for every answer, by default a hundred; of one answer there is one outcome.
    custom_settings = {"CONCURRENT_ITEMS": 1}  # noqa: RUF012 - Scrapy's name and type

    def __init__(self, plan: CrawlPlan, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan = plan
        self._settled = asyncio.Event()

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Listen for outcomes that were written down, and for our own bugs."""
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.settle, signal=signals.item_scraped)
        crawler.signals.connect(spider.crash, signal=signals.item_error)
        crawler.signals.connect(spider.crash, signal=signals.spider_error)
        return spider

    async def start(self) -> AsyncIterator[Request]:
        """Hand out work for as long as there is any; the engine takes the next piece when it has room."""
        frontier, crawl = self.plan.frontier, self.plan.crawl
        frontier.begin()
        while True:
            self._settled.clear()
            work = frontier.next(most_photos=crawl.photo_concurrency + AHEAD, most_others=crawl.concurrency + AHEAD)
            if work is not None:
                yield self.request_for(work)
            elif frontier.busy:
                await self._settled.wait()
            else:
                return

    def request_for(self, work: Work) -> Request:
        """Return the one request that a piece of work is."""
        match work:
            case Page():
                request = self.page_request(work)
                request.priority = 2
                request.meta["paid"] = "search"
            case Listing():
                request = self.listing_request(work)
                request.meta["paid"] = "listing"
            case Photo():
                request = self.photo_request(work)
        request.meta["work"] = work
        request.errback, request.dont_filter = self.failed, True
        return request

    def page_request(self, page: Page) -> Request:
        """Return the request for a search page."""
        raise NotImplementedError

    def listing_request(self, listing: Listing) -> Request:
        """Return the request for a listing in full."""
        raise NotImplementedError

    def photo_request(self, photo: Photo) -> Request:
        """Return the request for a photo: at its own URL, or its path on the host that stands in for the photo host."""
        url, stand_in = photo.url, self.plan.ebay.photo_base_url
        if stand_in:
            host = urlsplit(stand_in)
            url = urlunsplit(urlsplit(url)._replace(scheme=host.scheme, netloc=host.netloc))
        return Request(
            url, callback=self.read_photo, priority=1, meta={"download_maxsize": self.plan.crawl.max_photo_bytes}
        )

    def read_photo(self, response: Response) -> Outcome:
        """Hand over a photo's bytes as they are; curation judges them."""
        return PhotoRead(response.meta["work"], data=response.body)

    def failed(self, failure: Any) -> Outcome | Request:
        """Name why nothing came."""
        work: Work = failure.request.meta["work"]
        if is_put_off(failure.value):
            return PutOff(work)
        cause = cause_of(failure.value)
        if not cause:
            self.logger.error("could not fetch %s", work.key, exc_info=failure.value)
            cause = type(failure.value).__name__
        return self.not_fetched(work, cause)

    def not_fetched(self, work: Work, cause: str) -> Outcome | Request:
        """Return what a failure means: an outcome, or another try."""
        self.logger.warning("could not fetch %s: %s", work.key, cause)
        return Failed(work, cause)

    def unreadable(self, work: Work, error: Exception) -> Outcome:
        """Return the outcome of an answer that is not what it should be: it costs only itself."""
        self.logger.warning("could not read %s: %r", work.key, error)
        return Failed(work, "answer_unreadable")

    def settle(self) -> None:
        """Wake the feeder: an outcome was written down."""
        self._settled.set()

    def crash(self, failure: Any) -> None:
        """End the crawl over an error of our own; the stage raises it."""
        self.crawler.stats.set_value("autodetect/crashed", failure.getTraceback())
        deferred_from_coro(self.crawler.engine.close_spider_async(reason="crashed"))
        self._settled.set()
