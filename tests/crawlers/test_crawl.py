"""The whole crawl stage against a real sandbox: everything once, nothing twice, and what failed is told."""

import io
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image

from autodetect.lake.inspection import inspect
from autodetect.lake.schemas import LISTING_PHOTOS, QUARANTINE, SEEN, SIGHTINGS
from autodetect.records import Receipt
from crawlers.photo_bytes import refusal_of
from crawlers.sandbox.making.generate import generate
from crawlers.sandbox.marketplace import Marketplace
from crawlers.sandbox.process import sandbox_process
from tests.crawlers.crawling import CrawlRefusedError, Crawls, disturbed, make_market, status_of
from tests.servers.s3_server import free_ports

TABLES = {table.name: table for table in (SIGHTINGS, SEEN, LISTING_PHOTOS, QUARANTINE)}


@dataclass(frozen=True)
class Visit:
    """One crawl: its receipt, what the sandbox was asked, and the tables' rows afterwards."""

    receipt: Receipt
    asked: dict[str, int]
    tables: dict[str, list[dict[str, Any]]]


def visit(crawls: Crawls, folder: Path, night: int, **options: Any) -> Visit:
    with sandbox_process(folder, night) as url:
        receipt = crawls.crawl(url, night, crawl__page_size=10, **options)
        return Visit(receipt, status_of(url), rows(crawls))


def rows(crawls: Crawls) -> dict[str, list[dict[str, Any]]]:
    return {name: crawls.lake.tables.read(table).to_pylist() for name, table in TABLES.items()}


def sound_photos(market: Marketplace) -> set[str]:
    """The names of the photo files that are photos by their bytes."""
    files = (market.folder / "photos").iterdir()
    return {path.name for path in files if not refusal_of(path.read_bytes(), max_pixels=10**8)}


def photo(shade: int) -> bytes:
    """A small photo, different for each shade (0 to 255)."""
    file = io.BytesIO()
    Image.new("RGB", (16, 16), (shade, 255 - shade, 128)).save(file, "JPEG")
    return file.getvalue()


def reach(receipt: Receipt) -> tuple[bool, float, bool]:
    """Whether all was read, what share of it was seen, and whether sales are offered."""
    facts = receipt.facts
    return facts["complete"], facts["coverage"], facts["sales_offered"]


def state(crawls: Crawls) -> dict[str, str]:
    return {table.name: table.digest for table in inspect(crawls.lake).tables if table.name in TABLES}


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small generated marketplace over three nights."""
    folder = tmp_path_factory.mktemp("market") / "market"
    generate(folder, seed=7, models=3, vehicles=8)
    return folder


@pytest.fixture(scope="module")
def story(market: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Night one, night one again, again after the ledger was lost, and night two."""
    crawls = Crawls(tmp_path_factory.mktemp("story"))
    told: dict[str, Any] = {"crawls": crawls, "market": Marketplace.load(market)}
    told["first"], told["state"] = visit(crawls, market, 1), state(crawls)
    told["again"], told["state again"] = visit(crawls, market, 1), state(crawls)
    shutil.rmtree(crawls.work)
    told["without ledger"], told["state without ledger"] = visit(crawls, market, 1), state(crawls)
    told["second"] = visit(crawls, market, 2)
    return told


def test_everything_on_offer_is_found_exactly_once(story: dict[str, Any]) -> None:
    first, offered = story["first"], {listing.item_id: listing for listing in story["market"].on(1)}
    asking = [row for row in first.tables["sightings"] if row["kind"] == "asking"]
    assert len(offered) > 10
    assert Counter(row["item_id"] for row in asking) == Counter(list(offered))
    assert Counter(row["item_id"] for row in first.tables["seen"]) == Counter(list(offered))
    for row in asking:
        listing = offered[row["item_id"]]
        assert (row["make"], row["model"], row["year"]) == tuple(listing.facts[n] for n in ("make", "model", "year"))
        assert (row["price"], row["vin"]) == (listing.price_on(1), listing.facts["vin"])
        assert row["seller_hash"] != listing.facts["seller"]
    assert reach(first.receipt) == (True, 1.0, True)
    assert first.receipt.counts["listings_new"] == first.receipt.counts["announced"] == len(offered)


def test_every_photo_is_kept_as_it_was_served(story: dict[str, Any]) -> None:
    photos = story["first"].tables["listing_photos"]
    offered = {listing.item_id: listing.photos for listing in story["market"].on(1)}
    sound = sound_photos(story["market"])
    assert Counter((row["item_id"], row["position"]) for row in photos) == Counter(
        (item_id, position)
        for item_id, names in offered.items()
        for position, name in enumerate(names)
        if name in sound
    )
    assert {name for names in offered.values() for name in names} - sound, "no broken photo was served"
    for row in photos:
        name = offered[row["item_id"]][row["position"]]
        served = (story["market"].folder / "photos" / name).read_bytes()
        assert story["crawls"].lake.photos.read(row["sha256"]) == served
        assert Path(name).stem in row["url"]
    assert story["first"].receipt.counts["photos_fetched"] == len(photos)


def test_every_sale_is_found_with_its_date(story: dict[str, Any]) -> None:
    sold = {row["item_id"]: row for row in story["first"].tables["sightings"] if row["kind"] == "sold"}
    assert set(sold) == {row["ID"] for row in story["market"].sales}
    for row in story["market"].sales:
        found = sold[row["ID"]]
        assert (found["price"], found["observed_on"].year, found["precision"]) == (
            row["pricesold"],
            int(row["yearsold"]),
            "year",
        )
    assert story["first"].receipt.counts["sales_new"] == len(sold)


def test_each_page_item_and_photo_is_asked_for_once(story: dict[str, Any]) -> None:
    asked, counts = story["first"].asked, story["first"].receipt.counts
    assert asked["token"] == 1
    assert asked["search"] == -(-counts["announced"] // 10)
    assert asked["sales"] == -(-counts["sales_announced"] // 10)
    assert asked["item"] == counts["announced"]
    assert asked["photo"] == counts["photos_fetched"] + counts["failures"]


def test_a_second_crawl_of_a_night_asks_for_nothing_new_and_adds_nothing(story: dict[str, Any]) -> None:
    broken = story["first"].receipt.counts["failures"]
    assert (story["again"].asked.get("item", 0), story["again"].asked["photo"]) == (0, broken)
    assert story["again"].receipt.digest == story["first"].receipt.digest
    assert story["state again"] == story["state"]


def test_a_lost_ledger_costs_requests_and_changes_nothing(story: dict[str, Any]) -> None:
    assert story["without ledger"].asked["item"] == story["first"].asked["item"]
    assert story["without ledger"].receipt.digest == story["first"].receipt.digest
    assert story["state without ledger"] == story["state"]


def test_the_next_night_fetches_what_is_new_or_changed_and_no_photo_it_holds(story: dict[str, Any]) -> None:
    second, market = story["second"], story["market"]
    before = {listing.item_id for listing in market.on(1)}
    new = [listing for listing in market.on(2) if listing.item_id not in before]
    changed = [
        listing for listing in market.on(2) if listing.item_id in before and listing.price_on(1) != listing.price_on(2)
    ]
    gone = before - {listing.item_id for listing in market.on(2)}
    assert new
    assert changed
    assert gone
    assert second.asked["item"] == len(new) + len(changed)
    sound = sound_photos(market)
    tried_again = sum(name not in sound for listing in market.on(2) if listing not in new for name in listing.photos)
    assert second.asked["photo"] == sum(len(listing.photos) for listing in new) + tried_again
    assert second.receipt.counts["photos_held"] == sum(name in sound for row in changed for name in row.photos)
    written = [row for row in second.tables["sightings"] if row["night"].day == 2]
    assert {row["item_id"] for row in written} == {listing.item_id for listing in [*new, *changed]}
    seen = {row["item_id"] for row in second.tables["seen"] if row["night"].day == 2}
    assert seen == {listing.item_id for listing in market.on(2)}
    assert not seen & gone
    counts = second.receipt.counts
    assert (counts["listings_new"], counts["listings_changed"], counts["sales_new"]) == (len(new), len(changed), 0)


def test_a_later_night_asks_only_for_recent_sales(story: dict[str, Any]) -> None:
    assert story["second"].asked["sales"] < story["first"].asked["sales"]
    assert story["second"].receipt.counts["sales_announced"] < story["first"].receipt.counts["sales_announced"]


def test_a_crawl_that_was_killed_goes_on_where_it_stopped(story: dict[str, Any], market: Path, crawls: Crawls) -> None:
    with sandbox_process(market, 1) as url:
        child = crawls.start(url, crawl__page_size=10, crawl__concurrency=1)
        deadline = time.monotonic() + 60
        while crawls.photos_fetched(1) < 5:
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.005)
        child.kill()
        child.communicate()
        before = status_of(url)
        receipt = crawls.crawl(url, crawl__page_size=10)
        asked = status_of(url)
    assert receipt.digest == story["first"].receipt.digest
    assert state(crawls) == story["state"]
    whole = story["first"].asked
    assert before["photo"] < whole["photo"]
    assert asked["photo"] - before["photo"] <= whole["photo"] - 5
    assert asked["item"] - before["item"] < whole["item"]


def listing(number: int, **facts: str) -> dict[str, str]:
    return {"item_id": str(100_000 + number), **facts}


def test_a_result_set_beyond_the_window_is_read_make_by_make(tmp_path: Path, crawls: Crawls) -> None:
    """The API refuses a page that ends beyond the window, and pages of 150 do not fill one of 200."""
    makes = ["Ford"] * 110 + ["Rolls|Royce {x}"] * 50 + ["Citroën & Söhne"] * 25
    listings = [listing(n, make=make) for n, make in enumerate(makes)]
    sales = [{"ID": str(n), "yearsold": "2020", "Make": make} for n, make in enumerate(makes[::-1])]

    def beyond(path: str, _: int) -> tuple[int, bytes] | None:
        query = parse_qs(urlsplit(path).query)
        return (400, b"{}") if "offset" in query and int(query["offset"][0]) + int(query["limit"][0]) > 200 else None

    with sandbox_process(make_market(tmp_path / "market", listings, sales)) as url, disturbed(url, beyond) as narrow:
        receipt = crawls.crawl(narrow, crawl__window=200, crawl__page_size=150, crawl__min_fill=0)
        asked = status_of(url)
    assert receipt.counts["seen"] == receipt.counts["listings_new"] == receipt.counts["sales_new"] == 185
    assert reach(receipt) == (True, 1.0, True)
    assert asked["search"] == asked["sales"] == 1 + 2  # the two smaller makes share a search
    found = Counter(row["make"] for row in rows(crawls)["sightings"] if row["kind"] == "asking")
    assert found == Counter(makes)


def test_listings_without_a_make_are_found_where_the_source_names_them(tmp_path: Path, crawls: Crawls) -> None:
    listings = [listing(n, make="" if n < 10 else "Ford" if n < 120 else "Audi") for n in range(205)]
    with sandbox_process(make_market(tmp_path / "market", listings)) as url:
        receipt = crawls.crawl(url, crawl__window=200, crawl__page_size=50, crawl__min_fill=0)
        assert status_of(url)["search"] == 1 + 3 + 2
    assert (receipt.counts["announced"], receipt.counts["seen"]) == (205, 205)
    assert reach(receipt) == (True, 1.0, False)


def test_what_no_slice_shows_is_missed_and_told(tmp_path: Path, crawls: Crawls) -> None:
    """A source that names no value for what lacks an aspect."""
    listings = [listing(n, make="" if n >= 195 else "Ford" if n < 110 else "Audi") for n in range(205)]

    def unnamed(answer: bytes) -> bytes:
        return answer.replace(b"Not Specified", b"No such make")

    with (
        sandbox_process(make_market(tmp_path / "market", listings)) as url,
        disturbed(url, lambda *_: None, edit=unnamed) as unnaming,
    ):
        receipt = crawls.crawl(unnaming, crawl__window=200, crawl__page_size=50, crawl__min_fill=0)
    assert (receipt.counts["announced"], receipt.counts["seen"]) == (205, 195)
    assert receipt.facts["complete"] is False
    assert receipt.facts["coverage"] == round(195 / 205, 6)


def test_sales_that_are_not_offered_are_told_and_are_no_failure(tmp_path: Path, crawls: Crawls) -> None:
    with sandbox_process(make_market(tmp_path / "market", [listing(1)])) as url:
        receipt = crawls.crawl(url)
    assert reach(receipt) == (True, 1.0, False)
    assert (receipt.counts["failures"], receipt.counts["sales_announced"]) == (0, 0)


def test_an_empty_source_is_no_failure_and_not_complete(tmp_path: Path, crawls: Crawls) -> None:
    with sandbox_process(make_market(tmp_path / "market", [], [])) as url:
        receipt = crawls.crawl(url)
    assert (receipt.counts["announced"], receipt.counts["seen"], receipt.counts["failures"]) == (0, 0, 0)
    assert reach(receipt) == (False, 0.0, True)


def test_a_sale_without_a_date_is_refused_by_name_and_the_others_are_kept(tmp_path: Path, crawls: Crawls) -> None:
    sales = [
        {"ID": str(n), "yearsold": year} for n, year in enumerate(["2020", "", "2019-07", "soon", "2020-01-02-03"])
    ]
    with sandbox_process(make_market(tmp_path / "market", [listing(1)], sales)) as url:
        receipt = crawls.crawl(url)
    assert receipt.counts["sales_new"] == 2
    assert receipt.counts["quarantine/crawl.sale_date_unreadable"] == 3
    assert receipt.facts["complete"] is True
    refused = {(row["table"], row["key"], row["rule"]) for row in rows(crawls)["quarantine"]}
    assert refused == {("crawl.item", key, "crawl.sale_date_unreadable") for key in "134"}


def test_a_photo_that_could_not_be_had_is_asked_for_again_and_the_others_are_not(
    tmp_path: Path, crawls: Crawls
) -> None:
    folder = make_market(tmp_path / "market", [listing(1, photos="aa.jpg bb.jpg"), listing(2, photos="cc.jpg")])
    for name in ("aa", "cc"):
        (folder / "photos" / f"{name}.jpg").write_bytes(photo(ord(name[0])))
    first = visit(crawls, folder, 1)
    assert first.receipt.counts["quarantine/crawl.http_404"] == 1
    assert first.receipt.facts["complete"] is True
    (refused,) = first.tables["quarantine"]
    assert (refused["table"], refused["value"]) == ("crawl.photo", "100001")
    assert "bb" in refused["key"]
    (folder / "photos" / "bb.jpg").write_bytes(photo(2))
    second = visit(crawls, folder, 2)
    assert (second.asked.get("item", 0), second.asked["photo"]) == (0, 1)
    assert (second.receipt.counts["photos_fetched"], second.receipt.counts["photos_held"]) == (1, 0)
    assert second.receipt.counts["listings_changed"] == 0
    third = visit(crawls, folder, 3)
    assert (third.asked.get("item", 0), third.asked.get("photo", 0)) == (0, 0)
    assert len(third.tables["listing_photos"]) == 3


def test_only_so_many_photos_of_a_listing_are_taken(tmp_path: Path, crawls: Crawls) -> None:
    names = [f"p{n:02d}" for n in range(5)]
    folder = make_market(tmp_path / "market", [listing(1, photos=" ".join(f"{name}.jpg" for name in names))])
    for name in names:
        (folder / "photos" / f"{name}.jpg").write_bytes(photo(int(name[1:])))
    first = visit(crawls, folder, 1, crawl__max_photos_per_listing=3)
    assert [row["position"] for row in first.tables["listing_photos"]] == [0, 1, 2]
    assert "item" not in visit(crawls, folder, 2, crawl__max_photos_per_listing=3).asked


def test_a_photo_that_is_too_large_is_refused_while_it_downloads(tmp_path: Path, crawls: Crawls) -> None:
    folder = make_market(tmp_path / "market", [listing(1, photos="aa.jpg bb.jpg"), *(listing(n) for n in range(2, 9))])
    (folder / "photos" / "aa.jpg").write_bytes(photo(1).ljust(1001, b"\0"))
    (folder / "photos" / "bb.jpg").write_bytes(photo(2).ljust(1000, b"\0"))
    first = visit(crawls, folder, 1, crawl__max_photo_bytes=1000)
    assert [row["position"] for row in first.tables["listing_photos"]] == [1]
    assert (first.receipt.counts["seen"], first.receipt.counts["failures"]) == (8, 1)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[str]:
    """A sandbox with two listings."""
    with sandbox_process(make_market(tmp_path / "market", [listing(1), listing(2)], [])) as url:
        yield url


def test_a_server_that_stumbles_is_asked_again(two: str, crawls: Crawls) -> None:
    with disturbed(two, lambda _, count: (503, b"") if count < 2 else None) as url:
        receipt = crawls.crawl(url, crawl__retries=3)
    assert receipt.facts["complete"] is True
    assert (receipt.counts["seen"], receipt.counts["failures"]) == (2, 0)
    assert receipt.run["retry/count"] > 0


def test_an_item_that_cannot_be_read_costs_only_itself_and_is_tried_again(tmp_path: Path, crawls: Crawls) -> None:
    answers = [(500, b""), (404, b"{}"), (200, b"<html>busy</html>"), (200, b"{}"), (200, b"[]"), (200, b'["a"]')]
    bad = {f"10000{n}": answer for n, answer in enumerate(answers)}

    def disturb(path: str, _: int) -> tuple[int, bytes] | None:
        return next((answer for item_id, answer in bad.items() if "/item/" in path and item_id in path), None)

    with sandbox_process(make_market(tmp_path / "market", [listing(n) for n in range(9)])) as url:
        with disturbed(url, disturb) as disturbing:
            first = crawls.crawl(disturbing, crawl__retries=0)
        second = crawls.crawl(url, night=2)
    assert (first.counts["seen"], first.counts["listings_new"], first.counts["failures"]) == (9, 3, 6)
    refused = {row["key"]: row["rule"] for row in rows(crawls)["quarantine"]}
    assert refused == {
        "100000": "crawl.http_500",
        "100001": "crawl.http_404",
        **dict.fromkeys(("100002", "100003", "100004", "100005"), "crawl.answer_unreadable"),
    }
    assert (second.counts["listings_new"], second.counts["failures"]) == (6, 0)


def test_a_search_page_that_cannot_be_read_makes_the_crawl_incomplete_until_it_can(
    tmp_path: Path, crawls: Crawls
) -> None:
    bad = {"offset=2": (500, b""), "offset=4": (200, b"busy"), "offset=6": (200, b'{"total": "many"}')}

    def disturb(path: str, _: int) -> tuple[int, bytes] | None:
        return next((answer for part, answer in bad.items() if "item_summary" in path and part in path), None)

    with sandbox_process(make_market(tmp_path / "market", [listing(n) for n in range(9)], [])) as url:
        with disturbed(url, disturb) as disturbing:
            first = crawls.crawl(disturbing, crawl__retries=0, crawl__page_size=2)
        second = crawls.crawl(url, crawl__page_size=2)
    assert reach(first) == (False, round(3 / 9, 6), True)
    assert first.counts["failures"] == 3
    assert reach(second) == (True, 1.0, True)
    assert (second.counts["failures"], second.counts["seen"]) == (0, 9)


def test_a_night_that_could_not_begin_is_whole_once_it_can(two: str, crawls: Crawls) -> None:
    with pytest.raises(CrawlRefusedError, match="invalid_client") as down:
        crawls.crawl(two, ebay__client_secret="wrong")
    assert down.value.name == "DependencyDownError"
    receipt = crawls.crawl(two)
    assert (receipt.facts["complete"], receipt.counts["failures"], receipt.counts["seen"]) == (True, 0, 2)


def test_a_source_that_does_not_answer_is_told_as_down(crawls: Crawls) -> None:
    with pytest.raises(CrawlRefusedError, match="could not be read") as down:
        crawls.crawl(f"http://127.0.0.1:{free_ports(1)[0]}", crawl__retries=0)
    assert down.value.name == "DependencyDownError"
    assert all(not found for found in rows(crawls).values())


def test_a_real_host_is_not_touched_without_permission(crawls: Crawls) -> None:
    with pytest.raises(CrawlRefusedError, match=r"ebay\.permission") as refusal:
        crawls.crawl("http://api.sandbox.invalid")
    assert refusal.value.name == "UsageError"
    assert not crawls.work.exists()
