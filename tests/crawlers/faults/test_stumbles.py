"""Faults that a crawl gets over: those that pass change nothing, those that last cost only what they hit."""

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from autodetect.lake.schemas import QUARANTINE
from tests.crawlers.crawling import Crawls
from tests.crawlers.faults.conftest import Undisturbed
from tests.crawlers.faulty import SPIDERS, attempt, faulty, rows, tables
from tests.crawlers.watched import watched

PASSING = ("errors:every=3", "slow:every=4,seconds=0.1", "truncated:every=3")
LASTING = {
    "errors:times=0": ("http_503", 2),
    "errors:times=0,status=500": ("http_500", 2),
    "truncated:times=0": ("truncated", 2),
    "loop": ("redirect_loop", 5),
}
SEARCHES = {"api": 4, "pages": 2}  # searches of the small market, sales among them: they come first


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("spider", SPIDERS)
def test_a_fault_that_passes_changes_nothing_that_is_found(
    spider: str, fault: str, cars: Path, crawls: Crawls, undisturbed: Callable[[str], Undisturbed]
) -> None:
    with faulty(cars, fault) as url:
        first = attempt(crawls, url, spider, crawl__retries=2)
    whole = undisturbed(spider)
    again = 0 if fault.startswith("slow") else first.hit
    assert first.hit > 0
    assert first.pages == whole.attempt.pages + again
    assert (first.stopped, first.held, first.refused) == ("", "", {})
    assert first.receipt.digest == whole.attempt.receipt.digest
    assert tables(crawls) == whole.tables


@pytest.mark.parametrize("told_as", ["seconds", "date"])
@pytest.mark.parametrize("spider", SPIDERS)
def test_a_host_that_asks_for_a_pause_is_not_asked_before_it_is_over(
    spider: str, told_as: str, cars: Path, crawls: Crawls, undisturbed: Callable[[str], Undisturbed]
) -> None:
    with faulty(cars, f"rate:every=9,retry_after=1,as={told_as}") as url, watched(url) as door:
        first = attempt(crawls, url, spider, via=door.url, crawl__concurrency=1, crawl__photo_concurrency=1)
    refusals = [passed for passed in door.of() if passed.status == 429]
    assert 0 < len(refusals) == first.hit
    for refusal in refusals:
        value = refusal.answer["retry-after"]
        following = next((passed for passed in door.of() if passed.came > refusal.left), None)
        assert following is not None, "the request was not made again"
        if told_as == "seconds":
            assert following.came >= refusal.left + float(value)
        else:
            assert following.came_on >= parsedate_to_datetime(value).timestamp()
    assert first.receipt.digest == undisturbed(spider).attempt.receipt.digest
    assert tables(crawls) == undisturbed(spider).tables


@pytest.mark.parametrize("fault", LASTING)
@pytest.mark.parametrize("spider", SPIDERS)
def test_listings_that_cannot_be_had_cost_themselves_and_are_asked_for_again(
    spider: str, fault: str, cars: Path, sound: str, crawls: Crawls, undisturbed: Callable[[str], Undisturbed]
) -> None:
    rule, again = LASTING[fault]
    name, _, keys = fault.partition(":")
    keys = ",".join(filter(None, ["on=api|web", f"after={SEARCHES[spider]}", "every=3", keys]))
    with faulty(cars, f"{name}:{keys}") as url:
        first = attempt(crawls, url, spider, crawl__retries=2)
    failed = first.refused[rule]
    assert 0 < failed < 12
    assert first.refused == {rule: failed}
    assert first.items(spider) == 12 + again * failed, "tries, or redirects followed"
    assert first.receipt.run["calls"] == SEARCHES[spider] + first.items(spider), "each of them is paid for"
    counts, facts = first.receipt.counts, first.receipt.facts
    assert (first.stopped, first.held, facts["complete"], counts["missing"]) == ("", "", True, 0)
    assert (counts["seen"], counts["listings_new"], facts["backlog"]) == (12, 12 - failed, 0)
    whole = undisturbed(spider)
    assert all(row in whole.tables["sightings"] for row in tables(crawls)["sightings"])
    refused = rows(crawls, QUARANTINE)
    read = {row["item_id"] for row in tables(crawls)["sightings"]}
    assert {row["table"] for row in refused} == {"crawl.item"}
    assert not {row["key"] for row in refused} & read

    second = attempt(crawls, sound, spider)
    assert (second.searches(spider), second.items(spider), second.asked["photo"]) == (0, failed, failed)
    assert second.receipt.digest == whole.attempt.receipt.digest
    assert tables(crawls) == whole.tables


def test_searches_that_fail_leave_the_night_incomplete_and_held_until_they_do_not(
    cars: Path, sound: str, crawls: Crawls, undisturbed: Callable[[str], Undisturbed]
) -> None:
    with faulty(cars, "errors:on=api,times=0,after=1") as url:
        first = attempt(crawls, url, "api", crawl__retries=0)
    counts, facts = first.receipt.counts, first.receipt.facts
    failed = {row["key"] for row in rows(crawls, QUARANTINE) if row["table"] == "crawl.page"}
    assert failed == {"asking/all/5", "asking/all/10", "sold/all/0"}
    assert first.refused == {"http_503": len(failed) + 5}
    assert (counts["seen"], counts["missing"], counts["listings_new"]) == (5, 0, 0)
    assert (facts["complete"], facts["coverage"]) == (False, round(5 / 12, 6))
    assert "5 of 12 announced listings" in first.held
    second = attempt(crawls, sound, "api")
    assert (second.searches("api"), second.items("api"), second.held) == (len(failed), 12, "")
    assert second.receipt.digest == undisturbed("api").attempt.receipt.digest
    assert tables(crawls) == undisturbed("api").tables
