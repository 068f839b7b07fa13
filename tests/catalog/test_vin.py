"""A VIN is one whose ninth sign checks the others, as 49 CFR 565.15 computes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.catalog.vin import check_digit, read_vin

SIGNS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"


@pytest.mark.parametrize("vin", ["1M8GDM9AXKP042788", "5GZCZ43D13S812715", "1HGCM82633A004352", "11111111111111111"])
def test_published_examples_have_the_check_digit_they_show(vin: str) -> None:
    assert check_digit(vin) == vin[8]


@pytest.mark.parametrize(
    "text", ["1M8GDM9AXKP042788", "1m8gdm9axkp042788", " 1M8GD M9AX-KP042788 ", "1M8GDM9AX\u00a0KP042788"]
)
def test_a_vin_is_read_in_capitals_without_blanks_and_hyphens(text: str) -> None:
    assert read_vin(text) == "1M8GDM9AXKP042788"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "none",
        "1M8GDM9A1KP042788",  # the wrong check digit
        "1M8GDM9AXKP04278",  # a sign short
        "1M8GDM9AXKP0427880",  # a sign long
        "IM8GDM9AXKP042788",  # I, O and Q are no signs of a VIN
        "1M8GDM9AXKPO42788",
        "11111111111111111",  # holds, and is what people type who have none
        "00000000000000000",
        "１M8GDM9AXKP042788",  # noqa: RUF001 - a digit, but not of a VIN
    ],
)
def test_what_is_no_vin_is_refused(text: str) -> None:
    assert read_vin(text) == ""


@given(st.text(SIGNS, min_size=17, max_size=17).filter(lambda signs: len(set(signs)) > 2))
def test_any_signs_with_their_check_digit_are_a_vin_and_with_no_other(signs: str) -> None:
    digit = check_digit(signs)
    assert read_vin(signs[:8] + digit + signs[9:]) == signs[:8] + digit + signs[9:]
    others = set("0123456789X") - {digit}
    assert {read_vin(signs[:8] + other + signs[9:]) for other in others} == {""}


@given(st.text(SIGNS, min_size=17, max_size=17), st.integers(0, 16), st.sampled_from("0123456789"))
def test_one_digit_mistaken_for_another_is_noticed(signs: str, place: int, digit: str) -> None:
    """Every weight but the ninth's is prime to 11, and no two digits differ by 11."""
    vin = signs[:8] + check_digit(signs) + signs[9:]
    if place != 8 and vin[place].isdigit() and vin[place] != digit:
        assert read_vin(vin[:place] + digit + vin[place + 1 :]) == ""


@given(st.text())
def test_any_text_gives_a_vin_or_nothing(text: str) -> None:
    assert len(read_vin(text)) in {0, 17}
