"""Sixty thousand listings, as many as a category of eBay holds: each is seen once, in hardly more calls than needed."""

from collections import Counter
from dataclasses import dataclass

import pytest

from autodetect.lake.schemas import SEEN, SIGHTINGS
from autodetect.records import Receipt
from crawlers.sandbox.making.bulk import write_bulk
from crawlers.sandbox.marketplace import Marketplace
from crawlers.sandbox.process import sandbox_process
from crawlers.slices import fewest_calls
from tests.crawlers.crawling import Crawls, status_of

LISTINGS, PAGE = 60_000, 200
READ_A_NIGHT = 40  # listings that the budget leaves room for once the searching is done
# Without photos there is nothing to watch: `photo_urls` is a field that must be filled.
OPTIONS = {"crawl__search_share": 1, "crawl__min_fill": 0}


@dataclass(frozen=True)
class Night:
    """One crawl of all: its receipt and what the sandbox was asked."""

    receipt: Receipt
    asked: dict[str, int]


@dataclass(frozen=True)
class Sweep:
    """Two nights of one marketplace on which nothing changes."""

    listed: list[str]
    crawls: Crawls
    nights: tuple[Night, Night]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """Both nights, with a budget that searching nearly spends."""
    folder = tmp_path_factory.mktemp("sweep")
    write_bulk(folder / "market", listings=LISTINGS)
    listed = [listing.item_id for listing in Marketplace.load(folder / "market").on(1)]
    crawls, nights = Crawls(folder), []
    for number in (1, 2):
        with sandbox_process(folder / "market", 1) as url:
            calls = nights[0].asked["search"] + 1 + READ_A_NIGHT if nights else 400
            receipt = crawls.crawl(url, number, crawl__daily_calls=calls, **OPTIONS)
            nights.append(Night(receipt, status_of(url)))
    return Sweep(listed, crawls, (nights[0], nights[1]))


def test_every_listing_is_seen_exactly_once(sweep: Sweep) -> None:
    seen = sweep.crawls.lake.tables.read(SEEN).to_pylist()
    for night in sweep.nights:
        found = Counter(row["item_id"] for row in seen if row["night"] == night.receipt.night)
        assert found == Counter(sweep.listed)
        assert night.receipt.counts["announced"] == night.receipt.counts["seen"] == LISTINGS
        assert (night.receipt.facts["complete"], night.receipt.facts["coverage"]) == (True, 1.0)


def test_searching_costs_a_few_percent_more_than_the_results_fill_pages(sweep: Sweep) -> None:
    bound = fewest_calls(LISTINGS, PAGE)
    for night in sweep.nights:
        assert bound <= night.asked["search"] <= 1.05 * bound


def test_nothing_else_is_asked_than_the_budget_has_room_for(sweep: Sweep) -> None:
    first, second = sweep.nights
    # One call asks for sales, which this key has no access to; it is no search of listings and is paid all the same.
    assert first.asked["item"] == 400 - first.asked["search"] - 1
    assert second.asked["item"] == READ_A_NIGHT
    for night in sweep.nights:
        assert set(night.asked) == {"token", "search", "sales", "item", "status"}
        assert (night.asked["token"], night.asked["sales"]) == (1, 1)
        assert night.receipt.counts["failures"] == 0


def test_a_night_with_nothing_new_searches_as_before_and_works_on_the_backlog(sweep: Sweep) -> None:
    first, second = sweep.nights
    assert second.asked["search"] == first.asked["search"]
    assert first.receipt.facts["backlog"] == LISTINGS - first.asked["item"]
    assert second.receipt.facts["backlog"] == first.receipt.facts["backlog"] - second.asked["item"]
    read = Counter(sweep.crawls.lake.tables.read(SIGHTINGS, columns=["item_id"])["item_id"].to_pylist())
    assert set(read.values()) == {1}
    assert len(read) == first.asked["item"] + second.asked["item"]
