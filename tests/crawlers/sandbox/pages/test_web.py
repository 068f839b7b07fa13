"""The sandbox's pages over real HTTP: what they show is what the marketplace holds, read back by the page objects."""

import asyncio
import csv
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parsel import Selector
from web_poet import HttpResponse

from crawlers.advert import Advert, SearchAnswer
from crawlers.pages.item_page import ItemPage
from crawlers.pages.search_page import SearchPage
from crawlers.sandbox.items import Item, from_listing
from crawlers.sandbox.marketplace import LISTING_COLUMNS, Marketplace
from crawlers.sandbox.pages.cards import Card
from crawlers.sandbox.pages.dollars import RATES
from crawlers.sandbox.pages.item_sheet import item_sheet
from crawlers.sandbox.pages.sponsored import DECOY, LETTER, VARIANTS, sponsored
from crawlers.sandbox.pages.templating import template
from crawlers.sandbox.process import sandbox_process

BROWSE = "/b/Cars-Trucks/6001/bn_1865117"
SEARCH = "/sch/i.html"
SOLD = {"_sacat": "6001", "LH_Sold": "1", "LH_Complete": "1"}
GENERATIONS = ("s-card", "s-item")
LISTINGS = [
    {"item_id": "200000000001"},
    {
        "item_id": "200000000002", "buying_option": "FIXED_PRICE BEST_OFFER", "city": "Tampa", "state": "Florida",
        "fuel_type": "Gasoline", "transmission": "Manual", "title_status": "Rebuilt, Rebuildable & Reconstructed",
        "mileage_unit": "mi", "photos": "aa.jpg bb.jpg cc.jpg", "year": "2013", "price": "15200.50", "condition": "New",
        "vin": "1M8GDM9AXKP042788",
    },
    {"item_id": "200000000003", "make": "Audi", "model": "TT", "buying_option": "AUCTION", "bids": "7", "price": "900"},
    {"item_id": "200000000004", "make": "Audi", "model": "A4", "buying_option": "CLASSIFIED_AD", "price": "10000"},
    {"item_id": "200000000005", "make": "Fiat", "model": "500", "currency": "EUR", "price": "3500", "photos": ""},
    {"item_id": "200000000006", "make": "", "year": "", "zipcode": "", "seller": 'Señor "R" & <b>Son</b>', "price": ""},
    {
        "item_id": "200000000007", "make": "Rolls|Royce {x}", "model": "100%", "price": "20000",
        "title": "</script><script>alert(1)</script> \"quoted\" & 'apostrophe' &amp; coupé",
    },
    {"item_id": "200000000008", "price": "21000", "price_2": "19500", "mileage_unit": "km", "zipcode": "336**"},
    {"item_id": "200000000009", "first_night": "2", "price": "17000", "buying_option": "AUCTION", "bids": "1"},
    {"item_id": "200000000010", "last_night": "1", "price": "not a number", "buying_option": "AUCTION FIXED_PRICE"},
]  # fmt: skip
SALES = [
    {"ID": "300000000011", "pricesold": "8000", "yearsold": "2017", "Make": "Ford", "Model": "Mustang"},
    {"ID": "300000000012", "pricesold": "900", "yearsold": "2026-03-07", "Make": "Ford", "Model": "Ka", "Year": "2010"},
    {"ID": "300000000013", "pricesold": "12000", "yearsold": "2020-11-25T10:00:00Z", "Make": "Audi", "Model": "TT"},
    {"ID": "300000000014", "pricesold": "7000", "yearsold": "", "Make": "Audi", "Model": "TT", "Year": "2009"},
    {"ID": "300000000015", "pricesold": "7500", "yearsold": "2020", "Make": "Audi", "Model": "TT"},
]  # fmt: skip


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory, make_marketplace: Callable[..., Path]) -> Path:
    return make_marketplace(tmp_path_factory.mktemp("web") / "market", LISTINGS, SALES)


@pytest.fixture(scope="module", params=GENERATIONS)
def site(request: pytest.FixtureRequest, market: Path) -> Iterator[httpx.Client]:
    """The marketplace on night 2, in either generation of markup."""
    options = ("--markup", request.param)
    with sandbox_process(market, 2, options=options) as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.fixture(scope="module")
def web(market: Path) -> Iterator[httpx.Client]:
    """The marketplace on night 2."""
    with sandbox_process(market, 2) as url, httpx.Client(base_url=url) as client:
        yield client


def search(client: httpx.Client, path: str = BROWSE, **params: str) -> SearchAnswer:
    answer = client.get(path, params=params or None)
    assert answer.status_code == 200, answer.text
    return asyncio.run(SearchPage(HttpResponse(str(answer.url), answer.content)).to_item())


def found(answer: SearchAnswer) -> list[int]:
    return [int(entry.item_id[-2:]) for entry in answer.entries]


def read(client: httpx.Client, item_id: str) -> Advert:
    answer = client.get(f"/itm/{item_id}")
    assert answer.status_code == 200
    return asyncio.run(ItemPage(HttpResponse(str(answer.url), answer.content)).to_item())


def items(market: Path, night: int = 2) -> dict[str, Item]:
    listings = Marketplace.load(market).on(night)
    return {listing.item_id: from_listing(listing, night) for listing in listings}


def plain(text: str) -> str:
    return " ".join(text.split())


def test_a_search_shows_each_listing_as_it_is(site: httpx.Client, market: Path) -> None:
    answer = search(site, _ipg="240")
    expected = items(market)
    assert [entry.item_id for entry in answer.entries] == list(expected)
    assert answer.total == len(expected)
    for entry, item in zip(answer.entries, expected.values(), strict=True):
        assert entry.title == plain(item.title)
        assert entry.url == f"https://www.sandbox.invalid/itm/{item.item_id}"
        assert entry.seller == item.seller
        assert entry.country == "US"
        assert entry.buying_options == tuple(sorted(item.buying_options))
        assert entry.bids == item.bids
        assert entry.condition == {"Used": "Pre-Owned", "New": "Brand New"}[item.condition]
        assert entry.photo_urls == tuple(
            f"https://i.sandbox.invalid/images/g/{photo}/s-l1600.jpg" for photo in item.photos[:1]
        )
        assert entry.sold_on is None


def test_a_search_shows_prices_in_dollars_and_marks_converted_ones(site: httpx.Client) -> None:
    prices = {entry.item_id[-2:]: entry for entry in search(site).entries}
    assert (prices["02"].price, prices["02"].currency, prices["02"].converted_price) == ("15200.50", "USD", "")
    assert Decimal(prices["05"].converted_price) == Decimal(3500) * RATES["EUR"]
    assert (prices["05"].price, prices["05"].converted_currency) == ("", "USD")
    assert (prices["06"].price, prices["06"].converted_price) == ("", "")


def test_a_reduced_price_stands_beside_the_old_one_struck_through(site: httpx.Client) -> None:
    page = site.get(BROWSE).text
    assert "$21,000.00" in page
    assert next(entry.price for entry in search(site).entries if entry.item_id.endswith("08")) == "19500.00"


def test_both_generations_carry_the_quirks_of_the_real_pages(market: Path) -> None:
    pages = {}
    for generation in GENERATIONS:
        with sandbox_process(market, 2, options=("--markup", generation)) as url:
            pages[generation] = httpx.get(url + BROWSE).text
    for generation, page in pages.items():
        assert f'<li class="{generation} ' in page
        assert "class=clipped>Opens in a new window or tab<" in page
        assert "<!--F/-->" in page
        assert f"/itm/200000000001?_skw=Cars%20%26%20Trucks&hash=item{200000000001:x}" in page
        assert "<h1 class=srp-controls__count-heading><span class=BOLD>9</span> results</h1>" in page
        assert "New Listing" in page
        assert "\n" not in page
    assert pages["s-card"].count('alt="Shop on eBay"') == 2
    assert "Sponsored" not in pages["s-card"]
    assert 'class="s-card' not in pages["s-item"]
    assert 'class="s-item' not in pages["s-card"]
    assert pages["s-item"].count("<span>Sponsored</span>") == 10


@pytest.mark.parametrize("variant", range(VARIANTS))
def test_sponsored_is_spelt_by_the_letters_that_the_style_sheet_shows(variant: int) -> None:
    spans = Selector(sponsored(variant)).css("span[class]")
    signs = [(span.attrib["class"], (span.xpath("string()").get() or "").strip("\u2063")) for span in spans]
    lookalikes = str.maketrans("оре", "ope")  # noqa: RUF001 - Cyrillic on purpose
    assert "".join(sign for style, sign in signs if style == LETTER).translate(lookalikes) == "Sponsored"
    assert any(style == DECOY and sign for style, sign in signs)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"Make": "Audi"}, [3, 4]),
        ({"Make": "Audi|Fiat"}, [3, 4, 5]),
        ({"Make": "Audi|Fiat", "Model": "TT"}, [3]),
        ({"Make": "Nothing"}, []),
        ({"Make": "Rolls%7CRoyce%20%7Bx%7D"}, [7]),
        ({"Model": "100%25"}, [7]),
        ({"Make": ""}, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ({"Model%20Year": "2013"}, [2]),
        ({"Model Year": "2013|1999"}, [2]),
        ({"Year": "2013"}, [2]),
        ({"Make": "Not Specified"}, [6]),
        ({"Make": "Not%20Specified|Fiat"}, [5, 6]),
        ({"Model%20Year": "Not%20Specified"}, [6]),
        ({"_nkw": "mustang 2012"}, [1, 8, 9]),
        ({"_udlo": "15000", "_udhi": "15200.50"}, [1, 2]),
        ({"_udhi": "900"}, [3]),
        ({"_udlo": "0"}, [1, 2, 3, 4, 5, 7, 8, 9]),
        ({"_udlo": "3920", "_udhi": "3920"}, [5]),
        ({"_udlo": "cheap"}, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ({"LH_Auction": "1"}, [3, 9]),
        ({"LH_BIN": "1"}, [1, 2, 5, 6, 7, 8]),
        ({"LH_Auction": "1", "LH_BIN": "1"}, [1, 2, 3, 5, 6, 7, 8, 9]),
        ({"_sop": "15"}, [3, 5, 4, 1, 2, 9, 8, 7, 6]),
        ({"_sop": "16"}, [7, 8, 9, 2, 1, 4, 5, 3, 6]),
        ({"_sop": "10"}, [9, 1, 2, 3, 4, 5, 6, 7, 8]),
        ({"colour": "red", "_pgn": "-1", "_ipg": "7"}, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ],
)
def test_parameters_choose_and_order(web: httpx.Client, params: dict[str, str], expected: list[int]) -> None:
    answer = search(web, **params)
    assert found(answer) == expected
    assert answer.total == len(expected)


def test_aspects_may_be_encoded_twice_as_in_ebays_own_links(web: httpx.Client) -> None:
    assert found(search(web, f"{BROWSE}?Model%2520Year=2013%7C2012&Make=Audi%7CFord")) == [1, 2, 3, 4, 8, 9]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{SEARCH}?_sacat=6001", 9),
        (SEARCH, 9),
        (f"{SEARCH}?_sacat=0", 9),
        (f"{SEARCH}?_sacat=6024", 0),
        ("/b/Motorcycles/6024/bn_1", 0),
    ],
)
def test_a_category_has_its_own_listings(web: httpx.Client, path: str, expected: int) -> None:
    assert search(web, path).total == expected


def test_an_empty_result_says_so(site: httpx.Client) -> None:
    page = site.get(BROWSE, params={"_nkw": "hovercraft"}).text
    assert "<span class=BOLD>0</span> results" in page
    assert "No exact matches found" in page
    assert search(site, _nkw="hovercraft") == SearchAnswer(total=0, entries=())


def test_sales_come_newest_first_with_the_day_or_the_year_of_the_sale(site: httpx.Client) -> None:
    answer = search(site, SEARCH, **SOLD)
    assert found(answer) == [12, 13, 15, 11, 14]
    assert [entry.sold_on and entry.sold_on.isoformat() for entry in answer.entries[:2]] == ["2026-03-07", "2020-11-25"]
    page = Selector(site.get(SEARCH, params=SOLD).text)
    captions = page.css(".s-card__caption, .s-item__caption-section").xpath("string()").getall()
    assert captions == ["Sold  Mar 7, 2026", "Sold  Nov 25, 2020", "Sold  2020", "Sold  2017", "Sold"]
    assert Decimal(answer.entries[0].price) == 900
    assert found(search(site, SEARCH, **SOLD, _sop="15")) == [12, 14, 15, 11, 13]


def test_without_sales_nothing_was_sold(tmp_path: Path, make_marketplace: Callable[..., Path]) -> None:
    folder = make_marketplace(tmp_path / "m", [{"item_id": "1"}])
    with sandbox_process(folder, 1) as url, httpx.Client(base_url=url) as client:
        assert search(client, SEARCH, **SOLD).total == 0


def test_a_sale_has_a_page_that_says_when(web: httpx.Client) -> None:
    sold = read(web, "300000000012")
    assert (sold.title, sold.make, sold.model, sold.year) == ("2010 Ford Ka", "Ford", "Ka", "2010")
    assert sold.sold_on is not None
    assert sold.sold_on.isoformat() == "2026-03-07"
    assert Decimal(sold.price) == 900


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """10,050 listings of one make, of which 130 are of 2013."""
    folder = tmp_path_factory.mktemp("large")
    with (folder / "listings.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, LISTING_COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(
            {
                "item_id": str(400000000000 + number), "first_night": "1", "last_night": "0", "make": "Ford",
                "year": "2013" if number < 130 else "2012", "price": "1000",
            }
            for number in range(10_050)
        )  # fmt: skip
    with sandbox_process(folder, 1) as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.mark.parametrize(("size", "pages"), [("60", 3), ("120", 2), ("240", 1)])
def test_pages_show_everything_once_and_then_the_last_page_again(large: httpx.Client, size: str, pages: int) -> None:
    seen: list[str] = []
    answers = [search(large, Year="2013", _ipg=size, _pgn=str(number)) for number in range(1, pages + 3)]
    for answer in answers[:pages]:
        assert answer.total == 130
        seen += [entry.item_id for entry in answer.entries]
    assert seen == [str(400000000000 + number) for number in range(130)]
    assert answers[pages:] == [answers[pages - 1]] * 2


@pytest.mark.parametrize(("size", "pages", "rest"), [("60", 167, 40), ("240", 42, 160)])
def test_a_search_ends_at_its_ten_thousandth_result(large: httpx.Client, size: str, pages: int, rest: int) -> None:
    last, beyond = (search(large, _ipg=size, _pgn=str(number)) for number in (pages, pages + 1))
    assert (last.total, len(last.entries)) == (10_050, rest)
    assert last.entries[-1].item_id == "400000009999"
    assert beyond == last
    assert "<span class=BOLD>10,050</span> results" in large.get(BROWSE).text


def test_next_leads_from_page_to_page_with_the_query_kept(large: httpx.Client) -> None:
    path, numbers = f"{BROWSE}?Year=2013&Make=Ford%7CAudi", []
    while path:
        page = Selector(large.get(path).text)
        numbers.append(page.css("a.pagination__item[aria-current=page]::text").get())
        parts = urlsplit(page.css("a.pagination__next::attr(href)").get(""))
        path = f"{parts.path}?{parts.query}" if parts.path else ""
        assert not path or parse_qs(parts.query)["Make"] == ["Ford|Audi"]
    assert numbers == ["1", "2", "3"]


def test_an_item_page_shows_the_listing_as_it_is(web: httpx.Client, market: Path) -> None:
    for item in items(market).values():
        advert = read(web, item.item_id)
        assert advert.title == plain(item.title)
        assert advert.url == f"https://www.sandbox.invalid/itm/{item.item_id}"
        assert advert.seller == item.seller
        assert advert.condition == item.condition
        assert advert.buying_options == tuple(sorted(item.buying_options)) or not item.price
        assert advert.bids == (item.bids if "AUCTION" in item.buying_options else "")
        assert {name: value for name, value in advert.aspects.items() if name != "Condition"} == item.aspects
        assert advert.aspects["Condition"].startswith(f"{item.condition}: ")
        assert advert.photo_urls == tuple(
            f"https://i.sandbox.invalid/images/g/{photo}/s-l1600.jpg" for photo in item.photos
        )
        assert advert.sold_on is None
        if item.price:
            assert (Decimal(advert.price), advert.currency) == (Decimal(item.price), item.currency)


def test_the_item_specifics_of_a_vehicle_become_its_fields(web: httpx.Client) -> None:
    advert = read(web, "200000000002")
    assert (advert.mileage, advert.mileage_unit, advert.vin) == ("61,000 miles", "mi", "1M8GDM9AXKP042788")
    assert (advert.fuel_type, advert.transmission) == ("Gasoline", "Manual")
    assert advert.title_status == "Rebuilt, Rebuildable & Reconstructed"
    assert read(web, "200000000001").mileage == "61000"
    assert read(web, "200000000008").mileage_unit == "km"


@pytest.mark.parametrize(
    ("number", "city", "state", "postal_code"),
    [("02", "Tampa", "Florida", ""), ("01", "", "", "10001"), ("08", "", "", "336**"), ("06", "", "", "")],
)
def test_a_place_is_a_city_else_a_zip_code_else_the_country(
    web: httpx.Client, number: str, city: str, state: str, postal_code: str
) -> None:
    advert = read(web, f"2000000000{number}")
    assert (advert.city, advert.state, advert.postal_code, advert.country) == (city, state, postal_code, "US")


def test_a_foreign_price_stands_in_both_currencies_and_in_dollars_for_search_engines(web: httpx.Client) -> None:
    advert = read(web, "200000000005")
    assert (advert.price, advert.currency) == ("3500.00", "EUR")
    assert (advert.converted_price, advert.converted_currency) == ("3920.00", "USD")
    page = web.get("/itm/200000000005").text
    assert "EUR 3,500.00" in page
    assert "US $3,920.00" in page
    _, offer = (json.loads(block) for block in Selector(page).css('script[type="application/ld+json"]::text').getall())
    assert (offer["offers"]["price"], offer["offers"]["priceCurrency"]) == ("3920.00", "USD")


def test_an_item_page_has_both_json_ld_blocks_whatever_the_seller_wrote(web: httpx.Client, market: Path) -> None:
    item = items(market)["200000000007"]
    page = Selector(web.get(f"/itm/{item.item_id}").text)
    trail, product = (json.loads(block) for block in page.css('script[type="application/ld+json"]::text').getall())
    assert trail["@type"] == "BreadcrumbList"
    assert trail["itemListElement"][-1]["name"] == item.aspects["Make"]
    assert (product["@type"], product["name"]) == ("Product", item.title)
    assert product["image"] == ["https://i.sandbox.invalid/images/g/aa/s-l1600.jpg"]
    assert not page.xpath("//script[not(@type)]")


@pytest.mark.parametrize("item_id", ["200000000099", "200000000010", "v1%7C200000000001%7C0", "x"])
def test_an_unknown_or_ended_listing_is_a_page_that_says_so(web: httpx.Client, item_id: str) -> None:
    answer = web.get(f"/itm/{item_id}")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "<title>Error Page | eBay</title>" in answer.text


def test_a_price_that_is_none_does_not_hinder_the_page(market: Path) -> None:
    with sandbox_process(market, 1) as url, httpx.Client(base_url=url) as client:
        assert read(client, "200000000010").buying_options == ("AUCTION", "FIXED_PRICE")
        assert 10 in found(search(client))


def test_every_photo_on_every_page_is_served_with_its_bytes(web: httpx.Client, market: Path) -> None:
    pages = [Selector(web.get(path).text) for path in (BROWSE, "/itm/200000000002")]
    attributes = ("src", "data-zoom-src", "data-defer-load")
    urls = {url for page in pages for name in attributes for url in page.css(f"img::attr({name})").getall()}
    paths = {urlsplit(url).path for url in urls if urlsplit(url).hostname == "i.sandbox.invalid"}
    assert len(paths) >= 2 + 3 * 3
    for path in paths:
        photo = path.split("/")[-2]
        assert web.get(path).content == (market / "photos" / f"{photo}.jpg").read_bytes()
    assert web.get("/images/g/aa/s-l1600.csv").status_code == 404


def test_the_same_address_gives_the_same_bytes_in_every_process(web: httpx.Client, market: Path) -> None:
    paths = (f"{BROWSE}?_sop=15", f"{SEARCH}?LH_Sold=1&LH_Complete=1", "/itm/200000000002")
    with sandbox_process(market, 2) as url:
        for path in paths:
            assert httpx.get(url + path).content == web.get(path).content


def test_the_status_counts_pages_by_kind(market: Path) -> None:
    with sandbox_process(market, 2) as url, httpx.Client(base_url=url) as client:
        for path in (BROWSE, SEARCH, "/itm/200000000001", "/itm/unknown"):
            client.get(path)
        assert client.get("/sandbox/status").json()["requests"] == {"search-page": 2, "item-page": 2, "status": 1}


def test_another_generation_is_refused(market: Path) -> None:
    with pytest.raises(Exception, match="s-table"), sandbox_process(market, 2, options=("--markup", "s-table")):
        pytest.fail("it started")


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=5), WORDS, st.text(max_size=12), st.sampled_from(["USD", "EUR", "XYZ"]))
def test_whatever_sellers_write_is_read_back_as_written(
    words: list[str], value: str, price: str, currency: str
) -> None:
    item = Item(
        item_id="500000000001", title=f"Car {' '.join(words)} Car", aspects={"Trim": f"T {value} T"}, price=price,
        currency=currency, postal_code="", buying_options=("FIXED_PRICE",), seller="seller", photos=("aa",), started=1,
    )  # fmt: skip
    page = template("item").render(item_sheet(item)).encode()
    advert = asyncio.run(ItemPage(HttpResponse("https://www.sandbox.invalid/itm/500000000001", page)).to_item())
    assert advert.title == item.title
    assert advert.aspects["Trim"] == item.aspects["Trim"]
    for generation in GENERATIONS:
        cards = [Card.of(item, " ".join(words), 1)]
        page = template(generation).render(title=value, total=1, page=1, last=1, link=str, cards=cards).encode()
        answer = asyncio.run(SearchPage(HttpResponse("https://www.sandbox.invalid/b/x", page)).to_item())
        assert [entry.title for entry in answer.entries] == [item.title]
