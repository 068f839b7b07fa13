"""The Insights API's sales become sightings of kind sold, dated as precisely as the source says."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.pages.browse import Provenance
from crawlers.pages.insights import sale_date, sale_sighting

PROVENANCE = Provenance("ebay-api", date(2026, 11, 1), "contract 7", "salt")
SALE: dict[str, Any] = {
    "itemId": "v1|123|0",
    "title": "2012 Ford Mustang",
    "lastSoldDate": "2026-10-30T10:11:12.000Z",
    "lastSoldPrice": {"value": "14000.00", "currency": "USD"},
    "localizedAspects": [{"name": "Make", "value": "Ford"}],
    "itemLocation": {"postalCode": "100**"},
}


def test_a_sale_becomes_a_sighting_of_its_own_date_not_of_tonight() -> None:
    found = sale_sighting(SALE, PROVENANCE)
    assert (found.kind, found.item_id, found.observed_on) == ("sold", "123", date(2026, 10, 30))
    assert (found.precision, found.price, found.currency) == ("day", "14000.00", "USD")
    assert (found.make, found.postal_code, found.permission) == ("Ford", "100**", "contract 7")
    assert found.photo_urls == ()


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
    "text", ["", "soon", "0", "20050000", "2019-13", "2019-02-30", "2019-07-14-01", "-2019", "2019-"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        sale_date(text)


@pytest.mark.parametrize("text", ["", "soon", "20050000", "2019-07-14-01", "99999999999999999999"])
def test_a_sale_without_a_date_is_no_sale(text: str) -> None:
    with pytest.raises(ValueError, match="is no date"):
        sale_sighting(SALE | {"lastSoldDate": text}, PROVENANCE)


@settings(deadline=None)
@given(st.dates())
def test_every_day_is_read_as_it_was_written(day: date) -> None:
    assert sale_date(day.isoformat()) == (day, "day")
    assert sale_date(f"{day.isoformat()}T00:00:00Z") == (day, "day")
