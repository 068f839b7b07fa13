"""A row becomes a sighting of the kind it says; a sale needs a date that has been."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.folder.rows import photo_names, row_defect, row_facts, row_kind, sale_date

NIGHT = date(2026, 11, 30)
FORD = {"make": "Ford", "model": "Focus"}


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({}, None),
        ({"kind": "Asking "}, None),
        ({"kind": "sold", "sold_on": "2026-11-30"}, None),
        ({"kind": "sold", "sold_on": "2026-12-01"}, "sold_in_future"),
        ({"kind": "sold"}, "sold_without_date"),
        ({"kind": "sold", "sold_on": "11/30/2026"}, "sold_without_date"),
        ({"kind": "sold", "sold_on": "2026-02-30"}, "sold_without_date"),
        ({"kind": "rented"}, "unknown_kind"),
        ({"make": "", "model": ""}, "no_make"),
        ({"model": " "}, "no_model"),
        ({"make": "", "model": "", "title": "2012 Ford Focus ST"}, None),
    ],
)
def test_what_a_row_must_say(more: dict[str, str], rule: str | None) -> None:
    found = row_defect(FORD | more, NIGHT)
    assert (found and found[0]) == rule


@pytest.mark.parametrize(("kind", "imported", "nightly"), [("", "import", "asking"), ("import", "import", "asking"),
    ("asking", "import", "asking"), ("SOLD", "sold", "sold")])  # fmt: skip
def test_kinds(kind: str, imported: str, nightly: str) -> None:
    assert row_kind({"kind": kind}, "import") == imported
    assert row_kind({"kind": kind}, "asking") == nightly


@given(day=st.dates(min_value=date(1900, 1, 1)))
def test_dates_are_read_to_the_precision_they_are_written_in(day: date) -> None:
    assert sale_date(day.isoformat()) == (day, "day")
    assert sale_date(day.isoformat()[:7]) == (day.replace(day=1), "month")
    assert sale_date(day.isoformat()[:4]) == (day.replace(month=1, day=1), "year")


def test_text_stays_as_written_and_a_vin_counts_only_when_its_check_digit_holds() -> None:
    written = {"price": "$ 1,500", "zipcode": "10001", "mileage": "61 000 km", "vin": "1m8gdm9axkp042788"}
    facts = row_facts(FORD | written | {"buying_option": "best_offer auction", "seller": "me"})
    assert facts["price"] == "$ 1,500"
    assert facts["postal_code"] == "10001"
    assert facts["mileage_unit"] == "km"
    assert facts["vin"] == "1M8GDM9AXKP042788"
    assert facts["aspects"] == {"VIN": "1m8gdm9axkp042788"}
    assert facts["buying_options"] == ("AUCTION", "BEST_OFFER")
    assert "me" not in facts.values()
    assert row_facts(FORD | {"vin": "1M8GDM9A1KP042788"})["vin"] == ""


def test_photo_names_are_parted_by_blanks_or_by_a_sign_that_lets_them_hold_blanks() -> None:
    assert photo_names({"photos": " a.jpg  b.jpg a.jpg"}) == ["a.jpg", "b.jpg"]
    assert photo_names({"photos": "my car.jpg | b.jpg|"}) == ["my car.jpg", "b.jpg"]
    assert photo_names({"photos": "my car.jpg;b.jpg"}) == ["my car.jpg", "b.jpg"]
    assert photo_names({}) == []


def test_a_row_may_name_the_row_that_offered_the_car_before() -> None:
    assert row_facts(FORD | {"relist_of": " 17 "})["relist_of"] == "17"
    assert row_facts(FORD)["relist_of"] == ""
