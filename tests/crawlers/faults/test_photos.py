"""Photos that cannot be had: each costs itself, is told by its cause, and is asked for again; nothing else is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from autodetect.lake.schemas import LISTING_PHOTOS, QUARANTINE
from tests.crawlers.crawling import Crawls
from tests.crawlers.faults.conftest import Undisturbed
from tests.crawlers.faulty import SPIDERS, Attempt, attempt, faulty, market, rows, tables
from tests.crawlers.middlewares.serving import Answer, serving
from tests.crawlers.watched import watched

RULES = {
    "gone": "http_404",
    "html-photo": "not_an_image",
    "bomb": "too_many_pixels",
    "truncated:on=photos,times=0": "truncated",
}


def heals(first: Attempt, rule: str, spider: str, sound: str, crawls: Crawls, whole: Undisturbed) -> None:
    """Check what a first attempt at which photos failed left, and that a second one fetches just those."""
    failed = first.refused.get(rule, 0)
    assert 0 < failed < 12
    assert first.refused == {rule: failed}
    assert (first.stopped, first.held, first.receipt.facts["complete"]) == ("", "", True)
    assert (first.receipt.counts["listings_new"], first.receipt.counts["photos_fetched"]) == (12, 12 - failed)
    refused, kept = rows(crawls, QUARANTINE), rows(crawls, LISTING_PHOTOS)
    assert {row["table"] for row in refused} == {"crawl.photo"}
    assert {row["value"] for row in refused} | {row["item_id"] for row in kept} == {
        row["item_id"] for row in whole.tables["seen"]
    }
    assert all(row in whole.tables["listing_photos"] for row in kept)
    assert {row["url"] for row in kept} | {row["key"] for row in refused} == {
        row["url"] for row in whole.tables["listing_photos"]
    }
    second = attempt(crawls, sound, spider)
    assert (second.asked["photo"], second.searches(spider), second.items(spider)) == (failed, 0, 0)
    assert second.receipt.digest == whole.attempt.receipt.digest
    assert tables(crawls) == whole.tables


@pytest.mark.parametrize("fault", RULES)
@pytest.mark.parametrize("spider", SPIDERS)
def test_a_photo_that_is_none_is_refused_by_its_cause_and_asked_for_again(
    spider: str, fault: str, cars: Path, sound: str, crawls: Crawls, undisturbed: Callable[[str], Undisturbed]
) -> None:
    with faulty(cars, f"{fault}{',' if ':' in fault else ':'}every=3") as url:
        first = attempt(crawls, url, spider, crawl__retries=1)
    assert first.hit == first.refused[RULES[fault]] * (2 if "truncated" in fault else 1)
    heals(first, RULES[fault], spider, sound, crawls, undisturbed(spider))


@pytest.mark.parametrize("spider", SPIDERS)
def test_a_photo_that_leads_to_another_place_is_not_followed_there(
    spider: str, cars: Path, sound: str, crawls: Crawls, undisturbed: Callable[[str], Undisturbed]
) -> None:
    """The place is a server inside: what a crawl must not be made to ask."""
    with serving(lambda _: Answer()) as inside:
        with faulty(cars, f"redirect-photo:every=3,to={inside.url}/admin?delete=all") as url:
            first = attempt(crawls, url, spider)
        assert inside.asked == []
    heals(first, "host_not_allowed", spider, sound, crawls, undisturbed(spider))


@pytest.mark.parametrize("spider", SPIDERS)
def test_a_listing_that_names_a_photo_host_that_is_not_allowed_costs_a_refusal_and_no_request(
    spider: str, cars: Path, crawls: Crawls
) -> None:
    """Without a stand-in, photos are asked of the hosts that listings name, here of one in every way but the name."""
    with serving(lambda _: Answer()) as inside, faulty(cars) as url:
        named = inside.host.encode()

        def edit(body: bytes) -> bytes:
            return body.replace(b"https://i.sandbox.invalid/", b"http://" + named + b"/")

        with watched(url, edit=edit) as door:
            first = attempt(
                crawls, url, spider, via=door.url, ebay__photo_base_url="", ebay__photo_hosts=["i.sandbox.invalid"]
            )
        assert inside.asked == []
    assert first.refused == {"host_not_allowed": 12}
    assert {row["key"].split("/")[2] for row in rows(crawls, QUARANTINE)} == {inside.host}
    assert (first.held, first.receipt.facts["complete"], first.receipt.counts["listings_new"]) == ("", True, 12)


def test_a_photo_that_failed_on_three_nights_is_given_up(tmp_path: Path, crawls: Crawls) -> None:
    folder = market(tmp_path / "market", 2, photos=2, sales=0)
    asked = []
    for night in range(1, 6):
        with faulty(folder, "gone:every=2", night=night) as url:
            asked.append(attempt(crawls, url, "api", night=night))
    failed = asked[0].hit
    assert 0 < failed < 4
    assert [found.asked.get("photo", 0) for found in asked] == [4, failed, failed, 0, 0]
    assert [found.refused for found in asked] == [{"http_404": failed}] * 3 + [{}] * 2
    assert len(rows(crawls, LISTING_PHOTOS)) == 4 - failed


def test_a_photo_host_that_shuts_us_out_ends_the_crawl(
    cars: Path, sound: str, crawls: Crawls, undisturbed: Callable[[str], Undisturbed]
) -> None:
    """It stands on a host of its own, and is paused and counted by itself."""
    with faulty(cars) as url, faulty(cars, "forbidden:on=photos,after=4") as shop, watched(shop) as photos:
        first = attempt(
            crawls, url, "api", crawl__max_blocks=2, crawl__photo_concurrency=1,
            ebay__photo_base_url=photos.url.replace("127.0.0.1", "localhost"),
        )  # fmt: skip
    assert (first.stopped, len(photos.passed)) == ("forbidden", 4 + 2)
    assert "localhost" in first.held
    assert (first.receipt.counts["photos_fetched"], first.refused) == (4, {"http_403": 1})
    second = attempt(crawls, sound, "api")
    assert second.asked["photo"] == 8
    assert tables(crawls) == undisturbed("api").tables
