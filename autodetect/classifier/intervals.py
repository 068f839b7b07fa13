"""How sure a share is: Wilson's interval, and Newcombe's for the difference of two. NumPy only."""

import math
from typing import Self

import numpy as np
import numpy.typing as npt

from autodetect.records import Record

DIGITS = 6
# Two-sided 95 % of the normal distribution.
Z95 = 1.959964


class Share(Record):
    """A share of `n` cases, 0..1, with the 95 % interval from `low` to `high`."""

    n: int
    share: float
    low: float
    high: float

    @classmethod
    def of(cls, hits: npt.ArrayLike, cases: int | None = None) -> Self:
        """Return the share of true values.

        Args:
            hits: boolean, shape (n,), n >= 1.
            cases: how many independent cases they come from, when fewer than n: photos of one car tend to be right or
                wrong together, so that their share is only as sure as that of so many cars.

        Raises:
            ValueError: there are no hits, or no cases.
        """
        right = np.asarray(hits, bool)
        share = float(right.mean()) if right.size else math.nan
        low, high = wilson(share, len(right) if cases is None else cases)
        return cls(n=len(right), share=rounded(share), low=rounded(low), high=rounded(high))


def wilson(share: float, n: float, z: float = Z95) -> tuple[float, float]:
    """Return the score interval of a share (Wilson, JASA 22, 1927): never empty, never beyond 0..1.

    Args:
        share: right answers by cases, 0..1.
        n: cases, above 0; need not be whole.
        z: quantile of the normal distribution; 1.96 gives a two-sided 95 %.

    Raises:
        ValueError: a share of nothing.
    """
    if not n > 0:
        raise ValueError("a share of nothing has no interval")
    centre = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # A share of 0 or 1 is its own bound; rounding would leave it a hair outside.
    low = 0.0 if share == 0 else max(0.0, (centre - spread) / scale)
    high = 1.0 if share == 1 else min(1.0, (centre + spread) / scale)
    return low, high


def difference(one: Share, other: Share) -> tuple[float, float, float]:
    """Return `one` minus `other`, both of different cases, with its 95 % interval: (difference, low, high).

    Newcombe's hybrid score interval (Statistics in Medicine 17, 1998, method 10).
    """
    found = one.share - other.share
    low = found - math.hypot(one.share - one.low, other.high - other.share)
    high = found + math.hypot(one.high - one.share, other.share - other.low)
    return rounded(found), rounded(low), rounded(high)


def rounded(value: float) -> float:
    """Return a figure as records keep it: enough digits for any decision, few enough to be the same everywhere."""
    return round(float(value), DIGITS)
