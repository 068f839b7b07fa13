"""One crawl of a few URLs in a process of its own: `python -m tests.crawlers.middlewares.crawl_urls`.

The request on stdin is JSON: `settings` (Scrapy's, on top of those below) and `requests`, each a `url` with `meta`. A
request whose meta holds `stop` ends the crawl by that cause when its answer comes; one whose meta holds `then` is
followed by a request to that URL. The answer on stdout is JSON: `outcomes` (url, status or error) and `stats`.
"""

import json
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

from scrapy import Spider
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.http import Request, Response

from crawlers.stopping import Cause, stop

SETTINGS = {
    "DOWNLOADER_MIDDLEWARES": {
        "crawlers.middlewares.allowed_hosts.AllowedHosts": 10,
        "crawlers.middlewares.oauth.OAuth": 555,
        "crawlers.middlewares.retry_after.RetryAfter": 560,
        "crawlers.middlewares.blocked.Blocked": 585,
    },
    "SCHEDULER_MEMORY_QUEUE": "scrapy.squeues.FifoMemoryQueue",
    "LOG_LEVEL": "DEBUG",
    "DOWNLOAD_DELAY_JITTER": 0,
    "TELNETCONSOLE_ENABLED": False,
    "REMOTE_CONTROL_ENABLED": False,
    "HTTPPROXY_ENABLED": False,
    "AUTODETECT_BACKOFF_S": 0.01,
}


class UrlsSpider(Spider):
    """Ask for the URLs given and remember what came of each."""

    name = "urls"

    def __init__(self, requests: list[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.outcomes: list[dict[str, Any]] = []
        self._requests = requests

    async def start(self) -> AsyncIterator[Request]:
        for request in self._requests:
            yield self._request(request["url"], request.get("meta", {}))

    def parse(self, response: Response) -> Iterator[Request]:
        meta = response.meta
        self.outcomes.append({"url": meta["asked"], "status": response.status, "tries": meta.get("retry_times", 0) + 1})
        if cause := meta.get("stop"):
            stop(self.crawler, Cause(cause), f"the test says {cause}", response.url)
        if url := meta.get("then"):
            yield self._request(url, {})

    def failed(self, failure: Any) -> None:
        error = type(failure.value).__name__
        self.outcomes.append({"url": failure.request.meta["asked"], "error": error, "words": str(failure.value)})

    def _request(self, url: str, meta: dict[str, Any]) -> Request:
        meta = meta | {"asked": url, "handle_httpstatus_list": [401, 403, 404, 429, 500, 503]}
        return Request(url, callback=self.parse, errback=self.failed, meta=meta, dont_filter=True)


def main() -> None:
    given = json.load(sys.stdin)
    process = AsyncCrawlerProcess(SETTINGS | given["settings"])
    crawler = process.create_crawler(UrlsSpider)
    process.crawl(crawler, requests=given["requests"])
    process.start()
    found = {"outcomes": crawler.spider.outcomes, "stats": crawler.stats.get_stats()}
    sys.stdout.write(json.dumps(found, default=str))


if __name__ == "__main__":
    main()
