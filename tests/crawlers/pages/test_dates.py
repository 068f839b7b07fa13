"""Dates are read as pages write them, in English and German, with and without a year."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.pages.dates import read_date

ENGLISH = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
GERMAN = ["Jan", "Feb", "Mrz", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"]
GERMAN_NAMES = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
]
WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
DAYS = st.dates(min_value=date(1995, 9, 3), max_value=date(2099, 12, 30))
WRITTEN = {
    "American": lambda day: f"Sold  {ENGLISH[day.month - 1]} {day.day}, {day.year}",
    "padded": lambda day: f"Ended: {ENGLISH[day.month - 1]} {day.day:02}, {day.year} 10:00:00 PST",
    "British": lambda day: f"Sold  {day.day} {ENGLISH[day.month - 1]} {day.year}",
    "German": lambda day: f"Verkauft  {day.day}. {GERMAN[day.month - 1]} {day.year}",
    "German, dotted": lambda day: f"Verkauft {day.day:02}. {GERMAN[day.month - 1]}. {day.year}",
    "German, in full": lambda day: f"Beendet am {day.day}. {GERMAN_NAMES[day.month - 1]} {day.year}",
    "German, in numbers": lambda day: f"Beendet: {day.day:02}.{day.month:02}.{day.year} 10:00",
}


@pytest.mark.parametrize("form", WRITTEN)
@given(day=DAYS)
def test_every_day_is_read_as_it_was_written(form: str, day: date) -> None:
    assert read_date(WRITTEN[form](day)) == (day, "day")


@given(day=DAYS, later=st.integers(min_value=0, max_value=360))
def test_a_day_without_a_year_is_the_last_such_day_before_the_page_was_served(day: date, later: int) -> None:
    text = f"This listing sold on {WEEKDAYS[day.weekday()]}, {ENGLISH[day.month - 1]} {day.day} at 10:00 AM."
    assert read_date(text, day + timedelta(days=later)) == (day, "day")


def test_the_weekday_tells_the_year_and_a_page_may_be_a_day_ahead() -> None:
    assert read_date("Sat, Mar 7", date(2027, 1, 5)) == (date(2026, 3, 7), "day")
    assert read_date("Sun, Mar 8", date(2026, 3, 7)) == (date(2026, 3, 8), "day")
    assert read_date("Mo, 7. Mrz um 10:00", date(2022, 3, 9)) == (date(2022, 3, 7), "day")
    assert read_date("Mar 9", date(2026, 3, 7)) == (date(2025, 3, 9), "day")
    assert read_date("Fri, Mar 7", date(2026, 3, 10)) == (date(2025, 3, 7), "day")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sold  Mar 2026", (date(2026, 3, 1), "month")),
        ("Verkauft Mrz. 2022", (date(2022, 3, 1), "month")),
        ("Sold  2019", (date(2019, 1, 1), "year")),
        ("This listing sold on 2019.", (date(2019, 1, 1), "year")),
        ("Sold 2019 Ford Mustang", None),
        ("Sold  20190000", None),
    ],
)
def test_a_date_is_as_precise_as_it_is_written(text: str, expected: tuple[date, str] | None) -> None:
    assert read_date(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sold",
        "Sold out",
        "Feb 30, 2026",
        "Mar 7",
        "31. Apr 2022",
        "00.00.0000",
        "Marvellous 7, 2026",
        "Mar 711, 2026",
    ],
)
def test_what_is_no_date_or_lacks_its_year_is_none(text: str) -> None:
    assert read_date(text) is None


def test_no_year_that_fits_the_weekday_is_none() -> None:
    assert read_date("Tue, Mar 7", date(2026, 3, 10)) == (date(2023, 3, 7), "day")
    assert read_date("Mon, Feb 29", date(2026, 3, 10)) is None


@given(st.text(), st.none() | st.dates())
def test_any_text_gives_a_date_or_none(text: str, seen_on: date | None) -> None:
    found = read_date(text, seen_on)
    assert found is None or (isinstance(found[0], date) and found[1] in {"day", "month", "year"})
