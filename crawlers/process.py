"""Run one spider to its end in this process: a crawl is one process's whole work (a Twisted reactor starts once)."""

from typing import Any
from urllib.parse import urlsplit

from autodetect import __version__
from autodetect.settings import LOOPBACK_HOSTS
from crawlers.spiders.ebay_api import CrawlPlan, EbayApiSpider

MAX_ANSWER_BYTES = 64_000_000  # of an API answer, far above any; a photo's own limit is a setting


def run_spider(plan: CrawlPlan) -> dict[str, Any]:
    """Crawl to the end and return Scrapy's stats. Everything found is in the plan's ledger and photo store."""
    from scrapy.crawler import AsyncCrawlerProcess

    process = AsyncCrawlerProcess(scrapy_settings(plan), install_root_handler=False)
    crawler = process.create_crawler(EbayApiSpider)
    process.crawl(crawler, plan=plan)
    process.start()
    stats: dict[str, Any] = crawler.stats.get_stats()
    return stats


def scrapy_settings(plan: CrawlPlan) -> dict[str, Any]:
    """Return Scrapy's settings: polite to real hosts, quick against a server on this machine."""
    local = urlsplit(plan.ebay.base_url).hostname in LOOPBACK_HOSTS
    contact = f" (+{plan.crawl.contact})" if plan.crawl.contact else ""
    return {
        "BOT_NAME": "autodetect",
        "USER_AGENT": f"AutoDetect/{__version__}{contact}",
        "ROBOTSTXT_OBEY": not local,
        "AUTOTHROTTLE_ENABLED": not local,
        "CONCURRENT_REQUESTS": plan.crawl.concurrency,
        "CONCURRENT_REQUESTS_PER_DOMAIN": plan.crawl.concurrency,
        "RETRY_TIMES": plan.crawl.retries,
        "DOWNLOAD_MAXSIZE": MAX_ANSWER_BYTES,
        "DOWNLOAD_WARNSIZE": 0,
        "DOWNLOAD_TIMEOUT": 60,
        "COOKIES_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
        "LOG_LEVEL": "WARNING",
        "ITEM_PIPELINES": {
            "crawlers.pipelines.keep_photo.KeepPhotoPipeline": 100,
            "crawlers.pipelines.write_ledger.WriteLedgerPipeline": 900,
        },
        "EXTENSIONS": {"crawlers.extensions.progress.Progress": 500},
    }
