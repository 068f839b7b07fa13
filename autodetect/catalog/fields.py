"""Numbers out of what sellers wrote. Ranges are judged later, by the validation suites; here is only reading."""

import math
import re
from dataclasses import dataclass

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
