"""Dates as eBay's pages write them, in English and German: 'Mar 7, 2026', '7. Mrz 2022', 'Sat, Mar 7 at 10:00 AM'."""

import re
from datetime import date, timedelta
from email.utils import parsedate_to_datetime

from autodetect.records import Precision

_MONTHS = (
    ("january", "januar", "jänner", "jan", "jän"),
    ("february", "februar", "feb"),
    ("march", "märz", "mar", "mär", "mrz"),
    ("april", "apr"),
    ("may", "mai"),
    ("june", "juni", "jun"),
    ("july", "juli", "jul"),
    ("august", "aug"),
    ("september", "sept", "sep"),
    ("october", "oktober", "oct", "okt"),
    ("november", "nov"),
    ("december", "dezember", "dec", "dez"),
)
_MONTH_OF = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names}
_WEEKDAYS = (("mon", "mo"), ("tue", "di"), ("wed", "mi"), ("thu", "do"), ("fri", "fr"), ("sat", "sa"), ("sun", "so"))
_WEEKDAY_OF = {name: number for number, names in enumerate(_WEEKDAYS) for name in names}
_NAME = "|".join(sorted(_MONTH_OF, key=len, reverse=True))
_YEAR = r"(?:,?\s+(?P<year>\d{4})(?!\d))?"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"(?<!\d)(?P<day>\d\d?)\.(?P<number>\d\d?)\.(?P<year>\d{4})(?!\d)",
        rf"(?<!\d)(?P<day>\d\d?)\.?\s+(?P<month>{_NAME})\b\.?{_YEAR}",
        rf"\b(?P<month>{_NAME})\b\.?\s+(?P<day>\d\d?)(?!\d){_YEAR}",
    )
)
# Without a day, a date is one only where the text is plainly about when.
_MONTH_ALONE = re.compile(rf"\b(?P<month>{_NAME})\b\.?\s+(?P<year>\d{{4}})(?!\d)", re.IGNORECASE)
_YEAR_ALONE = re.compile(r"\b(?:sold|verkauft|on|am|in|im)\s+(?P<year>\d{4})(?=\W*$)", re.IGNORECASE)
_WEEKDAY_BEFORE = re.compile(r"([^\W\d_]+)[.,]*\s*$")
# eBay takes the pages of sold items down long before.
_YEARS_BACK = 4


def read_date(text: str, seen_on: date | None = None) -> tuple[date, Precision] | None:
    """Return the first date in a text and its precision, None where there is none. Unknown parts become 1.

    Args:
        text: as the page shows it.
        seen_on: the day the page was served. A date without a year is the last such day by then that falls on the
            weekday which the text names, if it names one; without `seen_on` it is no date.
    """
    for form in _FORMS:
        if match := form.search(text):
            parts = match.groupdict()
            month = _MONTH_OF[parts["month"].lower()] if parts.get("month") else int(parts["number"])
            day, year = int(parts["day"]), parts["year"]
            weekday = _weekday(text[: match.start()])
            return _dated(_day(int(year), month, day) if year else _last(month, day, weekday, seen_on), "day")
    if match := _MONTH_ALONE.search(text):
        return _dated(_day(int(match["year"]), _MONTH_OF[match["month"].lower()], 1), "month")
    if match := _YEAR_ALONE.search(text):
        return _dated(_day(int(match["year"]), 1, 1), "year")
    return None


def read_http_date(header: str | None) -> date | None:
    """Return the day in an HTTP `Date` header, None where there is none."""
    try:
        return parsedate_to_datetime(header).date() if header else None
    except ValueError:
        return None


def _dated(day: date | None, precision: Precision) -> tuple[date, Precision] | None:
    return None if day is None else (day, precision)


def _last(month: int, day: int, weekday: int | None, seen_on: date | None) -> date | None:
    if seen_on is None:
        return None
    latest = seen_on + timedelta(days=1)  # a page may be a day ahead of the clock that dated it
    for year in range(latest.year, max(latest.year - _YEARS_BACK, 1), -1):
        found = _day(year, month, day)
        if found and found <= latest and weekday in {None, found.weekday()}:
            return found
    return None


def _weekday(before: str) -> int | None:
    match = _WEEKDAY_BEFORE.search(before)
    word = match[1].lower() if match else ""
    return _WEEKDAY_OF.get(word[:3] if word[:3] in _WEEKDAY_OF else word[:2] if len(word) == 2 else "")


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
