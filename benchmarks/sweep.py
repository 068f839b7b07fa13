"""Claim: a sweep of 60,000 listings takes hardly more search calls than they fill pages, and crawls in flat memory.

A search of eBay's shows its first 10,000 results only; the crawler cuts what is larger by make, by year and by price.
"""

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from autodetect.lake.lake import open_lake
from autodetect.lake.schemas import SEEN, SIGHTINGS
from autodetect.settings import Settings
from benchmarks.crawling import EVERY_CALL, crawled, marketplace
from benchmarks.table import Row, Table
from crawlers.sandbox.marketplace import Marketplace
from crawlers.sandbox.process import sandbox_process

SMALL, LARGE = 2_000, 60_000
PAGE = 200
MB = 1_000_000


@dataclass(frozen=True)
class Sweep:
    """One crawl of a new lake: what was asked, what came of it, and what it took."""

    listings: int
    asked: dict[str, int]
    told: dict[str, Any]

    @property
    def seconds(self) -> float:
        """Wall time of the stage: crawl and tables."""
        return float(self.told["took"]["seconds"])

    @property
    def calls(self) -> str:
        """Search calls beside the fewest that can show so many results."""
        fewest, searches = math.ceil(self.listings / PAGE), self.asked["search"]
        return f"{searches} search calls, {searches / fewest:.3f} times the fewest ({fewest})"

    def peak(self, moment: str) -> float:
        """Peak memory of the process at a moment, bytes."""
        return float(self.told["took"][moment])


def run() -> Table:
    """Sweep both sizes in full, and the large one for its searches alone."""
    small, large = swept(SMALL), swept(LARGE)
    nightly = swept(LARGE, read=10)
    return Table(
        name="sweep",
        claim=f"Each of {LARGE:,} listings is seen once and read once, in hardly more search calls than their pages; "
        f"while crawling, memory stays as with {SMALL:,}.",
        rows=(
            Row(f"{LARGE:,} listings, a first night: all searched and read", "ours", (large.seconds,)),
            Row(f"{LARGE:,} listings, searched alone, as where nothing is new", "limit", (nightly.seconds,)),
            Row(f"{SMALL:,} listings, a first night", "peer", (small.seconds,)),
        ),
        notes=(
            f"{LARGE:,} listings: {large.calls}, {large.asked['item']:,} item calls; {SMALL:,}: {small.calls}",
            "every listing announced was seen once and read once: checked, item by item",
            _memory("while crawling", "peak_after_spider", small, large),
            _memory("with the tables written", "peak", small, large),
            f"before the spider starts the process holds {large.peak('peak_before_spider') / MB:,.0f} MB of libraries",
        ),
        packages=("scrapy", "pyarrow", "deltalake"),
    )


def swept(listings: int, *, read: int | None = None) -> Sweep:
    """Sweep a sandbox of so many listings.

    Args:
        listings: how many.
        read: for how many of them the budget leaves room; None: all.
    """
    with marketplace(listings) as folder, sandbox_process(folder / "market") as url:
        calls = EVERY_CALL
        if read is not None:
            calls = math.ceil(1.05 * listings / PAGE) + read
        told = crawled(url, folder, daily_calls=calls, min_fill=0)
        asked: dict[str, int] = httpx.get(f"{url}/sandbox/status").json()["requests"]
        _check(folder, asked, all_read=read is None)
    return Sweep(listings, asked, told)


def _check(folder: Path, asked: dict[str, int], *, all_read: bool) -> None:
    """Compare what the lake holds with what the marketplace listed, item by item."""
    listed = Counter(listing.item_id for listing in Marketplace.load(folder / "market").on(1))
    lake = open_lake(Settings().with_values({"lake": str(folder / "lake")}))
    seen, read = (
        Counter(lake.tables.read(table, columns=["item_id"])["item_id"].to_pylist()) for table in (SEEN, SIGHTINGS)
    )
    assert seen == listed, "a listing was missed"
    assert read.total() == asked["item"] == len(read), "a listing was read twice"
    assert read == listed or not all_read, "a listing was not read"


def _memory(when: str, moment: str, small: Sweep, large: Sweep) -> str:
    few, many = small.peak(moment), large.peak(moment)
    return (
        f"peak memory {when}: {many / MB:,.0f} MB, with {SMALL:,} listings {few / MB:,.0f} MB: {many / few:.2f} times"
    )


if __name__ == "__main__":
    print(run().as_text())
