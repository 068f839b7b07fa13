"""Search pages that are odd: unknown markup is told from an empty result, and nothing else ever goes wrong."""

import asyncio
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from web_poet import HttpResponse

from crawlers.advert import SearchAnswer
from crawlers.pages.markup import UnknownMarkupError
from crawlers.pages.search_page import SearchPage

URL = "https://www.ebay.com/sch/6001/i.html"
FIXTURES = Path(__file__).parent / "fixtures" / "crawlers.pages.search_page.SearchPage"
PAGES = {path.parts[-3]: path.read_text("utf-8") for path in sorted(FIXTURES.glob("*/inputs/*.html"))}


def read(html: str) -> SearchAnswer:
    return asyncio.run(SearchPage(HttpResponse(URL, html.encode(), encoding="utf-8")).to_item())


def with_heading(text: str) -> str:
    return re.sub(r"(?s)(count-heading>).*?(</h1>)", rf"\g<1>{text}\g<2>", PAGES["s-card-sold"])


def test_the_plugin_that_runs_the_fixtures_is_there(request: pytest.FixtureRequest) -> None:
    assert request.config.pluginmanager.hasplugin("web-poet")
    assert len(PAGES) == 6


@pytest.mark.parametrize(
    ("heading", "total"),
    [
        ("<span class=BOLD>1,234</span> results for <span class=BOLD>2012 ford</span>", 1234),
        ("<span class=BOLD>1.234</span> Ergebnisse", 1234),
        ("1,200+ results", 1200),
        ("12 results", 12),
        ("About 1,000,000 results", 1_000_000),
        ("Results", 4),
    ],
)
def test_the_total_is_the_headings_and_without_one_what_is_on_the_page(heading: str, total: int) -> None:
    assert read(with_heading(heading)).total == total


def test_a_heading_of_nothing_makes_what_follows_another_search() -> None:
    assert read(with_heading("0 results for duesenberg")) == SearchAnswer(total=0, entries=())


def test_a_list_without_entries_is_an_honest_empty_result() -> None:
    assert read("<ul class=srp-results></ul>") == SearchAnswer(total=0, entries=())


@pytest.mark.parametrize("html", ["", "<html></html>", "<h1>Pardon Our Interruption...</h1>", '{"errors": []}', "\x00"])
def test_a_page_without_results_is_told_as_unknown_markup(html: str) -> None:
    with pytest.raises(UnknownMarkupError, match="no list of search results") as told:
        read(html)
    assert URL in told.value.what
    assert told.value.remedy


def test_entries_that_nobody_can_identify_are_drift() -> None:
    page = SearchPage(HttpResponse(URL, PAGES["s-item-english"].replace("/itm/", "/listing/").encode()))
    with pytest.raises(UnknownMarkupError, match="4 results without item ids"):
        asyncio.run(page.to_item())


def test_an_entry_without_a_link_is_known_by_its_listing_id() -> None:
    entry = "<li class=s-card data-listingid=385000000101><div class=s-card__title>A car</div></li>"
    found = read(f"<ul class=srp-results>{entry}</ul>").entries[0]
    assert (found.item_id, found.title, found.url) == ("385000000101", "A car", "https://www.ebay.com/itm/385000000101")
    assert (found.price, found.buying_options, found.photo_urls) == ("", (), ())


def test_every_entry_becomes_what_it_would_be_alone() -> None:
    html = PAGES["s-card-sold"]
    cards = re.findall(r"(?s)<li class=\"s-card.*?</li>\n", html)
    assert len(cards) == 6
    alone = [read(f"<ul class=srp-results>{card}</ul>").entries for card in cards]
    assert sum(alone, ()) == read(html).entries


CUTS = st.tuples(st.sampled_from(sorted(PAGES)), st.integers(0, 20_000), st.integers(0, 3_000))


@settings(deadline=None, max_examples=150)
@given(CUTS, st.sampled_from(["", "<", '"', "</li>", "<div>", "\u0000", "\u2063", "&#0;"]))
def test_a_damaged_page_is_read_or_told_as_unknown(cut: tuple[str, int, int], patch: str) -> None:
    name, start, length = cut
    html = PAGES[name][:start] + patch + PAGES[name][start + length :]
    try:
        answer = read(html)
    except UnknownMarkupError:
        return
    assert all(entry.item_id not in {"", "123456"} for entry in answer.entries)
    assert answer.total >= 0


def test_filler_cards_are_no_listings_even_where_their_link_says_nothing() -> None:
    answer = read(PAGES["s-card-sold"].replace("/itm/", "/listing/"))
    assert [entry.item_id for entry in answer.entries] == [str(number) for number in range(385000000101, 385000000105)]


@pytest.mark.parametrize(
    "html",
    [
        "<h1 class=srp-controls__count-heading>1,234 results</h1><ul class=srp-results></ul>",
        "<div id=srp-river-results><div class=next-card><a href=/itm/385000000101>A car</a></div></div>",
        PAGES["s-card-live"].replace("s-card", "n-card"),
        PAGES["s-item-german"].replace("s-item", "n-item"),
    ],
    ids=["a heading alone", "cards of the next generation", "s-card renamed", "s-item renamed"],
)
def test_results_in_a_markup_that_is_not_known_are_never_taken_for_an_empty_page(html: str) -> None:
    with pytest.raises(UnknownMarkupError, match="none in a markup that is known"):
        read(html)
