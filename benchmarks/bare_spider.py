"""A Scrapy spider that only fetches: `python -m benchmarks.bare_spider`, request on stdin, what it took on stdout.

The request is JSON: `urls` in their order, `headers` of each, and Scrapy's `settings`. Nothing is parsed or kept; what
waits, waits in memory. The answer: seconds from the spider's opening to its close, and how many answers came.
"""

import json
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

from scrapy import Spider
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.http import Request, Response


class BareSpider(Spider):
    """Fetch a list of URLs."""

    name = "bare"

    def __init__(self, urls: list[str], headers: dict[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._urls = urls
        self._headers = headers

    async def start(self) -> AsyncIterator[Request]:
        """Hand out all requests, as the engine asks for them."""
        for url in self._urls:
            yield Request(url, headers=self._headers, dont_filter=True)

    def parse(self, response: Response) -> None:
        """Drop the answer."""


def main() -> None:
    """Fetch all."""
    request = json.load(sys.stdin)
    process = AsyncCrawlerProcess(request["settings"])
    crawler = process.create_crawler(BareSpider)
    process.crawl(crawler, urls=request["urls"], headers=request["headers"])
    cpu = time.process_time()
    process.start()
    cpu = time.process_time() - cpu
    stats = crawler.stats.get_stats()
    answered = stats.get("downloader/response_status_count/200", 0)
    json.dump({"seconds": stats["elapsed_time_seconds"], "answered": answered, "cpu": cpu}, sys.stdout)


if __name__ == "__main__":
    main()
