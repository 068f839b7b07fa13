"""Notice that the source shuts us out, and end the crawl. Nothing is solved, disguised or tried another way.

Signs, each with its cause:

- a redirect to eBay's captcha, or an answer from it: `captcha`; to its browser check: `interruption`;
- an HTML page whose title or first words are those of a wall: `captcha`, `interruption`. Only the first 4 KB are
  looked at;
- `AUTODETECT_MAX_BLOCKS` refusals (403, 429) in a row from one host, a success (below 400) starting the count anew:
  `forbidden`, `rate_limited`, by the last of them. A 403 to a request with meta `may_be_forbidden` says nothing. When
  requests that were on their way together are answered 429 with a Retry-After, that counts as one: the others left
  before the first could be heeded.

An answer is looked at as soon as it is there, before its end lets the next request begin; a compressed one shows its
words only when it passes here.

Number: 585. Answers must be decompressed (590), and seen before anything follows a refresh in the page (580), waits
(560) or tries again (550); a redirect (600) is seen as the request that it becomes, before that is sent.

Settings: `AUTODETECT_MAX_BLOCKS` (default 10).

Counts `autodetect/blocked/<reason>`: captcha, interruption, http_403, http_429.
"""

import html
import re
from collections import Counter
from typing import Self
from urllib.parse import unquote

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.http import Request, Response

from crawlers.queued import host_of
from crawlers.stopping import Cause, StoppedError, refuse_if_stopped, stop, stopped

HEAD_BYTES = 4096
FIRST_WORDS = 200  # characters of a page's visible text that may name a wall; a listing's own words come later
WALL_PATHS = {"/splashui/captcha": Cause.CAPTCHA, "/splashui/challenge": Cause.INTERRUPTION}
CAPTCHA_TITLE = "security measure | ebay"
WALL_PHRASES = ("pardon our interruption", "checking your browser")
REFUSALS = {403: Cause.FORBIDDEN, 429: Cause.RATE_LIMITED}
SENT_AT = "autodetect_refusals_before"  # meta: how many refusals in a row its host had given when a request left

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*:)?//[^/?#]*", re.IGNORECASE)
_TITLE = re.compile(r"<title\b[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_BODY = re.compile(r"<body\b[^>]*>(.*)", re.IGNORECASE | re.DOTALL)
_UNSEEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|noscript)\b.*?(?:</\1\s*>|\Z)|<[^>]*(?:>|\Z)", re.IGNORECASE | re.DOTALL
)


class Blocked:
    """End the crawl at the first sign that we are not wanted."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._most = crawler.settings.getint("AUTODETECT_MAX_BLOCKS", 10)
        self._in_row: Counter[str] = Counter()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Listen for answers at the one moment before a finished download lets the next begin."""
        blocked = cls(crawler)
        crawler.signals.connect(blocked.heed, signal=signals.response_downloaded)
        return blocked

    def heed(self, response: Response, request: Request) -> None:
        """End the crawl at an answer that shows a wall, or that is one refusal too many."""
        if found := _wall_of(response):
            request.meta["dont_redirect"] = True  # it must come through here, not become another request
            self._ended(*found, response.url)
        else:
            self._count_refusals(request, response)

    def process_request(self, request: Request) -> None:
        """Stop at the door of a wall that a redirect led to; the last look before a request reaches the downloader."""
        refuse_if_stopped(self._crawler)
        if cause := wall_of_url(request.url):
            raise self._ended(cause, "the source led to its bot defence", request.url)
        request.meta[SENT_AT] = self._in_row[host_of(request)]

    def process_response(self, request: Request, response: Response) -> Response:  # noqa: ARG002 - Scrapy's names
        """Let an answer pass, or end the crawl (`StoppedError`)."""
        if found := _wall_of(response):
            raise self._ended(*found, response.url)
        if response.status in REFUSALS:
            refuse_if_stopped(self._crawler)
        return response

    def _count_refusals(self, request: Request, response: Response) -> None:
        host = host_of(request)
        if response.status < 400:
            self._in_row[host] = 0
        cause = REFUSALS.get(response.status)
        if cause is None or (cause is Cause.FORBIDDEN and request.meta.get("may_be_forbidden")):
            return
        self._crawler.stats.inc_value(f"autodetect/blocked/http_{response.status}")
        told_to_wait = cause is Cause.RATE_LIMITED and "Retry-After" in response.headers
        if told_to_wait and request.meta.get(SENT_AT) != self._in_row[host]:
            return
        self._in_row[host] += 1
        if self._in_row[host] >= self._most:
            words = f"{host} refused {self._in_row[host]} requests in a row, the last with HTTP {response.status}"
            stop(self._crawler, cause, words, response.url)

    def _ended(self, cause: Cause, words: str, url: str) -> StoppedError:
        if not stopped(self._crawler):
            self._crawler.stats.inc_value(f"autodetect/blocked/{cause}")
            stop(self._crawler, cause, words, url)
        return StoppedError(cause.value)


def _wall_of(response: Response) -> tuple[Cause, str] | None:
    """Return the cause and the words for it if an answer is a wall or leads to one."""
    if cause := wall_of_url(response.url) or wall_of_url(_target(response)):
        return cause, "the source led to its bot defence"
    if cause := wall_of_page(response.headers.get("Content-Type"), response.body):
        return cause, f"HTTP {response.status} shows a page of the source's bot defence"
    return None


def wall_of_url(url: str) -> Cause | None:
    """Return the cause if a URL, whole or without its origin, is that of eBay's bot defence."""
    path = unquote(_ORIGIN.sub("", url, count=1)).lower()
    return next((cause for wall, cause in WALL_PATHS.items() if path.startswith(wall)), None)


def wall_of_page(content_type: bytes | None, body: bytes) -> Cause | None:
    """Return the cause if an HTML answer is a wall by its title or its first visible words."""
    if not (content_type or b"").strip().lower().startswith(b"text/html"):
        return None
    head = body[:HEAD_BYTES].decode("utf-8", "replace")
    found = _TITLE.search(head)
    title = _plain(found[1]) if found else ""
    if title == CAPTCHA_TITLE:
        return Cause.CAPTCHA
    shown = _BODY.search(head)
    words = _plain(_UNSEEN.sub(" ", shown[1]))[:FIRST_WORDS] if shown else ""
    walled = title.startswith(WALL_PHRASES) or any(phrase in words for phrase in WALL_PHRASES)
    return Cause.INTERRUPTION if walled else None


def _plain(text: str) -> str:
    return " ".join(html.unescape(text).split()).lower()


def _target(response: Response) -> str:
    """Return where an answer redirects to, for those that the redirect middleware was told to leave alone."""
    return (response.headers.get("Location") or b"").decode("latin-1") if 300 <= response.status < 400 else ""
