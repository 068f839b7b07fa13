"""What crawls are tried with: a lake and a work folder, hand-written marketplaces, a proxy that disturbs."""

import csv
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from autodetect.lake.lake import Lake, open_lake
from autodetect.records import Receipt
from autodetect.settings import Settings
from crawlers.sandbox.marketplace import LISTING_COLUMNS, SALE_COLUMNS
from tests.crawlers.forking import Forked

LISTING = {
    "first_night": "1", "last_night": "0", "make": "Ford", "model": "Mustang", "year": "2012", "trim": "GT",
    "mileage": "61000", "zipcode": "10001", "body_type": "Coupe", "engine": "5.0L V8", "cylinders": "8",
    "drive_type": "RWD", "price": "15000", "photos": "",
}  # fmt: skip


class CrawlRefusedError(Exception):
    """The crawl ended in an error: `name` is its class, `what` its message."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name}: {what}")
        self.name = name


@dataclass(frozen=True)
class Crawls:
    """Crawls into one lake, with one work folder."""

    folder: Path
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The settings without the server's address."""
        return Settings().with_values({"lake": str(self.folder / "lake"), **self.options})

    @property
    def lake(self) -> Lake:
        """The lake that the crawls filled."""
        return open_lake(self.settings)

    @property
    def work(self) -> Path:
        """The folder that holds the ledgers."""
        return self.folder / "work"

    def photos_fetched(self, night: int) -> int:
        """How many photos tonight's ledger says were fetched, as another process sees it while the crawl runs."""
        path = self.work / f"crawl-2026-11-{night:02d}.sqlite"
        if not path.is_file():
            return 0
        with closing(sqlite3.connect(path)) as ledger:
            try:
                return ledger.execute("SELECT count(*) FROM photos WHERE fetched").fetchone()[0]
            except sqlite3.OperationalError:  # its tables are not there yet
                return 0

    def request(self, url: str, night: int = 1, **options: Any) -> dict[str, Any]:
        """Return what `crawl_once` is asked for a crawl of `url`; `options` are settings with `__` for a dot."""
        settings = {
            "lake": str(self.folder / "lake"),
            "ebay.base_url": url,
            "ebay.web_url": url,
            "ebay.photo_base_url": url,
            "ebay.client_id": "sandbox",
            "ebay.client_secret": "sandbox",
            **self.options,
            **{name.replace("__", "."): value for name, value in options.items()},
        }
        return {"settings": settings, "night": f"2026-11-{night:02d}", "work": str(self.work)}

    def start(self, url: str, night: int = 1, **options: Any) -> Forked:
        """Begin a crawl of `url`; `options` are settings with `__` for a dot."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return Forked(self.request(url, night, **options), self.folder / "crawl.log")

    def crawl(self, url: str, night: int = 1, **options: Any) -> Receipt:
        """Crawl `url` to the end and return the receipt (`CrawlRefusedError`: there is none)."""
        said, complaints = self.start(url, night, **options).communicate(timeout=120)
        assert said, complaints
        answer = json.loads(said.splitlines()[-1])
        if "error" in answer:
            raise CrawlRefusedError(answer["error"], answer["what"])
        return Receipt.model_validate(answer)


def make_market(folder: Path, listings: list[dict[str, str]], sales: list[dict[str, str]] | None = None) -> Path:
    """Write a marketplace folder without photos."""
    (folder / "photos").mkdir(parents=True)
    for name, columns, rows in (("listings.csv", LISTING_COLUMNS, listings), ("sold.csv", SALE_COLUMNS, sales)):
        if rows is not None:
            with (folder / name).open("w", newline="", encoding="utf-8") as file:
                extra = sorted({name for row in rows for name in row} - set(columns))
                writer = csv.DictWriter(file, (*columns, *extra), restval="")
                writer.writeheader()
                writer.writerows((LISTING | row if columns is LISTING_COLUMNS else row) for row in rows)
    return folder


def status_of(url: str) -> dict[str, int]:
    """How often each kind of page was asked of a sandbox."""
    with urlopen(f"{url}/sandbox/status", timeout=30) as answer:
        requests: dict[str, int] = json.load(answer)["requests"]
    return requests


Answer = tuple[int, bytes]


@contextmanager
def disturbed(
    url: str, disturb: Callable[[str, int], Answer | None], *, edit: Callable[[bytes], bytes] = lambda answer: answer
) -> Iterator[str]:
    """A proxy of a sandbox.

    `disturb` is told a path and how often it was asked before; it may answer instead. `edit` may change an answer.
    """
    asked: dict[str, int] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def _answer(self, body: bytes | None) -> None:
            count = asked.get(self.path, 0)
            asked[self.path] = count + 1
            status, data = disturb(self.path, count) or self._forwarded(body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(data)

        def _forwarded(self, body: bytes | None) -> Answer:
            kept = {name: value for name, value in self.headers.items() if name in ("Authorization", "Content-Type")}
            try:
                with urlopen(Request(url + self.path, body, kept), timeout=30) as answer:
                    return answer.status, edit(answer.read())
            except HTTPError as refusal:
                return refusal.code, refusal.read()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
