"""Crawl a few URLs in a child process and learn what came of each."""

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
PATIENCE_S = 100  # a crawl that has not ended by then hangs


@dataclass(frozen=True)
class Crawled:
    """What a crawl came to; `outcomes` in the order they came, `log` is all that was logged, debug lines too."""

    outcomes: list[dict[str, Any]]
    stats: dict[str, Any]
    log: str

    def of(self, url: str) -> dict[str, Any]:
        """The one outcome of a URL."""
        (found,) = [outcome for outcome in self.outcomes if outcome["url"] == url]
        return found

    @property
    def statuses(self) -> list[int | None]:
        return [outcome.get("status") for outcome in self.outcomes]

    @property
    def stopped(self) -> dict[str, str]:
        found: dict[str, str] = self.stats.get("autodetect/stopped", {})
        return found

    def counted(self, area: str) -> dict[str, int]:
        """What was counted under `autodetect/<area>/`."""
        prefix = f"autodetect/{area}/"
        return {name.removeprefix(prefix): n for name, n in self.stats.items() if name.startswith(prefix)}


def start(requests: Iterable[str | dict[str, Any]], **settings: Any) -> subprocess.Popen[str]:
    """Begin a crawl; a request is a URL, or a dict with `url` and `meta`."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.crawlers.middlewares.crawl_urls"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    asked = [{"url": request} if isinstance(request, str) else request for request in requests]
    assert child.stdin is not None
    child.stdin.write(json.dumps({"settings": settings, "requests": asked}))
    child.stdin.close()
    child.stdin = None
    return child


def finish(child: subprocess.Popen[str]) -> Crawled:
    """Wait for a crawl's end."""
    try:
        said, log = child.communicate(timeout=PATIENCE_S)
    finally:
        child.kill()
    assert said, log
    found = json.loads(said)
    return Crawled(found["outcomes"], found["stats"], log)


def crawl(requests: Iterable[str | dict[str, Any]], *hosts: str, **settings: Any) -> Crawled:
    """Crawl to the end with these hosts allowed; settings are Scrapy's."""
    return finish(start(requests, AUTODETECT_ALLOWED_HOSTS=list(hosts), **settings))
