"""Requests that have passed the middlewares and wait in the downloader for their turn (a delay, a free connection).

No middleware sees them any more: who learns that they must not be sent takes them back here.
"""

from collections import deque
from collections.abc import Callable

from scrapy.crawler import Crawler
from scrapy.http import Request
from scrapy.utils.httpobj import urlparse_cached
from twisted.python.failure import Failure


def host_of(request: Request) -> str:
    """Return host and port as the URL has them, lower case: what shares one server's patience."""
    netloc: str = urlparse_cached(request).netloc
    return netloc.lower()


def withdraw(crawler: Crawler, error: Callable[[], Exception], *, host: str = "") -> int:
    """Take back requests that wait in the downloader; each fails with an error of its own.

    Args:
        crawler: the running crawl.
        error: makes the error.
        host: only requests to this host (`host_of`); empty: all.

    Returns:
        How many were taken back.
    """
    withdrawn = []
    for slot in crawler.engine.downloader.slots.values():
        kept = deque(entry for entry in slot.queue if host and host_of(entry[0]) != host)
        withdrawn += [waiting for request, waiting in slot.queue if not (host and host_of(request) != host)]
        slot.queue.clear()
        slot.queue.extend(kept)
    for waiting in withdrawn:
        waiting.errback(Failure(error()))
    return len(withdrawn)
