"""Understands the query parameters of eBay's search calls and applies them to the sandbox's items.

What eBay refuses is refused with eBay's error; what eBay ignores with a warning is ignored with that warning.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlencode

from crawlers.sandbox.items import ASPECT_NAMES, Item

CATEGORY = "6001"  # Cars & Trucks
DEFAULT_LIMIT = 50
MAX_LIMIT = 200
WINDOW = 10_000
NOT_SPECIFIED = "Not Specified"  # the value of an aspect that the seller left empty
BUYING_OPTIONS = frozenset({"FIXED_PRICE", "AUCTION", "CLASSIFIED_AD", "BEST_OFFER"})
FIELDGROUPS = frozenset({"MATCHING_ITEMS", "ASPECT_REFINEMENTS", "FULL", "EXTENDED"})
_ACCEPTED_AND_IGNORED = frozenset(
    {"itemStartDate", "itemLocationCountry", "conditions", "conditionIds", "deliveryCountry"}
)
_NARROWS = frozenset({*ASPECT_NAMES, "Model Year", "aspect_filter", "_udlo", "_udhi"})  # of a call or of a page
_FILTER = re.compile(r"\s*(\w+):(\[[^\]]*\]|\{[^}]*\}|[^,]*)(?:,|$)")
_ASPECT = re.compile(r"([^:,{}]+):\{((?:[^{}\\]|\\.)*)\}(?:,|$)")
_SORTS: dict[str, Callable[[Item], float]] = {
    "newlyListed": lambda item: -item.started,
    "price": lambda item: _number(item.price, float("inf")),
    "-price": lambda item: -_number(item.price, float("-inf")),
}
Predicate = Callable[[Item], bool]


class RefusedError(Exception):
    """A request that eBay answers with an error instead of a page."""

    def __init__(self, error_id: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.error_id = error_id
        self.message = message
        self.status = status


@dataclass(frozen=True)
class Search:
    """One search call, understood.

    Args:
        limit: items a page.
        offset: items skipped.
        predicates: what an item must satisfy.
        sort: the order asked for; empty for the order of the item ids.
        with_items: whether the page carries items.
        with_aspects: whether the page carries aspect refinements.
        warnings: (error id, message) of what was ignored.
    """

    limit: int
    offset: int
    predicates: tuple[Predicate, ...]
    sort: str
    with_items: bool
    with_aspects: bool
    warnings: tuple[tuple[int, str], ...]

    def select(self, items: Sequence[Item]) -> list[Item]:
        """All items that satisfy the call, in its order."""
        chosen = [item for item in items if all(holds(item) for holds in self.predicates)]
        return sorted(chosen, key=_SORTS[self.sort]) if self.sort else chosen


def understand(params: Mapping[str, str], *, sales: bool) -> Search:
    """Read the query parameters of `item_summary/search`, or of `item_sales/search` (`sales`).

    Raises:
        RefusedError: eBay refuses such a request.
    """
    warnings: list[tuple[int, str]] = []
    limit, offset = _paging(params)
    predicates = [*_category(params, warnings), *_keywords(params.get("q", ""))]
    predicates += _aspects(params.get("aspect_filter", ""), warnings)
    predicates += _filters(params.get("filter", ""), warnings, sales=sales)
    sort = params.get("sort", "")
    if sort and sort not in _SORTS:
        warnings.append((12008, "The 'sort' value is invalid."))
        sort = ""
    groups = {group for group in params.get("fieldgroups", "").split(",") if group}
    if groups - FIELDGROUPS:
        warnings.append((12016, f"The 'fieldgroups' value {','.join(sorted(groups - FIELDGROUPS))} is invalid."))
    return Search(
        limit=limit,
        offset=offset,
        predicates=tuple(predicates),
        sort=sort,
        with_items=not groups & {"ASPECT_REFINEMENTS"} or bool(groups & {"FULL", "MATCHING_ITEMS"}),
        with_aspects=bool(groups & {"FULL", "ASPECT_REFINEMENTS"}),
        warnings=tuple(warnings),
    )


def _paging(params: Mapping[str, str]) -> tuple[int, int]:
    limit = _whole(params.get("limit", str(DEFAULT_LIMIT)), 12007, "The 'limit' value must be an integer value.")
    if not 1 <= limit <= MAX_LIMIT:
        raise RefusedError(12006, f"The 'limit' value should be between 1 and {MAX_LIMIT} (inclusive).")
    offset = _whole(params.get("offset", "0"), 12005, "The 'offset' value must be an integer.")
    if offset < 0:
        raise RefusedError(12004, "The 'offset' value cannot be negative.")
    if offset % limit:
        raise RefusedError(12005, "The 'offset' value must be zero or a multiple of the 'limit' value.")
    if offset + limit > WINDOW:
        raise RefusedError(12029, "The maximum number of listings that can be retrieved is 10,000: narrow the search.")
    return limit, offset


def _whole(text: str, error_id: int, message: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise RefusedError(error_id, message) from None


def _category(params: Mapping[str, str], warnings: list[tuple[int, str]]) -> list[Predicate]:
    """Everything here is a car: another category is empty."""
    category = params.get("category_ids", "")
    if not category:
        raise RefusedError(12001, "The call must have a valid 'category_ids' query parameter.")
    if category != CATEGORY:
        warnings.append((12009, "The 'category_ids' query parameter is invalid."))
        return [lambda _: False]
    return []


def _keywords(q: str) -> list[Predicate]:
    """Words of the title: `ford mustang` wants both, `(ford, mustang)` either."""
    text = q.strip().lower()
    if text.startswith("(") and text.endswith(")"):
        words = [word.strip() for word in text[1:-1].split(",") if word.strip()]
        return [lambda item: any(word in item.title.lower() for word in words)]
    words = text.split()
    return [lambda item: all(word in item.title.lower() for word in words)] if words else []


def _aspects(text: str, warnings: list[tuple[int, str]]) -> list[Predicate]:
    """`categoryId:6001,Make:{Ford|Audi},Year:{2012}`: exact values, any of several; a backslash escapes.

    `Not Specified` finds the items without the aspect.
    """
    if not text:
        return []
    head, _, rest = text.partition(",")
    if head.replace(" ", "") != f"categoryId:{CATEGORY}":
        warnings.append((12017, "The 'aspect_filter' query parameter must include a categoryId."))
        return []
    if not rest or _ASPECT.sub("", rest).strip():
        warnings.append((12018, f"The {text} aspect_filter value is invalid."))
        return []
    wanted = {
        match[1].strip(): {re.sub(r"\\(.)", r"\1", value) for value in re.split(r"(?<!\\)\|", match[2])}
        for match in _ASPECT.finditer(rest)
    }
    return [lambda item: all(item.aspects.get(name, NOT_SPECIFIED) in values for name, values in wanted.items())]


def _filters(text: str, warnings: list[tuple[int, str]], *, sales: bool) -> list[Predicate]:
    """The `filter` parameter; without `buyingOptions` eBay shows fixed prices only."""
    fields = {match[1]: match[2] for match in _FILTER.finditer(text)}
    predicates: list[Predicate] = []
    options = frozenset(fields.pop("buyingOptions", "{FIXED_PRICE}").strip("{}").split("|"))
    if options - BUYING_OPTIONS:
        warnings.append((12002, "The buyingOptions value is invalid."))
    if not sales:
        predicates.append(lambda item: not options.isdisjoint(_ways_to_buy(item)))
    price, currency = fields.pop("price", ""), fields.pop("priceCurrency", "")
    if price and currency and (span := _span(price)):
        low, high = _number(span[0], float("-inf")), _number(span[1], float("inf"))
        predicates.append(lambda item: item.currency == currency and low <= _number(item.price, float("nan")) <= high)
    elif price:
        warnings.append((12012, "A valid 'price' filter and a valid 'priceCurrency' filter is necessary."))
    sold = _span(fields.pop("lastSoldDate", ""))
    if sold and sales:
        predicates.append(lambda item: item.sold_between(*sold))
    warnings += [(12002, f"The {name} value is invalid.") for name in fields if name not in _ACCEPTED_AND_IGNORED]
    return predicates


def _ways_to_buy(item: Item) -> tuple[str, ...]:
    """The buying options that are open: the first bid on an auction ends the others."""
    return ("AUCTION",) if "AUCTION" in item.buying_options and item.bids not in {"", "0"} else item.buying_options


def unfiltered(query: str) -> str:
    """The query string of a call or a page without what narrows a search by aspect or price."""
    params = parse_qsl(query, keep_blank_values=True)
    kept = [(name, value) for name, value in params if unquote(name) not in _NARROWS]
    return urlencode([(name, _without_price(value) if name == "filter" else value) for name, value in kept])


def _without_price(text: str) -> str:
    fields = [(match[1], match[2]) for match in _FILTER.finditer(text)]
    return ",".join(f"{name}:{value}" for name, value in fields if name not in {"price", "priceCurrency"})


def _span(text: str) -> tuple[str, str] | None:
    """The two ends of `[a..b]`, either of which may be empty; a bare `[a]` means up to a."""
    if not (text.startswith("[") and text.endswith("]")):
        return None
    low, dots, high = text[1:-1].partition("..")
    return (low.strip(), high.strip()) if dots else ("", low.strip())


def _number(text: str, otherwise: float) -> float:
    try:
        return float(text)
    except ValueError:
        return otherwise
