"""Faults that end a crawl early: nothing is sent after them, nothing of them is read, and what was found is kept."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from autodetect.lake.schemas import LISTING_PHOTOS, SIGHTINGS
from tests.crawlers.crawling import CrawlRefusedError, Crawls
from tests.crawlers.faults.conftest import Undisturbed
from tests.crawlers.faulty import SPIDERS, attempt, faulty, rows, tables

BLOCKS = 2  # 403 or 429 answers in a row that end a crawl here
FREE = 9  # requests that are answered before a fault begins: all searches and some listings


@dataclass(frozen=True)
class End:
    """A fault, the cause that it ends a crawl with, the requests it takes, and those of them that failed for good."""

    fault: str
    cause: str
    takes: int = 1
    failed: int = 0


ENDS = {
    "captcha": End("captcha:on=all", "captcha"),
    "interruption": End("interruption:on=all", "interruption"),
    "forbidden": End("forbidden:on=all", "forbidden", takes=BLOCKS, failed=BLOCKS - 1),
    "pause beyond a night": End("rate:on=all,retry_after=900,times=0", "rate_limited"),
}
CASES = [
    *(pytest.param(spider, end, id=f"{name}-{spider}") for name, end in ENDS.items() for spider in SPIDERS),
    pytest.param("pages", End("storm:on=all", "rate_limited", takes=BLOCKS), id="storm-pages"),
]


@pytest.mark.parametrize(("spider", "end"), CASES)
def test_a_wall_ends_the_crawl_and_the_next_attempt_asks_for_what_is_open(
    spider: str, end: End, cars: Path, sound: str, crawls: Crawls, undisturbed: Callable[[str], Undisturbed]
) -> None:
    whole = undisturbed(spider)
    with faulty(cars, f"{end.fault},after={FREE}") as url:
        first = attempt(crawls, url, spider, crawl__max_blocks=BLOCKS, crawl__concurrency=1)
    assert first.stopped == end.cause
    assert first.held.startswith("the crawl stopped early: ")
    assert first.hit == end.takes
    assert first.pages == FREE + end.takes, "something was sent after the wall"
    assert "captcha" not in first.asked

    counts, facts = first.receipt.counts, first.receipt.facts
    assert (counts["seen"], counts["missing"], facts["complete"]) == (12, 0, True)
    assert 0 < counts["listings_new"] < 12
    assert first.refused == ({"http_403": end.failed} if end.failed else {})
    found = tables(crawls)
    for table in (SIGHTINGS, LISTING_PHOTOS):
        assert all(row in whole.tables[table.name] for row in found[table.name]), "a wall was read as something"
    assert len(found["sightings"]) == counts["listings_new"] + counts["sales_new"]
    assert len(found["listing_photos"]) == counts["photos_fetched"]

    second = attempt(crawls, sound, spider)
    assert (second.stopped, second.held, second.refused) == ("", "", {})
    assert second.searches(spider) == 0
    assert second.items(spider) == 12 - counts["listings_new"]
    assert second.asked["photo"] == 12 - counts["photos_fetched"]
    assert tables(crawls) == whole.tables
    assert second.receipt.digest == whole.attempt.receipt.digest


@pytest.mark.parametrize("fault", ["quota:calls={}", "storm:on=api,after={}"], ids=["quota", "gateway"])
def test_a_spent_quota_ends_the_crawl_without_holding_a_night_that_was_searched_through(
    fault: str, cars: Path, sound: str, crawls: Crawls, undisturbed: Callable[[str], Undisturbed]
) -> None:
    with faulty(cars, fault.format(FREE)) as url:
        first = attempt(crawls, url, "api", crawl__concurrency=1)
    counts, facts = first.receipt.counts, first.receipt.facts
    assert (first.stopped, first.held, first.hit) == ("quota", "", 1)
    assert first.pages - first.asked.get("photo", 0) == FREE + 1
    assert (facts["complete"], facts["coverage"], counts["missing"], first.refused) == (True, 1.0, 0, {})
    assert facts["backlog"] == 12 - counts["listings_new"] == 12 - (FREE - 4)
    second = attempt(crawls, sound, "api")
    assert (second.items("api"), second.searches("api")) == (facts["backlog"], 0)
    assert tables(crawls) == undisturbed("api").tables
    assert second.receipt.digest == undisturbed("api").attempt.receipt.digest


def test_a_quota_spent_while_searching_holds_the_night_for_its_coverage(
    cars: Path, sound: str, crawls: Crawls, undisturbed: Callable[[str], Undisturbed]
) -> None:
    with faulty(cars, "quota:calls=2") as url:
        first = attempt(crawls, url, "api", crawl__concurrency=1)
    counts, facts = first.receipt.counts, first.receipt.facts
    assert (first.stopped, first.hit, first.searches("api")) == ("quota", 1, 3)
    assert "10 of 12 announced listings" in first.held
    assert (facts["complete"], facts["coverage"], counts["missing"]) == (False, round(10 / 12, 6), 0)
    second = attempt(crawls, sound, "api")
    assert (second.searches("api"), second.items("api"), second.held) == (2, 12, "")
    assert tables(crawls) == undisturbed("api").tables


def test_a_quota_that_was_spent_before_the_first_search_is_told_and_writes_nothing(
    cars: Path, sound: str, crawls: Crawls
) -> None:
    with faulty(cars, "quota:calls=0") as url, pytest.raises(CrawlRefusedError, match="answers no more today") as down:
        attempt(crawls, url, "api")
    assert down.value.name == "DependencyDownError"
    assert not any(tables(crawls).values())
    assert attempt(crawls, sound, "api").held == ""


@pytest.mark.parametrize("fault", ["captcha:on=all", "interruption:on=all"])
@pytest.mark.parametrize("spider", SPIDERS)
def test_a_wall_before_the_first_result_leaves_nothing_behind(
    spider: str, fault: str, cars: Path, crawls: Crawls
) -> None:
    with faulty(cars, fault) as url:
        first = attempt(crawls, url, spider)
    assert (first.stopped, first.pages) == (fault.partition(":")[0], 1)
    assert first.held.startswith("the crawl stopped early: ")
    counts, facts = first.receipt.counts, first.receipt.facts
    assert (counts["announced"], counts["seen"], counts["missing"]) == (0, 0, 0)
    assert (facts["complete"], facts["coverage"]) == (False, 0.0)
    assert rows(crawls, SIGHTINGS) == []


def test_a_robots_file_that_forbids_the_result_pages_ends_the_crawl_and_names_the_path(
    cars: Path, sound: str, crawls: Crawls, undisturbed: Callable[[str], Undisturbed]
) -> None:
    with faulty(cars, "robots:rules=none") as url:
        first = attempt(crawls, url, "pages")
    assert first.asked == {"robots": 1}
    assert first.stopped == "robots_disallow"
    assert "does not allow /b/Cars-Trucks/6001/bn_1865117" in first.held
    assert (first.receipt.counts["missing"], first.receipt.facts["coverage"]) == (0, 0.0)
    second = attempt(crawls, sound, "pages")
    assert second.held == ""
    assert tables(crawls) == undisturbed("pages").tables
