"""The sandbox over real HTTP: tokens, search, items, sales, photos, and how each refuses."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest

from crawlers.sandbox.process import sandbox_process

SEARCH = "/buy/browse/v1/item_summary/search"
SALES = "/buy/marketplace_insights/v1_beta/item_sales/search"
TOKEN = "/identity/v1/oauth2/token"
ANY = "buyingOptions:{FIXED_PRICE|AUCTION|CLASSIFIED_AD}"
Connect = Callable[[str], AbstractContextManager[httpx.Client]]


def search(api: httpx.Client, path: str = SEARCH, **params: str | int) -> dict:
    answer = api.get(path, params={"category_ids": "6001", **params})
    assert answer.status_code == 200, answer.text
    return answer.json()


def found(page: dict) -> list[int]:
    return [int(item["legacyItemId"][-2:]) for item in page.get("itemSummaries", [])]


def address(api: httpx.Client) -> str:
    return str(api.base_url).rstrip("/")


def error_id(answer: httpx.Response) -> int:
    return answer.json()["errors"][0]["errorId"]


def test_a_search_finds_the_nights_listings_in_stable_order(api: httpx.Client) -> None:
    page = search(api, filter=ANY)
    assert found(page) == [1, 2, 3, 4, 5, 7]
    assert (page["total"], page["limit"], page["offset"]) == (6, 50, 0)
    assert "next" not in page
    assert "prev" not in page


def test_the_next_night_shows_new_changed_and_no_ended_listings(tiny: Path, connect: Connect) -> None:
    with sandbox_process(tiny, 2) as url, connect(url) as api:
        page = search(api, filter=ANY)
        assert found(page) == [1, 2, 4, 5, 6, 7]
        assert page["itemSummaries"][1]["price"] == {"value": "16500", "currency": "USD"}
        assert api.get("/buy/browse/v1/item/v1%7C100000000003%7C0").status_code == 404


def test_pages_follow_next_until_everything_was_seen(api: httpx.Client) -> None:
    seen, offsets = [], []
    page = search(api, filter=ANY, limit=4)
    while True:
        seen += found(page)
        offsets.append((page["offset"], "prev" in page))
        if "next" not in page:
            break
        page = api.get(page["next"]).json()
    assert seen == [1, 2, 3, 4, 5, 7]
    assert offsets == [(0, False), (4, True)]


def test_a_page_beyond_the_end_is_empty(api: httpx.Client) -> None:
    page = search(api, filter=ANY, limit=10, offset=50)
    assert page["total"] == 6
    assert "itemSummaries" not in page
    assert "next" not in page


def test_auctions_are_left_out_unless_asked_for(api: httpx.Client) -> None:
    assert found(search(api)) == [1, 2, 3, 4, 5]
    assert found(search(api, filter="buyingOptions:{AUCTION}")) == [7]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"filter": "price:[10000..16000],priceCurrency:USD"}, [1]),
        ({"filter": "price:[15000..],priceCurrency:USD"}, [1, 2]),
        ({"filter": "price:[..9000],priceCurrency:USD"}, [3, 4]),
        ({"filter": "price:[9000],priceCurrency:USD"}, [3, 4]),
        ({"filter": "price:[..30000],priceCurrency:EUR"}, [5]),
        ({"filter": f"itemStartDate:[2026-01-01T00:00:00Z..],{ANY}"}, [1, 2, 3, 4, 5, 7]),
        ({"aspect_filter": "categoryId:6001,Make:{Ford}"}, [1, 2]),
        ({"aspect_filter": "categoryId:6001,Make:{Ford},Year:{2013}"}, [2]),
        ({"aspect_filter": "categoryId:6001,Make:{Audi|AUDI}"}, [3, 4]),
        ({"aspect_filter": r"categoryId:6001,Make:{Rolls\|Royce \{x\}}"}, [5]),
        ({"q": "ford 2013"}, [2]),
        ({"q": "(coupé, 2013)"}, [2, 4]),
        ({"sort": "price", "limit": "3"}, [4, 3, 1]),
        ({"sort": "-price", "limit": "2"}, [5, 2]),
        ({"category_ids": "6024"}, []),
    ],
)
def test_filters_choose(api: httpx.Client, params: dict[str, str], expected: list[int]) -> None:
    assert found(search(api, **params)) == expected


def test_newly_listed_comes_first_when_asked_for(tiny: Path, connect: Connect) -> None:
    with sandbox_process(tiny, 2) as url, connect(url) as api:
        assert found(search(api, sort="newlyListed"))[0] == 6


@pytest.mark.parametrize(
    ("params", "warning"),
    [
        ({"filter": "price:[1..2]"}, 12012),
        ({"aspect_filter": "Make:{Ford}"}, 12017),
        ({"aspect_filter": "categoryId:6001,Make=Ford"}, 12018),
        ({"filter": "colour:{red}"}, 12002),
        ({"sort": "beauty"}, 12008),
        ({"fieldgroups": "EVERYTHING"}, 12016),
    ],
)
def test_what_ebay_ignores_is_ignored_with_its_warning(api: httpx.Client, params: dict[str, str], warning: int) -> None:
    page = search(api, **params)
    assert [entry["errorId"] for entry in page["warnings"]] == [warning]
    assert found(page) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"category_ids": ""}, 12001),
        ({"limit": "500"}, 12006),
        ({"limit": "0"}, 12006),
        ({"limit": "many"}, 12007),
        ({"offset": "-50"}, 12004),
        ({"offset": "x"}, 12005),
        ({"limit": "50", "offset": "20"}, 12005),
        ({"limit": "200", "offset": "10000"}, 12029),
    ],
)
def test_what_ebay_refuses_is_refused_with_its_error(api: httpx.Client, params: dict[str, str], expected: int) -> None:
    answer = api.get(SEARCH, params={"category_ids": "6001"} | params)
    assert (answer.status_code, error_id(answer)) == (400, expected)


def test_refinements_count_each_make_and_lead_to_it(api: httpx.Client) -> None:
    page = search(api, filter=ANY, fieldgroups="ASPECT_REFINEMENTS")
    assert "itemSummaries" not in page
    assert page["refinement"]["dominantCategoryId"] == "6001"
    makes = page["refinement"]["aspectDistributions"][0]
    assert makes["localizedAspectName"] == "Make"
    counts = {value["localizedAspectValue"]: value["matchCount"] for value in makes["aspectValueDistributions"]}
    assert counts == {"AUDI": 1, "Audi": 1, "Ford": 3, "Rolls|Royce {x}": 1}
    for value in makes["aspectValueDistributions"]:
        assert api.get(value["refinementHref"]).json()["total"] == value["matchCount"]


def test_what_sellers_left_empty_is_counted_and_found_as_not_specified(tiny: Path, connect: Connect) -> None:
    with sandbox_process(tiny, 2) as url, connect(url) as api:
        distributions = search(api, fieldgroups="ASPECT_REFINEMENTS")["refinement"]["aspectDistributions"]
        makes = {value["localizedAspectValue"]: value for value in distributions[0]["aspectValueDistributions"]}
        years = [value["localizedAspectValue"] for value in distributions[2]["aspectValueDistributions"]]
        assert makes["Not Specified"]["matchCount"] == 1
        assert "Not Specified" not in years
        assert found(api.get(makes["Not Specified"]["refinementHref"]).json()) == [6]
        assert found(search(api, aspect_filter="categoryId:6001,Make:{Not Specified|Audi}")) == [4, 6]
        assert found(search(api, aspect_filter="categoryId:6001,Year:{Not Specified}")) == []


def test_only_the_marketplace_that_serves_the_category_finds_anything(tiny: Path, connect: Connect) -> None:
    header = "X-EBAY-C-MARKETPLACE-ID"
    with sandbox_process(tiny, 1, options=("--serves", "EBAY_MOTORS_US")) as url, connect(url) as api:
        empty = search(api, fieldgroups="FULL")
        assert empty["total"] == 0
        assert "itemSummaries" not in empty
        api.headers[header] = "EBAY_US"
        assert search(api)["total"] == search(api, SALES)["total"] == 0
        api.headers[header] = "EBAY_MOTORS_US"
        assert (search(api)["total"], search(api, SALES)["total"]) == (5, 4)
    with sandbox_process(tiny, 1, options=("--serves", "EBAY_US")) as url, connect(url) as api:
        assert search(api)["total"] == 5


def test_an_item_is_found_by_any_of_its_buying_options_until_the_first_bid(
    tmp_path: Path, make_marketplace: Callable[..., Path], connect: Connect
) -> None:
    both = {"buying_option": "AUCTION FIXED_PRICE"}
    listings = [
        {"item_id": "100000000001", "buying_option": "FIXED_PRICE BEST_OFFER"},
        {"item_id": "100000000002", "bids": "0", **both},
        {"item_id": "100000000003", "bids": "3", **both},
        {"item_id": "100000000004", "buying_option": "AUCTION", "bids": ""},
    ]
    with sandbox_process(make_marketplace(tmp_path / "m", listings), 1) as url, connect(url) as api:
        asked = {
            options: found(search(api, filter=f"buyingOptions:{{{options}}}"))
            for options in ("BEST_OFFER", "AUCTION", "FIXED_PRICE", "CLASSIFIED_AD", "CLASSIFIED_AD|BEST_OFFER|AUCTION")
        }
        assert found(search(api)) == [1, 2]
    assert asked == {
        "BEST_OFFER": [1],
        "AUCTION": [2, 3, 4],
        "FIXED_PRICE": [1, 2],
        "CLASSIFIED_AD": [],
        "CLASSIFIED_AD|BEST_OFFER|AUCTION": [1, 2, 3, 4],
    }


@pytest.mark.parametrize("groups", ["ASPECT_REFINEMENTS,MATCHING_ITEMS", "FULL"])
def test_refinements_come_with_items_when_asked_for(api: httpx.Client, groups: str) -> None:
    page = search(api, fieldgroups=groups)
    assert found(page) == [1, 2, 3, 4, 5]
    assert page["refinement"]["aspectDistributions"]


def test_an_item_carries_what_the_seller_wrote_and_nothing_that_was_left_empty(api: httpx.Client) -> None:
    item = api.get(f"/buy/browse/v1/item/{quote('v1|100000000007|0', safe='')}").json()
    aspects = {aspect["name"]: aspect["value"] for aspect in item["localizedAspects"]}
    assert aspects == {
        "Year": "2012", "Make": "Ford", "Model": "Mustang", "Trim": "GT", "Mileage": "61000", "Body Type": "Coupe",
        "Engine": "5.0L V8", "Number of Cylinders": "8", "Drive Type": "RWD",
        "VIN (Vehicle Identification Number)": "1M8GDM9AXKP042788",
    }  # fmt: skip
    assert {aspect["type"] for aspect in item["localizedAspects"]} == {"STRING"}
    assert item["buyingOptions"] == ["AUCTION"]
    masked = api.get("/buy/browse/v1/item/v1|100000000004|0").json()
    assert masked["itemLocation"] == {"postalCode": "336**", "country": "US"}
    assert masked["price"] == {"value": "0", "currency": "USD"}
    assert masked["title"] == "A TT | coupé"
    assert "Trim" not in {
        aspect["name"] for aspect in api.get("/buy/browse/v1/item/v1|100000000003|0").json()["localizedAspects"]
    }


def test_a_summary_leads_to_its_item_and_photos(api: httpx.Client) -> None:
    summary = search(api)["itemSummaries"][1]
    assert api.get(summary["itemHref"]).json()["itemId"] == summary["itemId"] == "v1|100000000002|0"
    assert summary["title"] == "2013 Ford Mustang GT"
    images = [summary["image"], *summary["additionalImages"]]
    assert [api.get(urlsplit(image["imageUrl"]).path).status_code for image in images] == [200, 200]
    assert "image" not in search(api)["itemSummaries"][4]


@pytest.mark.parametrize("item_id", ["v1|100000000099|0", "v1|100000000006|0", "100000000001", "v1||0"])
def test_an_unknown_or_future_item_is_not_found(api: httpx.Client, item_id: str) -> None:
    answer = api.get(f"/buy/browse/v1/item/{quote(item_id, safe='')}")
    assert (answer.status_code, error_id(answer)) == (404, 11001)


def test_sales_carry_their_dates_as_written(api: httpx.Client) -> None:
    page = search(api, SALES)
    assert [(sale["itemId"], sale.get("lastSoldDate")) for sale in page["itemSales"]] == [
        ("v1|11|0", "2017"), ("v1|12|0", "2019"), ("v1|13|0", "2020-03-05"), ("v1|14|0", None),
    ]  # fmt: skip
    first = page["itemSales"][0]
    assert first["lastSoldPrice"] == {"value": "8000", "currency": "USD"}
    assert first["itemLocation"] == {"postalCode": "100**", "country": "US"}
    assert {"type": "STRING", "name": "Model", "value": "Mustang"} in first["localizedAspects"]


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ("[2018-01-01T00:00:00Z..]", ["12", "13", "14"]),
        ("[2019-06-01T00:00:00.000Z..2019-07-01T00:00:00.000Z]", ["12", "14"]),
        ("[..2017-12-31T23:59:59Z]", ["11", "14"]),
        ("[2020-03-05T12:00:00Z..2020-03-06T00:00:00Z]", ["13", "14"]),
        ("[2020-03-06T00:00:00Z..]", ["14"]),
    ],
)
def test_a_bare_year_may_be_any_day_of_it_and_undated_sales_always_come(
    api: httpx.Client, span: str, expected: list[str]
) -> None:
    page = search(api, SALES, filter=f"lastSoldDate:{span}")
    assert [sale["itemId"].split("|")[1] for sale in page["itemSales"]] == expected


def test_sales_page_and_refine_like_listings(api: httpx.Client) -> None:
    page = search(api, SALES, limit=2, fieldgroups="FULL", aspect_filter="categoryId:6001,Make:{Audi|Ford}")
    makes = page["refinement"]["aspectDistributions"][0]["aspectValueDistributions"]
    assert {value["localizedAspectValue"]: value["matchCount"] for value in makes} == {"Audi": 2, "Ford": 2}
    assert len(api.get(page["next"]).json()["itemSales"]) == 2


def test_without_sales_the_access_is_denied(
    tmp_path: Path, make_marketplace: Callable[..., Path], connect: Connect
) -> None:
    folder = make_marketplace(tmp_path / "m", [{"item_id": "1"}])
    with sandbox_process(folder, 1) as url, connect(url) as api:
        answer = api.get(SALES, params={"category_ids": "6001"})
        assert (answer.status_code, error_id(answer)) == (403, 1100)


def test_photos_are_served_byte_for_byte_as_jpeg(api: httpx.Client, tiny: Path) -> None:
    for size in (1600, 500):
        answer = api.get(f"/images/g/aa/s-l{size}.jpg")
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.content == (tiny / "photos" / "aa.jpg").read_bytes()
    empty = api.get("/images/g/empty/s-l1600.jpg")
    assert (empty.status_code, empty.content, empty.headers["content-type"]) == (200, b"", "image/jpeg")


@pytest.mark.parametrize(
    "photo",
    [
        "nothing",
        "..%2f..%2fsecret",
        "%2e%2e%2fsecret",
        "..",
        "../secret",
        "..%5csecret",
        "secret",
        "aa.jpg",
        "passwd",
        "%00",
    ],
)
def test_no_path_leads_out_of_the_photos(api: httpx.Client, photo: str) -> None:
    for path in (f"/images/g/{photo}/s-l1600.jpg", f"/images/g/{photo}.csv"):
        answer = api.get(path)
        assert answer.status_code == 404
        assert b"not for visitors" not in answer.content


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer nonsense", "Basic c2FuZGJveDpzYW5kYm94"])
@pytest.mark.parametrize("path", [SEARCH, SALES, "/buy/browse/v1/item/v1|100000000001|0"])
def test_no_call_works_without_a_token(api: httpx.Client, path: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = httpx.get(address(api) + path, params={"category_ids": "6001"}, headers=headers)
    assert (answer.status_code, error_id(answer)) == (401, 1001)
    assert answer.json()["errors"][0]["message"] == "Invalid access token"


def test_a_token_is_an_application_token_for_two_hours(api: httpx.Client) -> None:
    answer = httpx.post(
        f"{address(api)}{TOKEN}", auth=("sandbox", "sandbox"), data={"grant_type": "client_credentials"}
    )
    body = answer.json()
    assert (body["expires_in"], body["token_type"]) == (7200, "Application Access Token")
    assert set(body) == {"access_token", "expires_in", "token_type"}


@pytest.mark.parametrize("pair", [("sandbox", "wrong"), ("wrong", "sandbox"), ("", "")])
def test_a_wrong_client_gets_no_token(api: httpx.Client, pair: tuple[str, str]) -> None:
    answer = httpx.post(f"{address(api)}{TOKEN}", auth=pair, data={"grant_type": "client_credentials"})
    assert answer.status_code == 401
    assert answer.json() == {"error": "invalid_client", "error_description": "client authentication failed"}


def test_another_grant_is_not_supported(api: httpx.Client) -> None:
    answer = httpx.post(f"{address(api)}{TOKEN}", auth=("sandbox", "sandbox"), data={"grant_type": "password"})
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


def test_a_token_expires(tiny: Path, connect: Connect) -> None:
    with sandbox_process(tiny, 1, options=("--token-lifetime", "0")) as url, connect(url) as api:
        assert api.get(SEARCH, params={"category_ids": "6001"}).status_code == 401


def test_robots_may_visit_everything(api: httpx.Client) -> None:
    assert api.get("/robots.txt").text == "User-agent: *\nAllow: /\n"


def test_the_status_counts_requests_by_kind(tiny: Path, connect: Connect) -> None:
    with sandbox_process(tiny, 1) as url, connect(url) as api:
        search(api)
        for _ in range(3):
            api.get("/images/g/aa/s-l1600.jpg")
        api.get("/images/g/nothing/s-l1600.jpg")
        status = api.get("/sandbox/status").json()
    requests = {"token": 1, "search": 1, "photo": 4, "status": 1}
    assert status == {"night_index": 1, "listings": 6, "requests": requests, "faults": {}}
