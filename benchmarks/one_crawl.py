"""One crawl in a process of its own: `python -m benchmarks.one_crawl`, request on stdin, what it took on stdout.

The request is JSON: `settings` by dotted name, `night`, `work` (the ledger's folder) and `tell_asked`. The answer is
JSON too: the crawl's counts and facts, seconds and peak memory of its parts, and, where `tell_asked` is true, the URLs
in the order in which they were asked and the Scrapy settings that a spider of no project takes as well.
"""

import json
import resource
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.http import Request

from autodetect.lake.lake import open_lake
from autodetect.lake.nights import begin
from autodetect.records import StageRun
from autodetect.settings import Settings
from crawlers import crawl as stage
from crawlers import process
from crawlers.plan import CrawlPlan

OF_THE_PROJECT = ("DOWNLOADER", "DOWNLOADER_MIDDLEWARES", "ITEM_PIPELINES", "EXTENSIONS")
asked: list[str] = []
plain_settings: dict[str, Any] = {}


class Asked:
    """A Scrapy extension that notes every URL on its way out, and the settings that are no default of Scrapy's."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Asked":
        """Listen."""
        crawler.signals.connect(cls.note, signal=signals.request_reached_downloader)
        for name, value in crawler.settings.copy_to_dict().items():
            ours = name in OF_THE_PROJECT or name.startswith("AUTODETECT_")
            if not ours and crawler.settings.getpriority(name):
                plain_settings[name] = value
        return cls()

    @staticmethod
    def note(request: Request) -> None:
        """Note one request; that for a token is none of them."""
        if request.method == "GET":
            asked.append(request.url)


def main() -> None:
    """Crawl once, as the stage does, and tell what it took."""
    request = json.load(sys.stdin)
    settings, night = Settings().with_values(request["settings"]), date.fromisoformat(request["night"])
    lake = open_lake(settings, create=True)
    now = datetime.now(UTC)
    run = StageRun(
        night=night,
        run_id="run",
        now=now,
        inputs={"begin": begin(settings, lake, night, "nightly", "run")},
        earlier=lake.receipts.before(night),
    )
    if request.get("tell_asked"):
        process.scrapy_settings = _listening(process.scrapy_settings)
    took: dict[str, float] = {"peak_at_start": _peak_bytes()}
    stage.run_spider = _watched(stage.run_spider, took)
    started = time.perf_counter()
    receipt = stage.crawl(settings, lake, run, work=Path(request["work"]))
    took |= {"seconds": time.perf_counter() - started, "peak": _peak_bytes()}
    lake.receipts.commit(receipt, now)
    answer = {"counts": receipt.counts, "facts": receipt.facts, "run": receipt.run, "took": took}
    json.dump({**answer, "asked": asked, "scrapy": plain_settings}, sys.stdout)


def _watched(run_spider: Any, took: dict[str, float]) -> Any:
    """Return `run_spider`, noting how long it ran and the peak memory before and after it."""

    def watched(*arguments: Any, **options: Any) -> dict[str, Any]:
        took["peak_before_spider"] = _peak_bytes()
        cpu = time.process_time()
        stats: dict[str, Any] = run_spider(*arguments, **options)
        took["spider_cpu"] = time.process_time() - cpu
        took["peak_after_spider"] = _peak_bytes()
        return stats

    return watched


def _listening(scrapy_settings: Any) -> Any:
    """Return `scrapy_settings` with an ear for what is asked."""

    def listening(plan: CrawlPlan, max_pixels: int) -> dict[str, Any]:
        settings: dict[str, Any] = scrapy_settings(plan, max_pixels)
        return {**settings, "EXTENSIONS": {**settings["EXTENSIONS"], Asked: 900}}

    return listening


def _peak_bytes() -> float:
    status = Path("/proc/self/status")
    if status.is_file():  # getrusage tells the peak of the process that started this one, if that was higher
        (line,) = (line for line in status.read_text("ascii").splitlines() if line.startswith("VmHWM"))
        return float(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)


if __name__ == "__main__":
    main()
