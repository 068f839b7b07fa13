"""How the report writes figures: a dash for what is not known, thousands apart, units beside the number."""

import math
from collections.abc import Callable
from typing import Any

from autodetect import durations

UNKNOWN = "\N{EN DASH}"
LONGEST = 120  # characters shown of a text that came from a stranger


def number(value: float | None, digits: int = 0) -> str:
    """Return `12,345`, with `digits` decimals."""
    return UNKNOWN if _unknown(value) else f"{value:,.{digits}f}"


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share between 0 and 1 as `91.2 %`."""
    return UNKNOWN if share is None or _unknown(share) else f"{100 * share:.{digits}f} %"


def change(new: float | None, old: float | None) -> str:
    """Return how far `new` is from `old`, as `+2.1 %`; a dash when either is unknown or `old` is not positive."""
    if new is None or old is None or _unknown(new) or _unknown(old) or old <= 0:
        return UNKNOWN
    found = f"{100 * (new / old - 1):+.1f} %".replace("-", "\N{MINUS SIGN}")
    return "0.0 %" if found[1:] == "0.0 %" else found


def duration(seconds: float | None) -> str:
    """Return `4.2 s`, `3 min 20 s` or `2 h 05 min`."""
    if seconds is None or _unknown(seconds):
        return UNKNOWN
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    return durations.duration(seconds)


def size(count: float | None) -> str:
    """Return bytes as `46.2 MB` (powers of ten)."""
    if count is None or _unknown(count):
        return UNKNOWN
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} GB"


def clip(text: str) -> str:
    """Return the beginning of a long text."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


FILTERS: dict[str, Callable[..., str]] = {
    each.__name__: each for each in (number, percent, change, duration, size, clip)
}


def _unknown(value: Any) -> bool:
    return value is None or not math.isfinite(value)
