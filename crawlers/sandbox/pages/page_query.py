"""Understands the query of a search page, mostly by translating it into the search call that `query` understands.

What a page compares itself is the price: in US dollars, whatever the seller asks in, and so is the order by price.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import unquote

from crawlers.sandbox.items import ASPECT_NAMES, Item
from crawlers.sandbox.pages.dollars import amount, in_dollars
from crawlers.sandbox.query import CATEGORY, WINDOW, understand
from crawlers.sandbox.responses import escaped

PAGE_SIZES = (60, 120, 240)
ANYTHING = "FIXED_PRICE|BEST_OFFER|AUCTION|CLASSIFIED_AD"
_OPTIONS = {"LH_Auction": "AUCTION", "LH_BIN": "FIXED_PRICE", "LH_BO": "BEST_OFFER", "LH_CAds": "CLASSIFIED_AD"}
_FAR = Decimal("Infinity")
_DATE = re.compile(r"\d{4}(-\d\d){0,2}")


@dataclass(frozen=True)
class PageQuery:
    """What a search page shows, whatever the page.

    Args:
        call: the parameters of the search call that finds it, but for the price.
        sold: whether it shows sales.
        low: the lowest price in US dollars; likewise `high`.
        order: eBay's number of the order.
    """

    call: tuple[tuple[str, str], ...]
    sold: bool
    low: Decimal | None
    high: Decimal | None
    order: str

    def select(self, listings: Sequence[Item], sales: Sequence[Item]) -> list[Item]:
        """All items that it shows, in its order."""
        search = understand(dict(self.call), sales=self.sold)
        chosen = search.select(sales if self.sold else listings)
        if self.low is not None or self.high is not None:
            chosen = [item for item in chosen if self._affords(item)]
        if self.sold or self.order == "10":
            chosen = sorted(chosen, key=_newest, reverse=True)
        key = _BY_PRICE.get(self.order)
        return sorted(chosen, key=key) if key else chosen

    def _affords(self, item: Item) -> bool:
        price = in_dollars(item)
        low, high = -_FAR if self.low is None else self.low, _FAR if self.high is None else self.high
        return price is not None and low <= price <= high


def translate(params: Mapping[str, str], category: str) -> PageQuery:
    """Read the query parameters of a search page; what makes no sense is ignored, as eBay does.

    Args:
        params: the parameters, decoded once.
        category: the category asked for; '' or '0' for any.
    """
    wanted = _aspects(params)
    options = "|".join(option for name, option in _OPTIONS.items() if params.get(name) == "1")
    call = {
        "category_ids": category if category not in ("", "0") else CATEGORY,
        "q": params.get("_nkw", ""),
        "aspect_filter": ",".join([f"categoryId:{CATEGORY}", *wanted]) if wanted else "",
        "filter": f"buyingOptions:{{{options or ANYTHING}}}",
    }
    return PageQuery(
        call=tuple(call.items()),
        sold=params.get("LH_Sold") == "1",
        low=amount(params.get("_udlo", "")),
        high=amount(params.get("_udhi", "")),
        order=params.get("_sop", ""),
    )


def paging(params: Mapping[str, str]) -> tuple[int, int]:
    """The page asked for, from 1, and how many items a page holds."""
    size = params.get("_ipg", "")
    number = params.get("_pgn", "")
    return (
        max(1, min(int(number), WINDOW)) if re.fullmatch(r"[0-9]{1,9}", number) else 1,
        int(size) if size in map(str, PAGE_SIZES) else PAGE_SIZES[0],
    )


def _aspects(params: Mapping[str, str]) -> list[str]:
    """`Make=Ford|Audi` or `Model%20Year=2012` in the words of `aspect_filter`.

    Pages encode names and values of aspects a second time, so that a value may hold the `|` that parts values.
    """
    wanted = []
    for name, text in params.items():
        aspect = "Year" if unquote(name) == "Model Year" else unquote(name)
        values = [escaped(unquote(value)) for value in text.split("|") if value]
        if aspect in ASPECT_NAMES and values:
            wanted.append(f"{aspect}:{{{'|'.join(values)}}}")
    return wanted


def _newest(item: Item) -> tuple[int, str]:
    """Grows towards the latest listed or sold; a sale of a bare year comes after the dated ones of that year."""
    return item.started, item.sold_on if _DATE.match(item.sold_on) else ""


def _price(item: Item, otherwise: Decimal) -> Decimal:
    price = in_dollars(item)
    return otherwise if price is None else price


_BY_PRICE: dict[str, Callable[[Item], Decimal]] = {
    "15": lambda item: _price(item, _FAR),
    "16": lambda item: -_price(item, -_FAR),
}
