"""eBay's search pages, live and sold: `https://<host>/sch/...`."""

import re
from collections.abc import Mapping
from itertools import takewhile

from parsel import Selector
from web_poet import WebPage, field
from web_poet.utils import cached_method

from crawlers.advert import Advert, SearchAnswer
from crawlers.pages.markup import UnknownMarkupError, collapse, html_of, seen_text
from crawlers.pages.search_entries import SearchEntry, entry_of

_LIST = ".srp-results, #srp-river-results, .srp-river-results, #ListViewInner"
_HEADING = ".srp-controls__count-heading, .result-count__count-heading, .srp-controls__control--count"
_NOTHING_FOUND = ".srp-save-null-search, .srp-save-null-search__heading"
_HAS = "contains(concat(' ', normalize-space(@class), ' '), ' {} ')"
# Entries and dividers in the page's order. Cards inside another card's list, a carousel or a banner are advertisements.
_ENTRY = f"self::li[{_HAS.format('s-card')} or {_HAS.format('s-item')}]"
_NOT_NESTED = "not(ancestor::*[contains(@class, 'srp-river-answer') or contains(@class, 'carousel')])"
_ANSWER = "self::*[contains(@class, 'srp-river-answer')]"
# A page may have its results in several lists.
_IN_LIST = (
    "ancestor::*[contains(@class, 'srp-results') or contains(@class, 'srp-river-results')"
    " or @id='srp-river-results' or @id='ListViewInner']"
)
_IN_ORDER = f"//*[(({_ENTRY} and {_NOT_NESTED}) or {_ANSWER}) and {_IN_LIST}]"
_FEWER_WORDS = re.compile(r"results matching fewer words|ergebnisse für weniger suchbegriffe", re.IGNORECASE)
_COUNT = re.compile(r"(?<![\d.,])(\d{1,3}(?:[.,'\u2019 ]\d{3})+|\d+)\+?(?=\s)")


class SearchPage(WebPage[SearchAnswer]):
    """A page of search results in either generation of markup.

    Raises:
        UnknownMarkupError: on reading any field: there is no list of results, or entries without item ids.
    """

    def validate_input(self) -> None:
        """Refuse a page that is no search page as this program knows them."""
        if not self._page().css(_LIST) and not self._nothing_found():
            raise UnknownMarkupError(
                f"{self.response.url} shows no list of search results",
                "look at the page in a browser; if it is a search page, crawlers/pages/ must learn its markup",
            )
        if self._shows_strangers():
            raise UnknownMarkupError(
                f"{self.response.url} shows results, but none in a markup that is known",
                "look at the page in a browser; crawlers/pages/ must learn its markup",
            )
        entries = self._all_entries()
        if entries and not any(entry.item_id for entry in entries):
            raise UnknownMarkupError(
                f"{self.response.url} shows {len(entries)} results without item ids",
                "look at the page in a browser; crawlers/pages/ must learn its markup",
            )

    @field
    def total(self) -> int:
        """How many results the heading says; without a heading, how many are on this page."""
        if self._nothing_found():
            return 0
        count = self._count()
        return len(self._listings()) if count is None else count

    @field
    async def entries(self) -> tuple[Advert, ...]:
        """This page's results; none when the heading says that what follows matches another search."""
        if self._nothing_found() or self._count() == 0:
            return ()
        return tuple([await entry.to_item() for entry in self._listings()])

    @field
    def refinements(self) -> Mapping[str, Mapping[str, int]]:
        """Pages show too few of them, and rounded, to rely on."""
        return {}

    @cached_method
    def _page(self) -> Selector:
        return html_of(self.response)

    def _nothing_found(self) -> bool:
        return bool(self._page().css(_NOTHING_FOUND))

    def _shows_strangers(self) -> bool:
        """Return whether there are results by the heading or by links to items, but no entry of either generation."""
        known = self._nothing_found() or self._page().xpath(f"//*[{_ENTRY}]")
        return not known and bool(self._count() or self._page().css('a[href*="/itm/"]'))

    def _count(self) -> int | None:
        match = _COUNT.search(f"{seen_text(self._page().css(_HEADING)[:1])} ")
        return int(re.sub(r"\D", "", match[1])) if match else None

    def _listings(self) -> list[SearchEntry]:
        return [entry for entry in self._all_entries() if entry.is_listing()]

    @cached_method
    def _all_entries(self) -> list[SearchEntry]:
        in_order = takewhile(lambda node: not _is_divider(node), self._page().xpath(_IN_ORDER))
        return [entry_of(node, str(self.response.url)) for node in in_order if node.xpath(_ENTRY)]


def _is_divider(node: Selector) -> bool:
    """Return whether what follows no longer matches the search as it was asked."""
    names = node.attrib.get("class", "")
    answer = "srp-river-answer" in names
    return answer and (
        "REWRITE_START" in names or bool(_FEWER_WORDS.search(collapse(node.xpath("string()").get() or "")))
    )
