"""Item pages that are odd: what is live, sold or over, and that damage never shows as anything but unknown markup."""

import asyncio
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from web_poet import HttpResponse

from crawlers.advert import Advert
from crawlers.pages.item_page import ItemPage
from crawlers.pages.markup import UnknownMarkupError

URL = "https://www.ebay.com/itm/386000000001?hash=item0000000000"
FIXTURES = Path(__file__).parent / "fixtures" / "crawlers.pages.item_page.ItemPage"
PAGES = {path.parts[-3]: path.read_text("utf-8") for path in sorted(FIXTURES.glob("*/inputs/*.html"))}
SERVED = {"Date": "Tue, 10 Mar 2026 08:15:00 GMT"}


def page(html: str, headers: dict[str, str] | None = None) -> ItemPage:
    return ItemPage(HttpResponse(URL, html.encode(), headers=headers or {}, encoding="utf-8"))


def read(html: str, headers: dict[str, str] | None = None) -> Advert:
    return asyncio.run(page(html, headers).to_item())


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("fixed-price-two-currencies", "live"),
        ("auction-with-bids", "live"),
        ("classified-ad", "live"),
        ("best-offer", "live"),
        ("sold", "sold"),
        ("sold-for-an-offer", "sold"),
        ("auction-won", "sold"),
        ("german", "sold"),
        ("ended-unsold", "ended"),
    ],
)
def test_a_page_tells_whether_its_listing_is_over(name: str, status: str) -> None:
    assert page(PAGES[name], SERVED).status == status


def test_bidding_that_ended_below_the_reserve_is_no_sale() -> None:
    ended = page(PAGES["auction-won"].replace("Winning bid:", "Current bid:"), SERVED)
    assert (ended.status, ended.sold_on) == ("ended", None)


@pytest.mark.parametrize("headers", [None, {}, {"Date": "yesterday"}, {"Date": ""}])
def test_a_sale_on_a_day_of_an_unknown_year_has_no_date(headers: dict[str, str] | None) -> None:
    sold = page(PAGES["sold"], headers)
    assert (sold.status, sold.sold_on) == ("sold", None)


def test_a_date_with_its_year_needs_no_other() -> None:
    dated = PAGES["sold"].replace("on Sat, Mar 7 at 10:00 AM", "on Mar 07, 2026 10:00:00 PST")
    assert read(dated).sold_on == date(2026, 3, 7)


RELISTED = "The seller has relisted this item or one like this."


@pytest.mark.parametrize("name", ["sold", "ended-unsold"])
@pytest.mark.parametrize(
    ("message", "found"),
    [
        (f'<p>{RELISTED} <a href="/itm/2012-Ford/386000000099?hash=1">See it</a></p>', "386000000099"),
        (f'<p><a href="https://www.ebay.com/itm/386000000099">{RELISTED}</a></p>', "386000000099"),
        (f'<p>{RELISTED}</p><a href="{URL}">this page</a><a href="/help">Help</a>', ""),
        (f"<p>{RELISTED}</p>", ""),
        ('<p>You may like <a href="/itm/386000000099">this</a></p>', ""),
    ],
)
def test_a_page_that_is_over_names_the_relist(name: str, message: str, found: str) -> None:
    own = re.search(r"itm/(\d+)", PAGES[name])
    html = PAGES[name].replace("<div class=page-notice__main>", f"<div class=page-notice__main>{message}")
    assert html != PAGES[name]
    assert own
    assert read(html.replace(URL, f"/itm/{own[1]}"), SERVED).relist_of == found


def test_a_live_page_names_no_relist() -> None:
    notice = f'<div class=d-statusmessage>{RELISTED} <a href="/itm/386000000099">See it</a></div>'
    page_of = PAGES["best-offer"].replace("<div id=PicturePanel>", f"{notice}<div id=PicturePanel>")
    assert read(page_of).relist_of == ""


def test_an_ended_label_in_the_summary_is_found_too() -> None:
    label = "<div class=x-timer>Ended: <span>Mar 07, 2026</span></div>"
    over = page(PAGES["best-offer"].replace('<ul class="x-buybox-cta', f'{label}<ul class="x-buybox-cta'))
    assert (over.status, over.sold_on) == ("ended", None)


def test_the_converted_price_beside_the_sellers_needs_no_structured_data() -> None:
    html = PAGES["fixed-price-two-currencies"]
    without = html[: html.index("<script type=application/ld+json>")] + "</body></html>"
    found = read(without)
    assert (found.converted_price, found.converted_currency) == ("26665.45", "USD")


def test_a_converted_price_in_structured_data_alone_is_kept_apart_from_the_sellers() -> None:
    html = PAGES["fixed-price-two-currencies"].replace("x-price-approx", "x-price-other")
    found = read(html)
    assert (found.price, found.currency) == ("23500.00", "EUR")
    assert (found.converted_price, found.converted_currency) == ("26665.45", "USD")


def test_structured_data_never_stands_in_for_the_sellers_price() -> None:
    found = read(PAGES["fixed-price-two-currencies"].replace("x-price-", "x-hidden-"))
    assert (found.price, found.currency, found.converted_price) == ("", "", "")


def test_a_price_range_of_variations_is_no_price() -> None:
    found = read(PAGES["best-offer"].replace("US $22,995.00", "US $10.00 to US $24.50"))
    assert (found.price, found.currency, found.converted_price) == ("", "", "")


def test_a_photo_that_is_not_loaded_yet_is_found_by_its_other_sizes() -> None:
    html = PAGES["auction-with-bids"].replace("data-zoom-src", "data-none")
    assert read(html).photo_urls == read(PAGES["auction-with-bids"]).photo_urls


def test_the_number_of_the_item_is_found_without_a_canonical_link() -> None:
    found = read(PAGES["fixed-price-two-currencies"].replace('rel="canonical"', 'rel="other"'))
    assert (found.item_id, found.url) == ("386000000001", "https://www.ebay.com/itm/386000000001")


@pytest.mark.parametrize("html", ["", "<html></html>", "<h1>We looked everywhere.</h1>", "{}", "\x00"])
def test_a_page_without_an_item_is_told_as_unknown_markup(html: str) -> None:
    with pytest.raises(UnknownMarkupError, match="shows no title") as told:
        read(html)
    assert URL in told.value.what
    assert told.value.remedy


CUTS = st.tuples(st.sampled_from(sorted(PAGES)), st.integers(0, 16_000), st.integers(0, 3_000))


@settings(deadline=None, max_examples=150)
@given(CUTS, st.sampled_from(["", "<", '"', "</div>", "<dl>", "\u0000", "\u2063", "&#0;"]))
def test_a_damaged_page_is_read_or_told_as_unknown(cut: tuple[str, int, int], patch: str) -> None:
    name, start, length = cut
    html = PAGES[name][:start] + patch + PAGES[name][start + length :]
    try:
        found = read(html, SERVED)
    except UnknownMarkupError:
        return
    assert found.item_id
    assert found.title
    assert (not found.converted_price) or found.converted_currency != found.currency
