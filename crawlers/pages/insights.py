"""The Marketplace Insights API's answers: sales of the last years (`item_sales/search`)."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from autodetect.records import Precision, Sighting
from crawlers.pages.browse import Provenance, common_fields, legacy_id

_DATE = re.compile(r"(\d{4})(?:-(\d\d?)(?:-(\d\d?)(?:[T ].*)?)?)?", re.ASCII)


def sale_sighting(sale: Mapping[str, Any], provenance: Provenance) -> Sighting:
    """Return the sighting of kind `sold` that one sale describes.

    Raises:
        ValueError: the sale has no readable date; without one it is no sale of any window.
    """
    sold_on, precision = sale_date(str(sale.get("lastSoldDate", "")))
    price = sale.get("lastSoldPrice", {})
    return Sighting(
        item_id=legacy_id(sale["itemId"]),
        kind="sold",
        observed_on=sold_on,
        precision=precision,
        price=str(price.get("value", "")),
        currency=str(price.get("currency", "")),
        **common_fields(sale, provenance),
    )


def sale_date(text: str) -> tuple[date, Precision]:
    """Read an ISO 8601 date of any precision: '2019', '2019-07', '2019-07-14T10:00:00Z'. Unknown parts become 1.

    Raises:
        ValueError: no such date.
    """
    match = _DATE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no date")
    year, month, day = match.groups()
    precision: Precision = "day" if day else "month" if month else "year"
    return date(int(year), int(month or 1), int(day or 1)), precision
