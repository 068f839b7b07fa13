"""Item specifics become fields: by any of the names that say one, a VIN only when its check digit holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.specifics import NAMES, VIN_NAMES, fields_of, mileage_unit

VALID, INVALID = "1M8GDM9AXKP042788", "1M8GDM9A1KP042788"


@pytest.mark.parametrize(("field", "name"), [(field, name) for field, names in NAMES.items() for name in names])
def test_each_name_says_its_field(field: str, name: str) -> None:
    assert fields_of({name: "as written", "Exterior Color": "Red"}) == {field: "as written"}


def test_the_first_name_that_says_something_wins() -> None:
    assert fields_of({"Model Year": "2011", "Year": "2012"}) == {"year": "2012"}
    assert fields_of({"Model Year": "2011", "Year": ""}) == {"year": "2011"}


@pytest.mark.parametrize("name", VIN_NAMES)
def test_only_a_vin_whose_check_digit_holds_is_one(name: str) -> None:
    assert fields_of({name: VALID.lower()}) == {"vin": VALID}
    assert fields_of({name: INVALID}) == {}


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("61,000 miles", "mi"),
        ("61,000 mi", "mi"),
        ("98.000 km", "km"),
        ("98 000 Kilometers", "km"),
        ("61000", ""),
        ("mint", ""),
        ("", ""),
    ],
)
def test_the_unit_of_a_mileage_is_what_it_says(text: str, unit: str) -> None:
    assert mileage_unit(text) == unit


def test_the_unit_stands_beside_the_mileage_as_written() -> None:
    assert fields_of({"Mileage": "61,000 miles"}) == {"mileage": "61,000 miles", "mileage_unit": "mi"}
    assert fields_of({"Mileage": "61000"}) == {"mileage": "61000"}


@given(st.dictionaries(st.text(max_size=8) | st.sampled_from([*VIN_NAMES, "Make", "Mileage"]), st.text(max_size=20)))
def test_any_specifics_give_known_fields_with_values(aspects: dict[str, str]) -> None:
    found = fields_of(aspects)
    assert set(found) <= {*NAMES, "mileage_unit", "vin"}
    assert all(found.values())
