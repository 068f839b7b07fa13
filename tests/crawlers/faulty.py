"""What crawls of a source with faults are tried with: a small market with photos and sales, and attempts at it."""

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from zlib import crc32

from PIL import Image

from autodetect.lake.schemas import LISTING_PHOTOS, LISTINGS, QUARANTINE, SEEN, SIGHTINGS, SLICES, Table
from autodetect.lake.tables import rows_of
from autodetect.lake.verdict import hold_reason
from autodetect.records import Receipt
from crawlers.sandbox.process import sandbox_process
from tests.crawlers.crawling import Crawls, make_market

SPIDERS = ("api", "pages")
ITEM = {"api": "item", "pages": "item-page"}  # what a sandbox counts a listing under
SEARCHES = {"api": ("search", "sales"), "pages": ("search-page",)}
TABLES = (SIGHTINGS, SEEN, SLICES, LISTING_PHOTOS, QUARANTINE)


@dataclass(frozen=True)
class Attempt:
    """One attempt at a night: its receipt, and how often the sandbox was asked for each kind of page meanwhile."""

    receipt: Receipt
    asked: dict[str, int]
    hits: dict[str, int]

    @property
    def pages(self) -> int:
        """Requests of listings, searches and photos: all but tokens and robots.txt."""
        return sum(self.asked.get(name, 0) for name in (*ITEM.values(), *SEARCHES["api"], *SEARCHES["pages"], "photo"))

    @property
    def hit(self) -> int:
        """Requests that a fault answered."""
        return sum(self.hits.values())

    @property
    def stopped(self) -> str:
        """The cause of an early end."""
        return str(self.receipt.facts["stopped"].get("cause", ""))

    @property
    def held(self) -> str:
        """Why a night with this receipt publishes nothing; '' where it does."""
        return hold_reason({"crawl": self.receipt}, 0.9)

    @property
    def refused(self) -> dict[str, int]:
        """Refusals by rule."""
        prefix = "quarantine/crawl."
        counts = self.receipt.counts
        return {name.removeprefix(prefix): n for name, n in counts.items() if name.startswith(prefix)}

    def searches(self, spider: str) -> int:
        return sum(self.asked.get(name, 0) for name in SEARCHES[spider])

    def items(self, spider: str) -> int:
        return self.asked.get(ITEM[spider], 0)


@contextmanager
def faulty(folder: Path, *faults: str, night: int = 1, options: Sequence[str] = ()) -> Iterator[str]:
    """A sandbox that serves a market with faults."""
    with sandbox_process(folder, night, options=(*(f"--fault={fault}" for fault in faults), *options)) as url:
        yield url


def attempt(crawls: Crawls, url: str, spider: str, *, night: int = 1, via: str = "", **options: Any) -> Attempt:
    """Crawl a sandbox, `via` another address of it where given; two requests at a time unless `options` say more."""
    before = status(url)
    some = {"crawl__concurrency": 2, "crawl__photo_concurrency": 2, "crawl__page_size": 5, "sandbox__spider": spider}
    receipt = crawls.crawl(via or url, night, **{**some, **options})
    after = status(url)
    before["requests"]["status"] += 1
    return Attempt(receipt, *(_more(before[kind], after[kind]) for kind in ("requests", "faults")))


def _more(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {name: count - before.get(name, 0) for name, count in after.items() if count > before.get(name, 0)}


def status(url: str) -> dict[str, dict[str, int]]:
    """What a sandbox was asked for (`requests`), and the faults that it served (`faults`)."""
    with urlopen(f"{url}/sandbox/status", timeout=30) as answer:
        found: dict[str, dict[str, int]] = json.load(answer)
    return found


def market(folder: Path, count: int, *, photos: int = 1, sales: int = 3, **facts: str) -> Path:
    """Write a market of so many listings, each with photos of its own, and some sales; `facts` hold for all."""
    numbers = range(count)
    listings = [
        {"item_id": str(100_000_000_000 + n), "photos": " ".join(f"p{n:03d}{i}.jpg" for i in range(photos)), **facts}
        for n in numbers
    ]
    sold = [{"ID": str(200_000_000_000 + n), "yearsold": f"2026-09-{n + 1:02d}", "pricesold": "9000", "Make": "Ford",
             "Model": "Mustang", "Year": "2012"} for n in range(sales)]  # fmt: skip
    make_market(folder, listings, sold)
    for row in listings:
        for name in row["photos"].split():
            (folder / "photos" / name).write_bytes(picture(name))
    return folder


@cache
def picture(name: str) -> bytes:
    """A small photo, another one for each name."""
    file = io.BytesIO()
    shade = crc32(name.encode())
    Image.new("RGB", (16, 16), (shade % 256, shade // 256 % 256, shade // 65_536 % 256)).save(file, "PNG")
    return file.getvalue()


def rows(crawls: Crawls, table: Table) -> list[dict[str, Any]]:
    """A table's rows, by key."""
    found = crawls.lake.tables.read(table).to_pylist()
    return sorted(found, key=lambda row: [str(row[name]) for name in table.key])


def tables(crawls: Crawls) -> dict[str, list[dict[str, Any]]]:
    """All rows that crawls wrote."""
    return {table.name: rows(crawls, table) for table in TABLES}


def curate(crawls: Crawls, last: Attempt) -> None:
    """Write the `listings` of what was read so far, all live, as curation does after a night."""
    lake, night = crawls.lake, last.receipt.night
    slices = {row["item_id"]: row["slice"] for row in sorted(rows(crawls, SEEN), key=lambda row: row["night"])}
    read = {row["item_id"] for row in rows(crawls, SIGHTINGS) if row["kind"] == "asking"}
    facts = {"source": "sandbox", "night": night, "status": "active", "last_seen": night, "missed": 0}
    known = [{**facts, "item_id": item_id, "last_slice": slices[item_id]} for item_id in sorted(read)]
    version = lake.tables.upsert(LISTINGS, rows_of(LISTINGS, known))
    receipt = Receipt(night=night, stage="curate", run_id="run", versions={LISTINGS.name: version})
    lake.receipts.commit(receipt, datetime(night.year, night.month, night.day, 6, tzinfo=UTC))
