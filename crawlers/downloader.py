"""Scrapy's downloader, which never has more requests under way to a host than it may."""

from collections.abc import Coroutine
from typing import Any

from scrapy.core.downloader import Downloader, Slot
from scrapy.http import Request


class StrictDownloader(Downloader):
    """Counts a request as under way from the moment it is taken off its host's queue.

    Scrapy counts it when its task begins, one turn of the event loop later: until then the limit looks free, and all
    that waits for the host is sent at once.
    """

    def _wait_for_download(self, slot: Slot, request: Request, queue_dfd: Any) -> Coroutine[Any, Any, None]:
        slot.transferring.add(request)
        waiting: Coroutine[Any, Any, None] = super()._wait_for_download(slot, request, queue_dfd)
        return waiting
