"""How the gate writes shares and differences."""

from collections.abc import Sequence


def percent(share: float) -> str:
    """Return a share as percent: `71.4 %`."""
    return f"{100 * share:.1f} %"


def points(share: float, sign: str = "+") -> str:
    """Return a difference of shares in points, with its sign unless `sign` is empty."""
    return f"{100 * share:{sign}.1f}"


def listed(names: Sequence[str], most: int = 3) -> str:
    """Return the first few names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def counted(number: int, one: str, many: str) -> str:
    """Return `1 class` or `12 classes`."""
    return f"{number:,} {one if number == 1 else many}"
