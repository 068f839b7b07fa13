"""Pay for every request of the API or the pages out of the night's budget; refuse it when the budget is spent.

Applies to requests with `meta["paid"]`: searches ("search") and listings ("listing"), each try of them; photos and
tokens cost nothing, and what was taken back before it was sent is paid back. The budget is the plan's
(`crawl.daily_calls`), the account is its ledger's, so that it holds over interruptions. Stands next to the downloader,
where retries pass again. Counts `autodetect/budget/paid`,
`autodetect/budget/paid_back` and `autodetect/budget/refused`.
"""

from typing import Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from crawlers.middlewares.retry_after import HeldBackError
from crawlers.plan import CrawlPlan
from crawlers.stopping import StoppedError

PAID_NOW = "autodetect_paid_now"  # meta: this very try has been paid for


class BudgetSpentError(IgnoreRequest):
    """The night's budget is spent; the request waits for another night."""


class Budget:
    """The night's account."""

    def __init__(self, plan: CrawlPlan, crawler: Crawler) -> None:
        self._ledger = plan.ledger
        self._limit = plan.crawl.daily_calls
        self._stats = crawler.stats

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from the spider's plan."""
        return cls(crawler.spider.plan, crawler)

    def process_request(self, request: Request) -> None:
        """Let a request pass and pay for it, or refuse it."""
        purpose = request.meta.get("paid")
        if purpose is None:
            return
        if self._ledger.calls >= self._limit:
            self._stats.inc_value("autodetect/budget/refused")
            raise BudgetSpentError(f"the night's {self._limit:,} requests are spent")
        self._ledger.pay(purpose)
        request.meta[PAID_NOW] = True
        self._stats.inc_value("autodetect/budget/paid")

    def process_response(self, request: Request, response: Response) -> Response:
        """Know that it was sent: nothing is paid back for it any more."""
        request.meta.pop(PAID_NOW, None)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Pay back what was taken back while it waited in the downloader."""
        if request.meta.pop(PAID_NOW, False) and isinstance(exception, HeldBackError | StoppedError):
            self._ledger.pay(request.meta["paid"], -1)
            self._stats.inc_value("autodetect/budget/paid_back")
