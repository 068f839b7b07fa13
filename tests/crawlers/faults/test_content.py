"""Answers that come and do not say what they should: the night is held or not, and nothing wrong is taken in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autodetect.lake.schemas import QUARANTINE, SIGHTINGS, SLICES
from tests.crawlers.crawling import Crawls, make_market
from tests.crawlers.faults.conftest import Undisturbed
from tests.crawlers.faulty import SPIDERS, attempt, curate, faulty, market, rows

BROKEN = {"make", "model", "price"}  # what the fault `markup` takes away
WAYS = {"api": ("api", ()), "s-card": ("pages", ()), "s-item": ("pages", ("--markup", "s-item"))}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A market large enough to judge what its listings say."""
    return market(tmp_path_factory.mktemp("many") / "market", 24)


def asking(crawls: Crawls) -> list[dict[str, Any]]:
    return [row for row in rows(crawls, SIGHTINGS) if row["kind"] == "asking"]


@pytest.mark.parametrize("way", WAYS)
def test_listings_that_say_too_little_hold_the_night_and_are_read_again(way: str, many: Path, crawls: Crawls) -> None:
    spider, options = WAYS[way]
    with faulty(many, "markup:on=api|web", options=options) as url:
        first = attempt(crawls, url, spider, crawl__page_size=100)
    drift = first.receipt.facts["drift"]
    assert set(drift["fields"]) == BROKEN
    assert first.held.startswith("the source seems to have changed: make, model, price can hardly be read any more")
    assert drift["example"] in first.held
    example = crawls.lake.artifacts.read(drift["kept"])
    assert drift["example"].rpartition("/")[2].encode() in example
    assert b"2012 Ford Mustang GT" in example
    assert asking(crawls) == [], "what could not be read was taken in"
    counts, facts = first.receipt.counts, first.receipt.facts
    assert (counts["seen"], counts["missing"], facts["backlog"], facts["fill_history"]) == (24, 0, 24, [])

    with faulty(many, options=options) as url:
        second = attempt(crawls, url, spider, crawl__page_size=100)
    assert (second.held, second.receipt.facts["drift"]) == ("", {})
    assert (second.items(spider), second.searches(spider), second.asked.get("photo", 0)) == (24, 0, 0)
    assert [row["make"] for row in asking(crawls)] == ["Ford"] * 24
    assert {float(row["price"]) for row in asking(crawls)} == {15_000.0}


def test_a_field_that_no_listing_says_ends_the_crawl_early(tmp_path: Path, crawls: Crawls) -> None:
    folder = market(tmp_path / "market", 70, photos=0)
    with faulty(folder, "markup:on=api") as url:
        first = attempt(crawls, url, "api", crawl__page_size=100)
    assert first.stopped == "drift"
    assert 50 <= first.items("api") < 60
    assert first.held.startswith("the source seems to have changed: ")
    assert asking(crawls) == []
    with faulty(folder) as url:
        second = attempt(crawls, url, "api", crawl__page_size=100, crawl__min_fill=0)
    assert (second.held, second.items("api"), len(asking(crawls))) == ("", 70, 70)


def test_item_pages_that_changed_alone_are_read_again_on_the_next_night(many: Path, crawls: Crawls) -> None:
    """Searches show the listings as ever, so that nothing else tells that they were not read."""
    with faulty(many, "markup:after=2") as url:
        first = attempt(crawls, url, "pages", crawl__page_size=100)
    assert set(first.receipt.facts["drift"]["fields"]) == BROKEN
    with faulty(many, night=2) as url:
        second = attempt(crawls, url, "pages", night=2, crawl__page_size=100)
    assert (second.held, second.items("pages"), len(asking(crawls))) == ("", 24, 24)


@pytest.fixture
def live(many: Path, crawls: Crawls) -> Crawls:
    """A lake that knows the listings of the market as live, as curation leaves them."""
    with faulty(many) as url:
        curate(crawls, attempt(crawls, url, "api", crawl__page_size=100))
    return crawls


def test_a_source_that_announces_a_fraction_holds_the_night_and_misses_nothing(
    tmp_path: Path, many: Path, live: Crawls
) -> None:
    fraction = market(tmp_path / "fraction", 3)
    with faulty(fraction, night=2) as url:
        second = attempt(live, url, "api", night=2, crawl__page_size=100)
    assert second.receipt.facts["drift"]["fields"] == ["announced"]
    assert "the source announces 3 listings, usually 24" in second.held
    assert (second.receipt.counts["missing"], second.receipt.facts["complete"]) == (0, False)
    with faulty(many, night=2) as url:
        again = attempt(live, url, "api", night=2, crawl__page_size=100)
    assert (again.held, again.receipt.counts["seen"], again.receipt.facts["complete"]) == ("", 24, True)


def test_a_source_that_stays_small_is_believed_once_a_person_says_so(tmp_path: Path, live: Crawls) -> None:
    fraction = market(tmp_path / "fraction", 3)
    with faulty(fraction, night=2) as url:
        for night in (2, 3):
            found = attempt(live, url, "api", night=night, crawl__page_size=100)
            assert "the source announces 3 listings, usually 24" in found.held
            assert found.receipt.counts["missing"] == 0
        believed = attempt(live, url, "api", night=3, crawl__page_size=100, crawl__min_fill=0)
        assert (believed.held, believed.receipt.counts["missing"]) == ("", 21)
        assert attempt(live, url, "api", night=4, crawl__page_size=100).held == ""


@pytest.mark.parametrize("spider", SPIDERS)
def test_sales_without_a_date_are_refused_by_name_and_found_once_they_have_one(
    spider: str, cars: Path, crawls: Crawls, undisturbed: Callable[[str], Undisturbed]
) -> None:
    with faulty(cars, "no-date") as url:
        first = attempt(crawls, url, spider)
    counts, facts = first.receipt.counts, first.receipt.facts
    assert first.refused == {"sale_date_unreadable": 3}
    assert (first.held, facts["complete"], facts["sales_offered"], counts["sales_new"]) == ("", True, True, 0)
    assert {row["key"] for row in rows(crawls, QUARANTINE)} == {f"20000000000{n}" for n in range(3)}
    assert asking(crawls) == [row for row in undisturbed(spider).tables["sightings"] if row["kind"] == "asking"]
    with faulty(cars, night=2) as url:
        second = attempt(crawls, url, spider, night=2)
    assert (second.refused, second.receipt.counts["sales_new"], second.items(spider)) == ({}, 3, 0)


def test_filters_that_the_api_ignores_are_noticed_and_asked_again(tmp_path: Path, crawls: Crawls) -> None:
    folder = make_market(tmp_path / "market", makes({"Ford": 120, "Audi": 110}))
    few: dict[str, Any] = {"crawl__window": 200, "crawl__page_size": 50, "crawl__min_fill": 0,
                           "crawl__daily_calls": 30, "crawl__search_share": 0.9}  # fmt: skip
    with faulty(folder, "ignored-filter") as url:
        first = attempt(crawls, url, "api", **few)
    slices = {row["slice"]: (row["state"], row["cause"]) for row in rows(crawls, SLICES)}
    assert slices == {"all": ("split", ""), "Make=Ford": ("failed", "filter_ignored"),
                      "Make=Audi": ("failed", "filter_ignored")}  # fmt: skip
    assert (first.receipt.facts["complete"], first.receipt.counts["missing"]) == (False, 0)
    assert "of 230 announced listings" in first.held
    with faulty(folder) as url:
        second = attempt(crawls, url, "api", **{**few, "crawl__daily_calls": 50})
    assert second.searches("api") <= 2 + 4
    assert (second.held, second.receipt.facts["complete"], second.receipt.counts["seen"]) == ("", True, 230)


def test_filters_that_the_pages_ignore_are_noticed(tmp_path: Path, crawls: Crawls) -> None:
    folder = make_market(tmp_path / "market", makes({"Ford": 110, "Audi": 90}))
    with faulty(folder, "ignored-filter") as url:
        first = attempt(
            crawls, url, "pages", crawl__window=200, crawl__min_fill=0, crawl__daily_calls=12, crawl__search_share=0.75
        )
    causes = [row["cause"] for row in rows(crawls, SLICES) if row["state"] == "failed"]
    assert causes == ["filter_ignored"] * 7  # of eight: the first make asked for might really be all there is
    assert first.searches("pages") == 9
    assert (first.receipt.facts["complete"], first.receipt.facts["coverage"]) == (False, 60 / 200)
    assert "60 of 200 announced listings" in first.held


def makes(sizes: dict[str, int]) -> list[dict[str, str]]:
    """So many listings of each make."""
    named = [make for make, size in sizes.items() for _ in range(size)]
    return [{"item_id": str(100_000_000_000 + n), "make": make} for n, make in enumerate(named)]
