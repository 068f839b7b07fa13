"""When an offer was first put up: the sandbox says it of its relists, and the crawl keeps it although items lack it."""

from pathlib import Path

import httpx

from autodetect.lake.schemas import SIGHTINGS
from crawlers.sandbox.items import origins
from crawlers.sandbox.marketplace import Marketplace
from crawlers.sandbox.process import sandbox_process
from tests.crawlers.crawling import Crawls, make_market

ROWS = [
    {"item_id": "100000000001", "last_night": "1"},
    {"item_id": "100000000002", "first_night": "2", "relist_of": "100000000001"},
    {"item_id": "100000000003", "first_night": "3", "relist_of": "100000000002"},
    {"item_id": "100000000004"},
    {"item_id": "100000000005", "relist_of": "100000000005"},
    {"item_id": "100000000006", "relist_of": "999"},
]


def test_a_relist_keeps_the_origin_of_the_first_of_its_chain(tmp_path: Path) -> None:
    market = Marketplace.load(make_market(tmp_path / "market", ROWS))
    found = origins(market.listings)
    assert found["100000000001"] == found["100000000002"] == found["100000000003"]
    assert len(set(found.values())) == 4
    assert all(instant.startswith("2026-01-01T") and instant.endswith("Z") for instant in found.values())
    circle = [{"item_id": "1", "relist_of": "2"}, {"item_id": "2", "relist_of": "1"}]
    assert len(origins(Marketplace.load(make_market(tmp_path / "circle", circle)).listings)) == 2


def test_a_sighting_by_the_api_has_the_origin_that_only_the_search_says(crawls: Crawls, tmp_path: Path) -> None:
    folder = make_market(tmp_path / "market", ROWS)
    expected = origins(Marketplace.load(folder).listings)
    for night in (1, 2):
        with sandbox_process(folder, night) as url:
            crawls.crawl(url, night)
    rows = crawls.lake.tables.read(SIGHTINGS).to_pylist()
    found = {row["item_id"]: row["origin_at"] for row in rows if row["kind"] == "asking"}
    assert found == {item_id: expected[item_id] for item_id in found}
    assert found["100000000001"] == found["100000000002"] != ""


def test_the_sandbox_says_it_in_summaries_alone(tmp_path: Path) -> None:
    with sandbox_process(make_market(tmp_path / "market", ROWS), 1) as url, httpx.Client(base_url=url) as client:
        token = client.post(
            "/identity/v1/oauth2/token", auth=("sandbox", "sandbox"), data={"grant_type": "client_credentials"}
        ).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        page = client.get("/buy/browse/v1/item_summary/search", params={"category_ids": "6001"}).json()
        item = client.get("/buy/browse/v1/item/v1%7C100000000004%7C0").json()
    assert all("itemOriginDate" in summary for summary in page["itemSummaries"])
    assert "itemOriginDate" not in item
