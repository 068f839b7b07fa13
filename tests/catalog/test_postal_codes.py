"""Postal codes keep what a mask leaves, and no region is made up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.catalog.postal_codes import PostalCode, country_of_code, read_postal_code


@pytest.mark.parametrize(
    ("text", "code"), [("10001", "10001"), (" k1a 0b1 ", "K1A 0B1"), ("336**", "336**"), ("", None), ("  ", None)]
)
def test_a_postal_code_is_kept_as_written_in_capitals(text: str, code: str | None) -> None:
    assert read_postal_code(text)[::2] == (code, "")


@pytest.mark.parametrize(
    ("text", "country", "code", "region", "rule"),
    [
        ("2139", "US", "02139", "021", "listing.postal_code_lost_zero"),
        ("2139-1234", "US", "02139-1234", "021", "listing.postal_code_lost_zero"),
        ("2139", "", "2139", None, ""),
        ("2139", "CH", "2139", None, ""),
        ("m5v-3l9", "CA", "M5V 3L9", "M5V", "listing.postal_code_respelt"),
        ("T6J-***", "", "T6J ***", "T6J", "listing.postal_code_respelt"),
        ("10115", "DE", "10115", None, ""),
        ("SW1A 1AA", "GB", "SW1A 1AA", None, ""),
        ("00907", "PR", "00907", "009", ""),
        ("00501", "US", "00501", "005", ""),
        ("00500", "US", None, None, "listing.postal_code_not_credible"),
        ("99950", "United States", "99950", "999", ""),
        ("99951", "", None, None, "listing.postal_code_not_credible"),
        ("999**", "US", "999**", "999", ""),
        ("004**", "US", None, None, "listing.postal_code_not_credible"),
        ("K1A 0B1", "US", "K1A 0B1", None, "listing.postal_code_contradicts_country"),
        ("33602", "CA", "33602", None, "listing.postal_code_contradicts_country"),
        ("33***", "US", "33***", None, ""),
    ],
)
def test_what_is_done_to_a_postal_code_has_a_name(
    text: str, country: str, code: str | None, region: str | None, rule: str
) -> None:
    assert read_postal_code(text, country) == PostalCode(code, region, rule)


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
    assert (country_of_code(code), read_postal_code(code).region) == (country, region)


@given(st.integers(501, 99950).map("{:05}".format))
def test_a_code_and_its_mask_are_in_one_region(code: str) -> None:
    assert read_postal_code(code).region == read_postal_code(f"{code[:3]}**").region == code[:3]
