"""Numbers out of what sellers wrote. Ranges are judged later, by the validation suites; here is only reading."""

import math
import re
from dataclasses import dataclass

_SHAPES = {
    "US": re.compile(r"[0-9]{5}(?:-[0-9]{4})?|[0-9]{3}\*\*"),
    "CA": re.compile(r"[A-Z][0-9][A-Z](?: ?[0-9][A-Z][0-9]| ?\*+)?"),
}
_NUMBER = re.compile(r"^[^\d-]*(-?\d[\d,]*(?:\.\d+)?)\D*$")


@dataclass(frozen=True)
class Reading:
    """A number read from text; `unreadable` when there was text but no single number in it."""

    value: float | None
    unreadable: bool = False


def read_number(text: str) -> Reading:
    """Read '12,345', '$12,345.00' or '98000 miles' as a number; empty text is no number and no fault."""
    stripped = text.strip()
    if not stripped:
        return Reading(None)
    match = _NUMBER.match(stripped)
    if match is None:
        return Reading(None, unreadable=True)
    value = float(match.group(1).replace(",", ""))
    return Reading(value) if math.isfinite(value) else Reading(None, unreadable=True)


def read_postal_code(text: str) -> str | None:
    """Return a postal code as written, without blanks around it and in capitals; None when there is none."""
    code = text.strip().upper()
    return code or None


def country_of_code(code: str) -> str | None:
    """Return 'US' or 'CA' by a postal code's shape ('336**', '10001-1234'; 'K1A 0B1', 'T6J ***'); None for others."""
    shown = code.strip().upper()
    return next((country for country, shape in _SHAPES.items() if shape.fullmatch(shown)), None)


def region_of(code: str) -> str | None:
    """Return what the first three signs of a postal code name: a US sectional center or a Canadian sorting area.

    They are what masked codes still show: '336**' and '33602' are both in '336', 'T6J ***' is in 'T6J'. None for
    anything that is neither a US nor a Canadian code.
    """
    return code.strip()[:3].upper() if country_of_code(code) else None
