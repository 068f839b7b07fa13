"""How a crawl behaves towards its source, as the source sees it: who asks, what, how often and how much at a time."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from autodetect import __version__
from autodetect.lake.schemas import QUARANTINE
from tests.crawlers.crawling import Crawls, make_market
from tests.crawlers.faulty import SPIDERS, attempt, faulty, market, rows
from tests.crawlers.watched import Door, watched

HEADER = "x-ebay-c-marketplace-id"


@pytest.fixture(scope="module")
def cars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight listings with one photo each, and three sales."""
    return market(tmp_path_factory.mktemp("cars") / "market", 8)


def elsewhere(door: Door) -> str:
    """The door under another host name: a photo host of its own."""
    return door.url.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize("spider", SPIDERS)
def test_every_request_tells_who_asks_and_none_carries_a_cookie(spider: str, cars: Path, crawls: Crawls) -> None:
    with faulty(cars) as url, watched(url) as door:
        attempt(crawls, url, spider, via=door.url, crawl__contact="https://cars.example/robot")
    assert {passed.headers["user-agent"] for passed in door.passed} == {
        f"AutoDetect/{__version__} (+https://cars.example/robot)"
    }
    assert not any("cookie" in passed.headers for passed in door.passed)
    assert not any("authorization" in passed.headers for passed in door.of("/images/", "/itm/", "/b/"))


def test_pages_are_asked_after_robots_txt_which_is_asked_once_a_host(cars: Path, crawls: Crawls) -> None:
    with faulty(cars) as url, watched(url) as door, watched(url) as photos:
        found = attempt(crawls, url, "pages", via=door.url, ebay__photo_base_url=elsewhere(photos))
    for place in (door, photos):
        assert [passed.path for passed in place.of()].index("/robots.txt") == 0
        assert len(place.of("/robots.txt")) == 1
    assert (len(photos.passed), found.receipt.counts["photos_fetched"]) == (1 + 8, 8)


def test_sales_that_robots_txt_forbids_are_not_offered_and_the_night_goes_on(cars: Path, crawls: Crawls) -> None:
    with faulty(cars, "robots:rules=ebay") as url, watched(url) as door:
        found = attempt(crawls, url, "pages", via=door.url)
    assert [passed.path for passed in door.passed if "LH_" in passed.path] == []
    assert (found.stopped, found.held, found.refused) == ("", "", {})
    facts, counts = found.receipt.facts, found.receipt.counts
    assert (facts["complete"], facts["sales_offered"], counts["sales_announced"]) == (True, False, 0)
    assert (counts["listings_new"], counts["photos_fetched"]) == (8, 8)


def test_photos_that_their_hosts_robots_txt_forbids_are_not_asked(cars: Path, crawls: Crawls) -> None:
    with faulty(cars) as url, faulty(cars, "robots:rules=none") as shop, watched(shop) as photos:
        found = attempt(crawls, url, "pages", ebay__photo_base_url=elsewhere(photos))
    assert [passed.path for passed in photos.passed] == ["/robots.txt"]
    assert (found.refused, found.held) == ({"robots_disallow": 8}, "")
    assert {row["table"] for row in rows(crawls, QUARANTINE)} == {"crawl.photo"}


@pytest.mark.parametrize("fault", ["errors:on=robots,times=0", "truncated:on=robots,times=0"])
def test_a_robots_txt_that_cannot_be_had_forbids_all(fault: str, cars: Path, crawls: Crawls) -> None:
    with faulty(cars, fault) as url:
        found = attempt(crawls, url, "pages", crawl__retries=1)
    assert (found.asked, found.stopped) == ({"robots": 2}, "robots_disallow")
    assert "one that cannot be had forbids all" in found.held
    with faulty(cars) as url:
        again = attempt(crawls, url, "pages")
    assert (again.held, again.receipt.counts["listings_new"]) == ("", 8)


def test_a_robots_txt_that_comes_to_forbid_all_holds_for_all_that_wait_for_it(cars: Path, crawls: Crawls) -> None:
    """An attempt that goes on begins with many listings at once."""
    with faulty(cars, "captcha:after=2") as url:
        first = attempt(crawls, url, "pages")
    assert first.receipt.counts["listings_new"] == 0
    with faulty(cars, "robots:rules=none") as url:
        second = attempt(crawls, url, "pages", crawl__concurrency=8)
    assert (second.asked, second.refused) == ({"robots": 1}, {"robots_disallow": 8})


@pytest.mark.parametrize("fault", ["errors:on=robots", "gone:on=robots", "forbidden:on=robots"])
def test_a_robots_txt_that_is_not_there_or_late_forbids_nothing(fault: str, cars: Path, crawls: Crawls) -> None:
    with faulty(cars, fault) as url:
        found = attempt(crawls, url, "pages", crawl__retries=1)
    assert (found.held, found.refused, found.receipt.counts["listings_new"]) == ("", {}, 8)


@pytest.mark.parametrize("spider", SPIDERS)
@pytest.mark.parametrize(("most", "most_photos"), [(1, 3), (3, 1)])
def test_no_more_is_under_way_at_a_time_than_is_set(
    spider: str, most: int, most_photos: int, cars: Path, crawls: Crawls
) -> None:
    with faulty(cars, "slow:seconds=0.05,times=0") as url, watched(url) as door, watched(url) as photos:
        found = attempt(
            crawls, url, spider, via=door.url, ebay__photo_base_url=elsewhere(photos),
            crawl__concurrency=most, crawl__photo_concurrency=most_photos,
        )  # fmt: skip
    assert found.receipt.counts["photos_fetched"] == 8
    assert door.most_inside == most
    assert photos.most_inside <= most_photos


@pytest.mark.parametrize("spider", SPIDERS)
def test_a_delay_lies_between_two_requests_to_a_host(spider: str, cars: Path, crawls: Crawls) -> None:
    with faulty(cars) as url, watched(url) as door, watched(url) as photos:
        attempt(
            crawls, url, spider, via=door.url, ebay__photo_base_url=elsewhere(photos),
            crawl__concurrency=4, crawl__photo_concurrency=4, crawl__delay_s=0.2,
        )  # fmt: skip
    for place in (door, photos):
        came = [passed.came for passed in place.of()]
        assert len(came) >= 8
        assert came[-1] - came[0] >= 0.2 * (len(came) - 2), "one delay may hide in how long the first took to come"


def test_a_host_is_first_asked_slowly_where_the_pace_follows_it(tmp_path: Path, crawls: Crawls) -> None:
    """The pace begins at five seconds and halves its distance to the host's latency with every answer."""
    with faulty(make_market(tmp_path / "market", [])) as url, watched(url) as door:
        attempt(crawls, url, "api", via=door.url, crawl__autothrottle=True)
    came = [passed.came for passed in door.of()]
    assert [later - earlier > least for (earlier, later), least in zip(pairwise(came), (2.0, 1.0), strict=False)] == [
        True,
        True,
    ]


@pytest.mark.parametrize("spider", SPIDERS)
@pytest.mark.parametrize("retries", [0, 2])
def test_nothing_is_tried_more_often_than_is_set(spider: str, retries: int, cars: Path, crawls: Crawls) -> None:
    searches = {"api": 3, "pages": 2}[spider]
    with faulty(cars, f"errors:on=api|web,after={searches},times=0") as url, watched(url) as door:
        found = attempt(crawls, url, spider, via=door.url, crawl__retries=retries)
    tries = Counter(passed.path for passed in door.of("/buy/browse/v1/item/", "/itm/"))
    assert set(tries.values()) == {1 + retries}
    assert found.refused == {"http_503": 8}


def headers(door: Door) -> list[str]:
    """The marketplaces that searches asked for, in order."""
    return [passed.headers[HEADER] for passed in door.of("/buy/browse/v1/item_summary/")]


def test_the_marketplace_that_serves_is_found_once_and_remembered(cars: Path, tmp_path: Path, crawls: Crawls) -> None:
    serving = ("--serves", "EBAY_US")
    with faulty(cars, options=serving) as url, watched(url) as door:
        first = attempt(crawls, url, "api", via=door.url)
    assert headers(door) == ["EBAY_MOTORS_US", "EBAY_US", "EBAY_US"]
    assert first.receipt.facts["marketplace"] == "EBAY_US"
    assert {passed.headers[HEADER] for passed in door.of("/buy/")} - {"EBAY_MOTORS_US"} == {"EBAY_US"}
    assert (first.receipt.counts["seen"], first.held) == (8, "")
    with faulty(cars, night=2, options=serving) as url, watched(url) as door:
        second = attempt(crawls, url, "api", night=2, via=door.url)
    assert headers(door) == ["EBAY_US", "EBAY_US"]
    assert second.receipt.facts["marketplace"] == "EBAY_US"


@pytest.mark.parametrize(("named", "seen"), [("EBAY_US", 8), ("EBAY_GB", 0)])
def test_a_marketplace_that_is_named_is_asked_and_no_other(named: str, seen: int, cars: Path, crawls: Crawls) -> None:
    with faulty(cars, options=("--serves", "EBAY_US")) as url, watched(url) as door:
        found = attempt(crawls, url, "api", via=door.url, ebay__marketplace=named)
    assert set(headers(door)) == {named}
    assert found.receipt.counts["seen"] == seen
    assert found.held == ("" if seen else "the source announced no listings")
