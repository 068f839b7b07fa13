"""Cleaning: text becomes facts, each correction names its rule, and a column says what a row would."""

from datetime import date
from typing import Any

import pandas as pd
import pytest

from autodetect.dataset.cleaning import cleaned
from tests.dataset.sightings import SALE, sightings


def frame_of(*changes: dict[str, Any]) -> pd.DataFrame:
    return cleaned(sightings(*changes)).frame


def fact(**changes: Any) -> dict[str, Any]:
    (row,) = frame_of(changes).to_dict("records")
    return row


def test_a_listings_text_becomes_facts() -> None:
    row = fact()
    assert row["make_model_id"] == "ford/mustang"
    assert (row["asking_price"], row["any_price"], row["year"], row["mileage"]) == (15000.0, 15000.0, 2012.0, 61000.0)
    assert (row["cylinders"], row["postal_code"], row["region"]) == (8, "10001", "100")
    assert row["sighting"] == "asking"
    assert (row["price_unreadable"], row["year_unreadable"], row["mileage_unreadable"]) == (False, False, False)
    assert pd.isna(row["sold_price"])
    assert row["sold_on"] is None


def test_a_sales_price_and_date_are_its_own() -> None:
    row = fact(**SALE)
    assert (row["sold_price"], row["sold_on"], row["sold_precision"]) == (14000.0, date(2026, 10, 30), "day")
    assert (row["any_price"], row["sighting"]) == (14000.0, "sold 2026-10-30")
    assert pd.isna(row["asking_price"])


@pytest.mark.parametrize("field", ["price", "year", "mileage"])
def test_text_without_a_number_is_marked_and_empty_text_is_not(field: str) -> None:
    column = {"price": "asking_price"}.get(field, field)
    for text, unreadable in (("call me", True), ("", False), ("9" * 400, True)):
        row = fact(**{field: text})
        assert row[f"{field}_unreadable"] is unreadable
        assert pd.isna(row[column])


@pytest.mark.parametrize(
    ("text", "unit", "miles"),
    [
        ("100,000 km", "km", 62137),
        ("1 km", "km", 1),
        ("0", "km", 0),
        ("100,000 miles", "mi", 100000),
        ("100000", "", 100000),
        ("999999 km", "km", 999999),  # what sellers type who do not want to say, for the rule that knows it
        ("", "km", None),
        ("far", "km", None),
    ],
)
def test_mileage_is_in_miles(text: str, unit: str, miles: int | None) -> None:
    value = fact(mileage=text, mileage_unit=unit)["mileage"]
    assert (None if pd.isna(value) else value) == miles


@pytest.mark.parametrize(("text", "cylinders"), [("8", 8), ("0", None), ("17", None), ("V6", 6), ("electric", None)])
def test_impossible_cylinders_are_none(text: str, cylinders: int | None) -> None:
    (value,) = frame_of({"cylinders": text})["cylinders"].astype(object)
    assert (None if pd.isna(value) else value) == cylinders


def test_every_sighting_has_its_row_and_its_identity() -> None:
    done = cleaned(sightings(*({"item_id": str(n), "model": model} for n, model in enumerate("abca"))))
    assert done.frame["item_id"].tolist() == ["0", "1", "2", "3"]
    assert done.frame["make_model_id"].tolist() == ["ford/a", "ford/b", "ford/c", "ford/a"]
    assert {each.make_model_id: rows for each, rows in done.decisions.items()} == {
        "ford/a": 2,
        "ford/b": 1,
        "ford/c": 1,
    }


def test_a_night_without_sightings_is_no_failure() -> None:
    done = cleaned(sightings())
    assert (len(done.frame), done.refusals(), done.decisions) == (0, [], {})


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
def test_a_year_off_the_vins_is_nobodys_fault_and_two_are_noted(sign: str, year: int, contradicted: bool) -> None:
    done = cleaned(sightings({"title": "", "year": str(year), "vin": f"1M8GDM9AX{sign}P042788"}))
    assert ("listing.year_contradicts_vin" in {rule for _, rule, _ in map(tuple, done.rules)}) == contradicted


@pytest.mark.parametrize("vin", ["", "VIN1"])
def test_what_is_no_vin_contradicts_no_year(vin: str) -> None:
    done = cleaned(sightings({"title": "", "year": "1967", "vin": vin}))
    assert "listing.year_contradicts_vin" not in {rule for _, rule, _ in map(tuple, done.rules)}
