"""A marketplace that one night cannot read: nights take turns, nothing is read twice, nothing is missed by mistake."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from autodetect.lake.schemas import SIGHTINGS, SLICES
from tests.crawlers.crawling import Crawls, disturbed, make_market
from tests.crawlers.faulty import SPIDERS, Attempt, attempt, curate, faulty, rows

FIRST = 100_000_000_000
SEARCHES = {"api": 3 + 1, "pages": 1 + 1}  # of the small market a night, with the one for sales


def listing(number: int, **facts: str) -> dict[str, str]:
    return {"item_id": str(FIRST + number), **facts}


def missing(crawls: Crawls, night: int) -> list[int]:
    """The listings that a night looked for and did not find."""
    found = (row for row in rows(crawls, SIGHTINGS) if row["kind"] == "missing" and row["night"].day == night)
    return [int(row["item_id"]) - FIRST for row in found]


@pytest.mark.parametrize("spider", SPIDERS)
def test_nights_share_the_reading_and_each_searches_all(spider: str, tmp_path: Path, crawls: Crawls) -> None:
    """The newest are read first: 29 leaves after it was read, 0 before."""
    leaving = {29: {"last_night": "2"}, 0: {"last_night": "2"}}
    folder = make_market(tmp_path / "market", [listing(n, **leaving.get(n, {})) for n in range(30)], [])
    nights: list[Attempt] = []
    for night in range(1, 5):
        with faulty(folder, night=night) as url:
            nights.append(
                attempt(
                    crawls, url, spider, night=night,
                    crawl__page_size=10, crawl__daily_calls=SEARCHES[spider] + 10, crawl__min_fill=0,
                )
            )  # fmt: skip
        curate(crawls, nights[-1])
    assert [found.items(spider) for found in nights] == [10, 10, 9, 0]
    assert [found.receipt.facts["backlog"] for found in nights] == [20, 10, 0, 0]
    assert {found.searches(spider) for found in nights} == {SEARCHES[spider]}
    assert [found.receipt.counts["announced"] for found in nights] == [30, 30, 28, 28]
    assert all(found.receipt.facts["complete"] and found.held == "" for found in nights)
    read = Counter(int(row["item_id"]) - FIRST for row in rows(crawls, SIGHTINGS) if row["kind"] == "asking")
    assert read == Counter(range(1, 30))
    assert [missing(crawls, night) for night in range(1, 5)] == [[], [], [29], [29]]


def test_what_leaves_is_missing_only_on_nights_that_read_its_slice_to_the_end(tmp_path: Path, crawls: Crawls) -> None:
    """Of two makes the budget reads one a night, the stalest first."""
    leaving = {119: {"last_night": "2"}, 229: {"last_night": "2"}}
    listings = [listing(n, make="Ford" if n < 120 else "Audi", **leaving.get(n, {})) for n in range(230)]
    folder = make_market(tmp_path / "market", listings)
    few: dict[str, Any] = {"crawl__window": 200, "crawl__page_size": 100, "crawl__min_fill": 0,
                           "crawl__daily_calls": 10, "crawl__search_share": 0.3}  # fmt: skip
    nights: list[Attempt] = []
    for night in range(1, 5):
        with faulty(folder, night=night) as url:
            nights.append(attempt(crawls, url, "api", night=night, **few))
        curate(crawls, nights[-1])
    assert [found.searches("api") for found in nights] == [3] * 4
    done = [{row["slice"] for row in rows(crawls, SLICES) if row["night"].day == night and row["state"] == "done"}
            for night in range(1, 5)]  # fmt: skip
    assert done == [{"Make=Ford"}, {"Make=Audi"}, {"Make=Ford"}, {"Make=Audi"}]
    assert [missing(crawls, night) for night in range(1, 5)] == [[], [], [119], [229]]
    assert "120 of 230 announced listings" in nights[0].held
    assert [found.held for found in nights[1:]] == ["", "", ""]
    assert [found.receipt.facts["complete"] for found in nights] == [False] * 4
    read = [row["item_id"] for row in rows(crawls, SIGHTINGS) if row["kind"] == "asking"]
    assert len(read) == len(set(read)) == 4 * 7


@pytest.mark.parametrize("fault", ["captcha:on=api|web,after={}", "errors:on=api|web,after={},times=0"])
@pytest.mark.parametrize("spider", SPIDERS)
def test_nothing_is_missing_from_a_search_that_did_not_come_to_its_end(
    spider: str, fault: str, tmp_path: Path, crawls: Crawls
) -> None:
    size = {"api": 10, "pages": 60}[spider]
    listings = [listing(n, **({"last_night": "1"} if n == size + 4 else {})) for n in range(size + 5)]
    folder = make_market(tmp_path / "market", listings, [])
    few = {"crawl__page_size": size, "crawl__daily_calls": 10, "crawl__min_fill": 0, "crawl__retries": 0}
    with faulty(folder) as url:
        curate(crawls, attempt(crawls, url, spider, **few))
    with faulty(folder, fault.format(1), night=2) as url:
        second = attempt(crawls, url, spider, night=2, **few)
    assert second.receipt.counts["seen"] == size
    assert (missing(crawls, 2), second.receipt.facts["complete"]) == ([], False)
    with faulty(folder, night=2) as url:
        again = attempt(crawls, url, spider, night=2, **{**few, "crawl__daily_calls": 20})
    assert (missing(crawls, 2), again.receipt.facts["complete"], again.held) == ([size + 4], True, "")
    assert again.receipt.counts["missing"] == 1


def test_sales_that_a_quota_cut_off_are_read_by_the_next_night(tmp_path: Path, crawls: Crawls) -> None:
    """The first page has the newest ones, so that their dates alone would tell that all was read."""
    sales = [{"ID": str(200_000_000_000 + n), "yearsold": f"2026-{9 - n // 10:02d}-15", "pricesold": "9000",
              "Make": "Ford", "Model": "Ka", "Year": "2012"} for n in range(30)]  # fmt: skip
    folder = make_market(tmp_path / "market", [listing(0)], sales)

    def spent(path: str, _: int) -> tuple[int, bytes] | None:
        over = "item_sales" in path and "offset=0" not in path
        return (429, b'{"errors": [{"errorId": 10001, "domain": "API_BROWSE"}]}') if over else None

    with faulty(folder) as url:
        with disturbed(url, spent) as cut:
            first = attempt(crawls, url, "api", via=cut, crawl__page_size=10)
        second = attempt(crawls, url, "api", night=2, crawl__page_size=10)
        third = attempt(crawls, url, "api", night=3, crawl__page_size=10)
    assert (first.stopped, first.receipt.counts["sales_new"]) == ("quota", 10)
    assert (second.receipt.counts["sales_new"], third.receipt.counts["sales_new"]) == (20, 0)
    assert [found.receipt.facts["sales_read_to"] for found in (first, second, third)] == [
        "",
        "2026-09-15",
        "2026-09-15",
    ]
    assert third.searches("api") < second.searches("api")
