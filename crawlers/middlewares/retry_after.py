"""Wait as long as a server asks, and stop for the day when it says that the day's calls are used up.

A 429 or 503 answer with a Retry-After (seconds or a date) pauses its host: requests to it that come wait here, those
that wait in the downloader are taken back to wait here too, those in flight finish. A 429 without one pauses the host
for a time that doubles with every try of the request, with jitter. A Retry-After longer than a night has patience for,
and eBay's quota error, end the crawl. The request itself is sent again by Scrapy's retry middleware, which counts the
tries of a request (`RETRY_TIMES`, meta `retry_times`); its `RETRY_HTTP_CODES` must hold 429 and 503, as they do by
default.

Number: 560. An answer must pass here before the retry middleware (550) makes a new request of it, and after it was
decompressed (590), since the quota error is told in the body.

Settings: `AUTODETECT_MAX_RETRY_AFTER_S` (default 300), `AUTODETECT_BACKOFF_S` (the first pause without a Retry-After,
default 1), `AUTODETECT_SEED` (of the jitter), `RETRY_TIMES`.

Counts `autodetect/retry_after/<reason>`: asked (pauses that a server asked for), backoff (pauses of our own), waited
(requests that waited), held_back (taken back from the downloader), too_long, quota.
"""

import asyncio
import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random
from time import monotonic
from typing import Any, Self

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.http import Request, Response

from crawlers.queued import host_of, withdraw
from crawlers.stopping import Cause, StoppedError, refuse_if_stopped, stop

LOOK_S = 0.25  # how often a request that waits looks whether the crawl still goes on
MAX_ERROR_BYTES = 65_536  # a longer body is no error message
QUOTA_USED_UP = "10001"  # eBay: 'The call limit has been reached'
TOO_MANY_REQUESTS = "2001"  # eBay, domain ACCESS: the same from the gateway before the API


class HeldBackError(Exception):
    """A request was taken back from the downloader because its host pauses; it is sent once the pause is over."""


class RetryAfter:
    """Pause hosts that ask for it."""

    def __init__(self, crawler: Crawler) -> None:
        settings = crawler.settings
        self._crawler = crawler
        self._longest_s = settings.getfloat("AUTODETECT_MAX_RETRY_AFTER_S", 300.0)
        self._backoff_s = settings.getfloat("AUTODETECT_BACKOFF_S", 1.0)
        self._random = Random(settings.getint("AUTODETECT_SEED"))
        self._paused_until: dict[str, float] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Listen for answers at the one moment before a finished download lets the next begin."""
        retry_after = cls(crawler)
        crawler.signals.connect(retry_after.heed, signal=signals.response_downloaded)
        return retry_after

    async def process_request(self, request: Request) -> None:
        """Wait until the request's host may be asked again (`StoppedError`: the crawl ends before)."""
        host, waited = host_of(request), False
        while (left := self._paused_until.get(host, 0.0) - monotonic()) > 0:
            waited = True
            refuse_if_stopped(self._crawler)
            if not self._crawler.crawling:
                raise StoppedError("shutdown")
            await asyncio.sleep(min(left, LOOK_S))
        if waited:
            self._count("waited")

    def heed(self, response: Response, request: Request) -> None:
        """Pause the host if an answer asks for it, or end the crawl if it asks for too much."""
        if response.status not in {429, 503}:
            return
        asked_s = _asked(response)
        if asked_s is not None and asked_s > self._longest_s:
            self._count("too_long")
            words = f"HTTP {response.status} asks for a pause of {asked_s:.0f} s, longer than {self._longest_s:.0f} s"
            stop(self._crawler, Cause.RATE_LIMITED, words, response.url)
        elif asked_s is not None:
            self._count("asked")
            self._pause(host_of(request), asked_s)
        elif response.status == 429:
            self._count("backoff")
            self._pause(host_of(request), self._backoff(request))

    def process_response(self, request: Request, response: Response) -> Response:  # noqa: ARG002 - Scrapy's names
        """Let the answer go on to the retry middleware, unless it ended the crawl or tells that the quota is spent."""
        if response.status not in {429, 503}:
            return response
        if response.status == 429 and tells_quota(response.body, waiting_helps=_asked(response) is not None):
            self._count("quota")
            stop(self._crawler, Cause.QUOTA, "the source says that the day's calls are used up", response.url)
        refuse_if_stopped(self._crawler)
        return response

    def process_exception(self, request: Request, exception: Exception) -> Request | None:
        """Send a request that was taken back from the downloader on its way again: it will wait here."""
        if not isinstance(exception, HeldBackError):
            return None
        again = request.copy()
        again.dont_filter = True
        return again

    def _pause(self, host: str, seconds: float) -> None:
        self._paused_until[host] = max(self._paused_until.get(host, 0.0), monotonic() + seconds)
        for _ in range(withdraw(self._crawler, HeldBackError, host=host)):
            self._count("held_back")

    def _backoff(self, request: Request) -> float:
        """Return seconds: the base doubled with every try, up to half as much again so that crawls do not fall in step.

        Never less than the base, never more than the longest pause.
        """
        tries = request.meta.get("retry_times", 0)
        return min(self._backoff_s * 2**tries * self._random.uniform(1.0, 1.5), self._longest_s)

    def _count(self, reason: str) -> None:
        self._crawler.stats.inc_value(f"autodetect/retry_after/{reason}")


def _asked(response: Response) -> float | None:
    return asked_pause(response.headers.get("Retry-After"), response.headers.get("Date"), datetime.now(UTC))


def asked_pause(header: bytes | None, date: bytes | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, or None where there is none that can be read.

    Args:
        header: seconds or an HTTP date (RFC 9110, 10.2.3).
        date: the answer's Date header: a date is counted from the server's clock, not ours.
        now: ours, in case the server does not tell its own.
    """
    text = (header or b"").decode("latin-1").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return float(text)
    until = _http_date(text)
    if until is None:
        return None
    since = _http_date((date or b"").decode("latin-1").strip()) or now
    return max((until - since).total_seconds(), 0.0)


def tells_quota(body: bytes, *, waiting_helps: bool) -> bool:
    """Return whether the body of a 429 is eBay's word that the day's calls are used up.

    Args:
        body: JSON, `{"errors": [{"errorId": ..., "domain": ...}]}`; anything else is no such word.
        waiting_helps: the answer says after which time to come again, so 'too many requests' means just that.
    """
    if len(body) > MAX_ERROR_BYTES:
        return False
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return False
    errors = answer.get("errors") if isinstance(answer, dict) else None
    return isinstance(errors, list) and any(_is_quota_error(error, waiting_helps) for error in errors)


def _is_quota_error(error: Any, waiting_helps: bool) -> bool:
    if not isinstance(error, dict):
        return False
    number, gateway = str(error.get("errorId")), error.get("domain") == "ACCESS"
    return number == QUOTA_USED_UP or (number == TOO_MANY_REQUESTS and gateway and not waiting_helps)


def _http_date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
