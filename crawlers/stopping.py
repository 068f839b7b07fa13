"""A crawl's early end: one of a few named causes, told once, after which nothing more is sent.

Whoever sees the cause calls `stop`. What keeps the promise that nothing more is sent: the engine starts no request
that still waits in the scheduler, `stop` takes back those that wait in the downloader, and the middlewares ask
`refuse_if_stopped` for every request on its way there. Requests in flight finish and reach the spider.

Sets the stats value `autodetect/stopped` to `{"cause": ..., "words": ..., "url": ...}` and counts
`autodetect/stopping/withdrawn`.
"""

import logging
from enum import StrEnum

from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.utils.defer import deferred_from_coro
from twisted.python.failure import Failure

from crawlers.queued import withdraw

log = logging.getLogger(__name__)
STOPPED = "autodetect/stopped"


class Cause(StrEnum):
    """Why a crawl ends early."""

    CAPTCHA = "captcha"  # the source asks for a person
    INTERRUPTION = "interruption"  # the source shows a page of its bot defence
    FORBIDDEN = "forbidden"  # one refusal (403) after the other
    RATE_LIMITED = "rate_limited"  # it wants a longer pause than a night has, or keeps answering 429
    ROBOTS_DISALLOW = "robots_disallow"  # robots.txt forbids what the crawl needs
    QUOTA = "quota"  # the day's calls are used up
    DRIFT = "drift"  # the source's answers are no longer what is read here
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - the key is refused
    SERVER_DOWN = "server_down"  # what everything else needs does not answer


class StoppedError(IgnoreRequest):
    """The crawl has ended early: this request was not sent, or its answer is not to be used."""


def stop(crawler: Crawler, cause: Cause, words: str, url: str = "") -> None:
    """End the crawl; only the first cause counts.

    Args:
        crawler: the running crawl.
        cause: which of the named causes.
        words: what was seen, for a person; no secrets.
        url: the request or answer that showed it.
    """
    if stopped(crawler):
        return
    crawler.stats.set_value(STOPPED, {"cause": cause.value, "words": words, "url": url})
    log.error("the crawl ends early (%s): %s%s", cause, words, f" [{url}]" if url else "")
    if crawler.engine is None or crawler.engine.spider is None:
        return  # not open yet, or closed already: what was recorded is all there is to do
    withdrawn = withdraw(crawler, lambda: StoppedError(cause.value))
    crawler.stats.inc_value("autodetect/stopping/withdrawn", withdrawn)
    # The engine waits for requests in progress, of which the caller's is one: it must not be awaited here.
    closing = deferred_from_coro(crawler.engine.close_spider_async(reason=cause.value))
    closing.addErrback(_tell)


def stopped(crawler: Crawler) -> dict[str, str] | None:
    """Return cause, words and URL of the crawl's early end, or None while it goes on."""
    found: dict[str, str] | None = crawler.stats.get_value(STOPPED)
    return found


def refuse_if_stopped(crawler: Crawler) -> None:
    """Raise `StoppedError` once the crawl has ended early."""
    if found := stopped(crawler):
        raise StoppedError(found["cause"])


def _tell(failure: Failure) -> None:
    log.error("the spider could not be closed: %s", failure.getTraceback())
