"""The Insights API's sales become adverts with a sale date, as precise as the source says."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.pages.insights import sale, sale_date, sales_answer

SALE: dict[str, Any] = {
    "itemId": "v1|123|0",
    "title": "2012 Ford Mustang",
    "lastSoldDate": "2026-10-30T10:11:12.000Z",
    "lastSoldPrice": {"value": "14000.00", "currency": "USD"},
    "localizedAspects": [{"name": "Make", "value": "Ford"}],
    "itemLocation": {"postalCode": "100**"},
}


def test_a_sale_has_the_date_and_price_it_sold_for() -> None:
    found = sale(SALE)
    assert (found.item_id, found.sold_on, found.sold_precision) == ("123", date(2026, 10, 30), "day")
    assert (found.price, found.currency) == ("14000.00", "USD")
    assert (found.make, found.postal_code, found.photo_urls) == ("Ford", "100**", ())


def test_an_answer_has_its_total_and_its_sales() -> None:
    found = sales_answer({"total": "57", "itemSales": [SALE]})
    assert (found.total, found.entries) == (57, (sale(SALE),))
    assert sales_answer({"total": 0}).entries == ()


@pytest.mark.parametrize("answer", [{}, {"total": 1, "itemSales": [{}]}, {"total": []}])
def test_what_is_no_answer_is_refused(answer: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        sales_answer(answer)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019", (date(2019, 1, 1), "year")),
        ("2019-07", (date(2019, 7, 1), "month")),
        ("2019-07-14", (date(2019, 7, 14), "day")),
        ("2019-07-14T10:00:00Z", (date(2019, 7, 14), "day")),
        (" 2019-07-14T23:59:59.999Z ", (date(2019, 7, 14), "day")),
    ],
)
def test_a_date_is_as_precise_as_it_is_written(text: str, expected: tuple[date, str]) -> None:
    assert sale_date(text) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "0", "20050000", "2019-13", "2019-02-30", "2019-07-14-01", "-2019", "2019-", "9" * 20]
)
def test_what_is_no_date_gives_none_and_the_sale_no_date(text: str) -> None:
    assert sale_date(text) is None
    assert sale(SALE | {"lastSoldDate": text}).sold_on is None


@settings(deadline=None)
@given(st.dates())
def test_every_day_is_read_as_it_was_written(day: date) -> None:
    assert sale_date(day.isoformat()) == (day, "day")
    assert sale_date(f"{day.isoformat()}T00:00:00Z") == (day, "day")
