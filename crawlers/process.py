"""Run one spider to its end in this process: a crawl is one process's whole work (a Twisted reactor starts once)."""

import logging
from typing import Any
from urllib.parse import urlsplit

from autodetect import __version__
from autodetect.settings import LOOPBACK_HOSTS
from crawlers.plan import CrawlPlan

MAX_ANSWER_BYTES = 64_000_000  # of an answer, far above any; a photo's own limit is a setting
MOST_REDIRECTS = 5
SCOPES = ["https://api.ebay.com/oauth/api_scope", "https://api.ebay.com/oauth/api_scope/buy.marketplace.insights"]


def run_spider(plan: CrawlPlan, *, max_pixels: int) -> dict[str, Any]:
    """Crawl to the end and return Scrapy's stats. Everything found is in the plan's ledger and photo store.

    Raises:
        RuntimeError: the spider met a bug of ours; the traceback is the message.
    """
    from scrapy.crawler import AsyncCrawlerProcess
    from scrapy.utils.misc import load_object

    spider = "ebay_api.EbayApiSpider" if plan.spider == "ebay-api" else "ebay_pages.EbayPagesSpider"
    process = AsyncCrawlerProcess(scrapy_settings(plan, max_pixels))
    logging.getLogger("scrapy").setLevel(logging.WARNING)  # else Scrapy makes two records a request, for nobody
    crawler = process.create_crawler(load_object(f"crawlers.spiders.{spider}"))
    process.crawl(crawler, plan=plan)
    process.start()
    stats: dict[str, Any] = crawler.stats.get_stats()
    if crash := stats.get("autodetect/crashed"):
        raise RuntimeError(f"the crawl met an unexpected error:\n{crash}")
    return stats


def scrapy_settings(plan: CrawlPlan, max_pixels: int) -> dict[str, Any]:
    """Return Scrapy's settings: polite to real hosts, quick against a server on this machine."""
    crawl, ebay = plan.crawl, plan.ebay
    pages = plan.spider == "ebay-pages"
    root = ebay.web_url if pages else ebay.base_url
    throttled = crawl.autothrottle if crawl.autothrottle is not None else urlsplit(root).hostname not in LOOPBACK_HOSTS
    contact = f" (+{crawl.contact})" if crawl.contact else ""
    photo_hosts = [_host(ebay.photo_base_url)] if ebay.photo_base_url else list(ebay.photo_hosts)
    return {
        "BOT_NAME": "autodetect",
        "USER_AGENT": f"AutoDetect/{__version__}{contact}",
        "ADDONS": {"scrapy_poet.Addon": 300} if pages else {},
        "ROBOTSTXT_OBEY": pages,
        "DOWNLOADER": "crawlers.downloader.StrictDownloader",
        "AUTOTHROTTLE_ENABLED": throttled,
        "DOWNLOAD_DELAY": crawl.delay_s,
        "DOWNLOAD_DELAY_JITTER": 0,  # the delay is for the host's sake; chance would halve it half of the time
        "CONCURRENT_REQUESTS": crawl.concurrency + crawl.photo_concurrency,
        "CONCURRENT_REQUESTS_PER_DOMAIN": crawl.concurrency,
        "DOWNLOAD_SLOTS": {
            host.partition(":")[0]: {"concurrency": crawl.photo_concurrency, "delay": crawl.delay_s}
            for host in photo_hosts
            if host.partition(":")[0] != urlsplit(root).hostname
        },
        "RETRY_TIMES": crawl.retries,
        "REDIRECT_MAX_TIMES": MOST_REDIRECTS,
        "DOWNLOAD_MAXSIZE": MAX_ANSWER_BYTES,
        "DOWNLOAD_WARNSIZE": 0,
        "DOWNLOAD_TIMEOUT": 60,
        "COOKIES_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
        "LOG_LEVEL": "WARNING",
        "LOG_INSTALL_ROOT_HANDLER": False,
        "DOWNLOADER_MIDDLEWARES": {
            "crawlers.middlewares.allowed_hosts.AllowedHosts": 10,
            "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
            "crawlers.middlewares.robots.Robots": 100,
            "crawlers.middlewares.oauth.OAuth": 555,
            "crawlers.middlewares.retry_after.RetryAfter": 560,
            "crawlers.middlewares.blocked.Blocked": 585,
            "crawlers.middlewares.budget.Budget": 950,
        },
        "ITEM_PIPELINES": {
            "crawlers.pipelines.keep_photo.KeepPhotoPipeline": 100,
            "crawlers.pipelines.watch_drift.WatchDriftPipeline": 500,
            "crawlers.pipelines.write_ledger.WriteLedgerPipeline": 900,
        },
        "EXTENSIONS": {"crawlers.extensions.progress.Progress": 500},
        "AUTODETECT_ALLOWED_HOSTS": [_host(root), *photo_hosts],
        "AUTODETECT_MAX_BLOCKS": crawl.max_blocks,
        "AUTODETECT_MAX_PIXELS": max_pixels,
        "AUTODETECT_MAX_RETRY_AFTER_S": crawl.max_retry_after_s,
        "AUTODETECT_OAUTH_URL": f"{ebay.base_url}/identity/v1/oauth2/token",
        "AUTODETECT_OAUTH_CLIENT_ID": ebay.client_id,
        "AUTODETECT_OAUTH_CLIENT_SECRET": ebay.client_secret,
        "AUTODETECT_OAUTH_SCOPES": SCOPES,
        "AUTODETECT_SEED": plan.seed,
    }


def _host(url: str) -> str:
    """Return 'host' or 'host:port' of a base URL."""
    return urlsplit(url).netloc.lower()
