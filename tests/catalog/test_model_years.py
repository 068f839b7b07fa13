"""A VIN's tenth sign tells the model year, in rounds of thirty."""

import pytest

from autodetect.catalog.model_years import vin_contradicts


def vin(sign: str) -> str:
    return f"1M8GDM9AX{sign}P042788"


@pytest.mark.parametrize(
    ("sign", "year", "contradicted"),
    [
        ("K", 1989, False),
        ("K", 2019, False),
        ("K", 2020, False),
        ("K", 2018, False),
        ("K", 2017, True),
        ("K", 2005, True),
        ("A", 1980, False),
        ("A", 2010, False),
        ("A", 1979, False),
        ("A", 2009, False),
        ("9", 2010, False),
        ("Y", 1967, True),
        ("Y", 1970, True),
        ("U", 1967, False),
        ("0", 1967, False),
    ],
)
def test_a_year_off_is_nobodys_fault_and_two_are_noted(sign: str, year: int, contradicted: bool) -> None:
    assert vin_contradicts(vin(sign), year) == contradicted


def test_what_is_no_vin_contradicts_nothing() -> None:
    assert not vin_contradicts("", 1967)
    assert not vin_contradicts("VIN1", 1967)
