"""Numbers are read as sellers write them, and never guessed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.catalog.fields import Reading, country_of_code, read_number, read_postal_code, region_of


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
    "text", ["unknown", "12.345,00", "5-6", "1e5", "100 or 200", "2005/2006", "-", "$", "--5", "1.2.3", "9" * 400]
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
    ("text", "code"), [("10001", "10001"), (" k1a 0b1 ", "K1A 0B1"), ("336**", "336**"), ("", None), ("  ", None)]
)
def test_a_postal_code_is_kept_as_written_in_capitals(text: str, code: str | None) -> None:
    assert read_postal_code(text) == code


@pytest.mark.parametrize(
    ("code", "country", "region"),
    [
        ("33602", "US", "336"),
        ("336**", "US", "336"),
        ("33602-1234", "US", "336"),
        ("K1A 0B1", "CA", "K1A"),
        ("k1a0b1", "CA", "K1A"),
        ("T6J ***", "CA", "T6J"),
        ("T6J", "CA", "T6J"),
        ("D-10115", None, None),
        ("1234", None, None),
        ("٣٣٦٠٢", None, None),
        ("*****", None, None),
        ("", None, None),
    ],
)
def test_a_masked_code_still_says_its_country_and_region(code: str, country: str | None, region: str | None) -> None:
    assert (country_of_code(code), region_of(code)) == (country, region)


@given(st.from_regex(r"[0-9]{5}", fullmatch=True))
def test_a_code_and_its_mask_are_in_one_region(code: str) -> None:
    assert region_of(code) == region_of(f"{code[:3]}**") == code[:3]
