"""The Marketplace Insights API's answers: sales of the last years (`item_sales/search`)."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from autodetect.records import Precision, Sighting
from crawlers.pages.browse import Provenance, common_fields, legacy_id


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
    parts = text.strip().split("T")[0].split("-")
    numbers = [int(part) for part in parts]
    if len(numbers) == 1:
        return date(numbers[0], 1, 1), "year"
    if len(numbers) == 2:
        return date(numbers[0], numbers[1], 1), "month"
    return date(*numbers), "day"
