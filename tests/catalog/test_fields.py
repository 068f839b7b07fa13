"""Numbers are read as sellers write them, and never guessed."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.catalog.fields import (
    Reading,
    leading_year,
    read_cylinders,
    read_mileage,
    read_number,
    read_price,
    read_year,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12345", 12345),
        ("12,345", 12345),
        ("$12,345.00", 12345),
        ("US $12,345.50", 12345.5),
        ("98000 miles", 98000),
        (" 98,000 mi. ", 98000),
        ("0", 0),
        ("-5", -5),
        ("20050000", 20050000),
        ("V8", 8),
        ("~120k", 120),
    ],
)
def test_one_number_in_the_text_is_read(text: str, value: float) -> None:
    assert read_number(text) == Reading(value)


@pytest.mark.parametrize("text", ["", " ", "\t\n"])
def test_no_text_is_no_number_and_no_fault(text: str) -> None:
    assert read_number(text) == Reading(None)


@pytest.mark.parametrize(
    "text",
    [
        "unknown",
        "12.345,00",
        "5-6",
        "1e5",
        "100 or 200",
        "2005/2006",
        "-",
        "$",
        "--5",
        "1.2.3",
        "9" * 400,
        "12,50",
        "1,23,456",
    ],
)
def test_text_without_a_single_finite_number_is_unreadable(text: str) -> None:
    assert read_number(text) == Reading(None, unreadable=True)


@settings(deadline=None)
@given(st.integers(-(10**12), 10**12), st.sampled_from(["{}", "${:,}", "{:,} miles", "USD {}", " {:,}.00 "]))
def test_a_number_comes_back_however_it_was_written(number: int, form: str) -> None:
    assert read_number(form.format(number)) == Reading(float(number))


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=30))
def test_no_text_breaks_the_reading(text: str) -> None:
    reading = read_number(text)
    assert reading.unreadable == (reading.value is None and bool(text.strip()))


@pytest.mark.parametrize(
    ("text", "currency", "value", "rule"),
    [
        ("1,234.50", "USD", 1234.5, ""),
        ("$1,234", "USD", 1234, ""),
        ("$1,234", "CAD", 1234, ""),
        ("CA$ 1,234", "CAD", 1234, ""),
        ("15000 OBO", "USD", 15000, ""),
        ("12.5k", "USD", 12500, "listing.price_thousands"),
        ("$15K obo", "USD", 15000, "listing.price_thousands"),
        ("15 thousand", "", 15000, "listing.price_thousands"),
        ("12.345,00", "EUR", 12345, "listing.price_decimal_comma"),
        ("€12.345", "EUR", 12345, "listing.price_decimal_comma"),
        ("12345,5", "SEK", 12345.5, "listing.price_decimal_comma"),
        ("12.345,00 €", "", 12345, "listing.price_decimal_comma"),
        ("12,345.00", "EUR", 12345, ""),
        ("12,345", "EUR", 12345, ""),
        ("12.34", "EUR", 12.34, ""),
        ("€9,000", "USD", None, "listing.price_currency_contradicts"),
        ("$9,000", "EUR", None, "listing.price_currency_contradicts"),
        ("US $9,000", "CAD", None, "listing.price_currency_contradicts"),
    ],
)
def test_a_price_is_read_as_its_currency_is_written(text: str, currency: str, value: float | None, rule: str) -> None:
    assert read_price(text, currency) == Reading(value, rule=rule)


@pytest.mark.parametrize(
    "text", ["$12.345,00", "12.345", "12,50", "1.2m", "1.2 million", "$299/mo", "20% down", "ask", "5-6"]
)
def test_a_price_that_could_be_two_amounts_or_none_is_unreadable(text: str) -> None:
    assert read_price(text, "USD") == Reading(None, unreadable=True)


@pytest.mark.parametrize(
    ("text", "unit", "value", "rule"),
    [
        ("61,000 miles", "mi", 61000, ""),
        ("61000", "", 61000, ""),
        ("1.5", "", 2, ""),
        ("100,000 km", "km", 62137, ""),
        ("123,000 km", "", 76429, "listing.mileage_unit_in_text"),
        ("123,456 km", "", 123456, "listing.mileage_unit_in_text"),
        ("98k", "", 98000, "listing.mileage_thousands"),
        ("98.5K miles", "mi", 98500, "listing.mileage_thousands"),
        ("100k km", "km", 62137, "listing.mileage_thousands"),
        ("98km", "", 61, "listing.mileage_unit_in_text"),
        ("999999 km", "km", 999999, ""),
        ("TMU", "", None, "listing.mileage_unknown"),
        ("98,000 TMU", "mi", None, "listing.mileage_unknown"),
        ("Exempt", "", None, "listing.mileage_unknown"),
        ("98,000 km", "mi", None, "listing.mileage_unit_contradicts"),
        ("98,000 miles", "km", None, "listing.mileage_unit_contradicts"),
        ("", "km", None, ""),
    ],
)
def test_a_mileage_is_in_miles(text: str, unit: str, value: float | None, rule: str) -> None:
    assert read_mileage(text, unit) == Reading(value, rule=rule)


@pytest.mark.parametrize("text", ["low", "98.000", "100 km (62 mi)", "12,5"])
def test_a_mileage_that_could_be_two_is_unreadable(text: str) -> None:
    assert read_mileage(text) == Reading(None, unreadable=True)


@pytest.mark.parametrize(
    ("text", "title_year", "value", "rule"),
    [
        ("2012", None, 2012, ""),
        ("20050000", None, 20050000, ""),
        ("0", None, 0, ""),
        ("67", None, 1967, "listing.year_two_digits"),
        ("'67", None, 1967, "listing.year_two_digits"),
        ("29", None, 1929, "listing.year_two_digits"),
        ("05", 2005, 2005, "listing.year_two_digits"),
        ("05", 1905, 1905, "listing.year_two_digits"),
        ("05", None, None, "listing.year_ambiguous"),
        ("05", 2012, None, "listing.year_ambiguous"),
        ("28", None, None, "listing.year_ambiguous"),
        ("1967/68", None, None, "listing.year_span"),
        ("1967 - 1968", None, None, "listing.year_span"),
        ("2005-06", None, None, "listing.year_span"),
        ("2012-03", None, 2012, "listing.year_among_numbers"),
        ("03/2012", None, 2012, "listing.year_among_numbers"),
        ("2012 (62 plate)", None, 2012, "listing.year_among_numbers"),
    ],
)
def test_a_year_is_one_year_or_none(text: str, title_year: int | None, value: float | None, rule: str) -> None:
    assert read_year(text, title_year, latest=2028) == Reading(value, rule=rule)


@pytest.mark.parametrize("text", ["new", "2012 2013 2014", "1 of 500"])
def test_a_year_among_several_or_none_is_unreadable(text: str) -> None:
    assert read_year(text, 2012, latest=2028) == Reading(None, unreadable=True)


@pytest.mark.parametrize(
    ("title", "year"),
    [
        ("2012 Ford Mustang", 2012),
        ("  1967, Ford", 1967),
        ("2002", 2002),
        ("BMW 2002 tii", None),
        ("20012 Ford", None),
        ("1967/68 Ford", None),
        ("1500 Ram", None),
        ("", None),
    ],
)
def test_only_a_year_that_a_title_begins_with_is_its_year(title: str, year: int | None) -> None:
    assert leading_year(title) == year


@pytest.mark.parametrize(("text", "cylinders"), [("8", 8), ("V6", 6), ("0", None), ("17", None), ("electric", None)])
def test_impossible_cylinders_are_none(text: str, cylinders: int | None) -> None:
    assert read_cylinders(text) == cylinders


@settings(deadline=None, max_examples=300)
@given(st.text("0123456789.,'k$€/-* miTMUka", max_size=12), st.sampled_from(["", "USD", "EUR"]))
def test_a_reading_is_a_finite_number_or_says_why_not(text: str, currency: str) -> None:
    for reading in (read_price(text, currency), read_mileage(text), read_year(text, latest=2028)):
        if reading.value is None:
            assert bool(text.strip()) == (reading.unreadable or bool(reading.rule))
            assert not (reading.unreadable and reading.rule)
        else:
            assert math.isfinite(reading.value)
            assert not reading.unreadable
