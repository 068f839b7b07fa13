"""The Marketplace Insights API's answers: sales of the last years (`item_sales/search`)."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from autodetect.records import Precision
from crawlers.advert import Advert, SearchAnswer
from crawlers.pages.browse import common_fields, legacy_id, refinements

_DATE = re.compile(r"(\d{4})(?:-(\d\d?)(?:-(\d\d?)(?:[T ].*)?)?)?", re.ASCII)


def sales_answer(answer: Mapping[str, Any]) -> SearchAnswer:
    """Return what a search of sales says; an entry whose date cannot be read has none.

    Raises:
        KeyError, TypeError, ValueError: it is not one.
    """
    return SearchAnswer(
        total=int(answer["total"]),
        entries=tuple(sale(entry) for entry in answer.get("itemSales", [])),
        refinements=refinements(answer),
    )


def sale(entry: Mapping[str, Any]) -> Advert:
    """Return what one sale says."""
    price = entry.get("lastSoldPrice", {})
    sold = sale_date(str(entry.get("lastSoldDate", "")))
    return Advert(
        item_id=legacy_id(entry["itemId"]),
        price=str(price.get("value", "")),
        currency=str(price.get("currency", "")),
        sold_on=sold[0] if sold else None,
        sold_precision=sold[1] if sold else "day",
        **common_fields(entry),
    )


def sale_date(text: str) -> tuple[date, Precision] | None:
    """Read an ISO 8601 date of any precision: '2019', '2019-07', '2019-07-14T10:00:00Z'. Unknown parts become 1.

    Returns:
        The date and its precision, or None for anything that is no date.
    """
    match = _DATE.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day = match.groups()
    precision: Precision = "day" if day else "month" if month else "year"
    try:
        return date(int(year), int(month or 1), int(day or 1)), precision
    except ValueError:
        return None
