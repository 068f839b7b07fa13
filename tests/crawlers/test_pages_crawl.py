"""Both ways into a marketplace see the same cars; pages are read slice by slice where one search cannot show all."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from autodetect.catalog.makes import make_names
from autodetect.lake.schemas import SEEN, SLICES
from crawlers.sandbox.making.generate import generate
from tests.crawlers.crawling import Crawls, make_market
from tests.crawlers.faulty import attempt, faulty, rows, tables

NIGHT = 2
GENERATIONS = ("s-card", "s-item")
# What pages show in another way than the API: no postal code, a row 'Condition' among the item specifics, prices with
# cents, not when an offer was first put up; digests follow.
OTHERWISE = {"digest", "summary_digest", "postal_code", "aspects", "price", "origin_at"}
SALE_FACTS = ("title", "currency", "observed_on", "precision", "night")

Tables = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def seen_by(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tables]:
    """What is found in one generated marketplace by the API, and by pages of both generations."""
    folder = tmp_path_factory.mktemp("market") / "market"
    generate(folder, seed=11, models=4, vehicles=6)
    found: dict[str, Tables] = {}
    for way in ("api", *GENERATIONS):
        crawls = Crawls(tmp_path_factory.mktemp(way))
        spider, options = ("api", ()) if way == "api" else ("pages", ("--markup", way))
        with faulty(folder, night=NIGHT, options=options) as url:
            whole = attempt(crawls, url, spider, night=NIGHT, crawl__page_size=60, sandbox__night_index=NIGHT)
        assert (whole.receipt.facts["complete"], whole.held) == (True, "")
        found[way] = tables(crawls)
    return found


def of_kind(found: Tables, kind: str) -> dict[str, dict[str, Any]]:
    return {row["item_id"]: row for row in found["sightings"] if row["kind"] == kind}


@pytest.mark.parametrize("way", GENERATIONS)
def test_pages_show_the_listings_that_the_api_shows(way: str, seen_by: dict[str, Tables]) -> None:
    by_api, by_pages = of_kind(seen_by["api"], "asking"), of_kind(seen_by[way], "asking")
    assert len(by_api) > 15
    assert set(by_pages) == set(by_api)
    for item_id, listing in by_api.items():
        page = by_pages[item_id]
        assert {name for name in listing if listing[name] != page[name]} <= OTHERWISE
        assert float(page["price"]) == float(listing["price"])
    for name in ("make", "model", "year", "mileage", "vin", "currency", "seller_hash"):
        assert any(listing[name] for listing in by_api.values()), f"no listing says its {name}"


@pytest.mark.parametrize("way", GENERATIONS)
def test_photos_and_sellers_are_the_same_whichever_way(way: str, seen_by: dict[str, Tables]) -> None:
    assert seen_by["api"]["listing_photos"]
    assert seen_by[way]["listing_photos"] == seen_by["api"]["listing_photos"]
    assert sellers(seen_by[way]) == sellers(seen_by["api"])


def sellers(found: Tables) -> set[frozenset[str]]:
    """The listings of one seller each."""
    groups: dict[str, set[str]] = defaultdict(set)
    for item_id, row in of_kind(found, "asking").items():
        groups[row["seller_hash"]].add(item_id)
    return set(map(frozenset, groups.values()))


@pytest.mark.parametrize("way", GENERATIONS)
def test_pages_show_the_sales_that_the_api_shows(way: str, seen_by: dict[str, Tables]) -> None:
    """A result page shows of a sale its title, price and date; the API its item specifics too."""
    by_api, by_pages = of_kind(seen_by["api"], "sold"), of_kind(seen_by[way], "sold")
    assert len(by_api) > 60, "one result page holds them all"
    assert set(by_pages) == set(by_api)
    for item_id, sale in by_api.items():
        page = by_pages[item_id]
        assert {name: page[name] for name in SALE_FACTS} == {name: sale[name] for name in SALE_FACTS}
        assert float(page["price"]) == float(sale["price"])


def test_both_generations_of_pages_read_alike(seen_by: dict[str, Tables]) -> None:
    assert seen_by["s-card"] == seen_by["s-item"]


def test_pages_beyond_the_window_are_read_make_by_make(tmp_path: Path, crawls: Crawls) -> None:
    """Pages of 60 fill 180 of a window of 200; pages name no makes, so those of the catalogue are asked."""
    makes = ["Ford"] * 110 + ["Mercedes-Benz"] * 61 + ["Audi"] * 29
    listings = [{"item_id": str(100_000_000_000 + n), "make": make} for n, make in enumerate(makes)]
    with faulty(make_market(tmp_path / "market", listings, [])) as url:
        found = attempt(
            crawls, url, "pages",
            crawl__page_size=60, crawl__window=200, crawl__daily_calls=200, crawl__search_share=0.95, crawl__min_fill=0,
        )  # fmt: skip
    assert found.receipt.facts["complete"] is True
    assert (found.receipt.counts["seen"], found.receipt.facts["coverage"], found.held) == (200, 1.0, "")
    assert len({row["item_id"] for row in rows(crawls, SEEN)}) == len(rows(crawls, SEEN)) == 200
    assert found.searches("pages") == 1 + len(make_names()) + 2 + 1  # more pages of two makes, and the sales
    slices = {row["slice"]: row["announced"] for row in rows(crawls, SLICES) if row["announced"]}
    assert slices == {"all": 200, "Make=Ford": 110, "Make=Mercedes-Benz": 61, "Make=Audi": 29}
