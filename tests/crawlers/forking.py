"""Crawls in processes forked from one that has imported everything already: each is its own, and may be killed."""

import io
import json
import os
import sys
from contextlib import redirect_stdout
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.crawlers import crawl_once

FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        *("crawlers.crawl", "crawlers.process", "crawlers.spiders.ebay_api", "crawlers.spiders.ebay_pages"),
        *("pandas", "pyarrow.dataset", "deltalake", "scrapy.crawler", "scrapy_poet"),
        *("scrapy.core.downloader.handlers.http11", "scrapy.core.scheduler", "scrapy.core.scraper"),
    ]
)


class Forked:
    """A crawl that runs in a forked process: as much of a `subprocess.Popen` as tests ask of one."""

    def __init__(self, request: dict[str, Any], log: Path) -> None:
        self._log = log
        self._answer, given = FORKS.Pipe(duplex=False)
        self._process = FORKS.Process(target=_crawl, args=(request, given, str(log)), daemon=True)
        self._process.start()
        given.close()

    def poll(self) -> int | None:
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for the end; return what was said on stdout and on stderr."""
        said = ""
        if self._answer.poll(timeout):
            try:
                said = self._answer.recv()
            except EOFError:
                said = ""  # it was killed
        else:
            self.kill()
        self._process.join()
        return said, self._log.read_text() if self._log.is_file() else ""


def _crawl(request: dict[str, Any], answer: Connection, log: str) -> None:
    with Path(log).open("w") as file:
        os.dup2(file.fileno(), 2)
    sys.stdin, said = io.StringIO(json.dumps(request)), io.StringIO()
    with redirect_stdout(said):
        crawl_once.main()
    answer.send(said.getvalue())
