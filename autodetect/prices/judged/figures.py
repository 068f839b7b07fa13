"""What an evaluation of the valuation tells: typed records, small enough for a receipt.

Errors are absolute percentage errors, |value - price| / price, as shares (0.25: a quarter of the price); their median
is MdAPE. Shares are 0..1. A figure that nothing can be said of is null, never NaN.
"""

from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt

from autodetect.records import Record

Method = Literal["valuation", "mean per model", "median per model"]
Floats = npt.NDArray[np.float64]

WITHIN = 0.2  # an error of at most so much counts as close
_DIGITS = 4  # enough for any decision, few enough for a receipt


class MethodFigures(Record):
    """How one method does on the tested cars.

    `cars` were valued, `unvalued` could not be. `coverage` is the share of prices inside the interval, `interval_ratio`
    the median of upper by lower end; both are null for a method that gives no interval.
    """

    method: Method
    cars: int
    unvalued: int
    median_ape: float | None = None
    within_20: float | None = None
    coverage: float | None = None
    interval_ratio: float | None = None


class Slice(Record):
    """Some of the tested cars, such as a make: the valuation's figures, and the baselines' median errors beside them.

    `cars` are all, `valued` those that the valuation gave a value.
    """

    name: str
    cars: int
    valued: int
    median_ape: float | None
    within_20: float | None
    coverage: float | None
    by_mean: float | None
    by_median: float | None


class Slices(Record):
    """Slices of one kind, and how many more there are that are not told, with so many cars."""

    told: tuple[Slice, ...]
    more: int = 0
    more_cars: int = 0


class Estimate(Record):
    """A figure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


class SplitEvaluation(Record):
    """One way to hold cars out.

    `median_ape` is the valuation's MdAPE; `ratio` is that by the mean per model's, both on the cars that either values.
    `cut` is the first day of the tested sales (by time only). `left_out` are sales that are neither trained on nor
    tested: their bare date does not say on which side of the cut they are, or their vehicle is tested.
    """

    split: Literal["vehicle", "time"]
    training: int
    tested: int
    left_out: int = 0
    cut: date | None = None
    methods: tuple[MethodFigures, ...]
    median_ape: Estimate | None
    ratio: Estimate | None
    by_price: Slices
    by_make: Slices
    by_model: Slices

    def of(self, method: Method) -> MethodFigures:
        """Return the figures of one method."""
        return next(each for each in self.methods if each.method == method)


class PriceEvaluation(Record):
    """A night's evaluation: by vehicle, by time (train on earlier, test on later), and in words what was not judged.

    `as_of` is the day that held-out vehicles are valued at: that of the newest sale.
    """

    as_of: date
    basis: Literal["sold", "asking"] | None
    currency: str | None
    sales: int
    by_vehicle: SplitEvaluation | None
    by_time: SplitEvaluation | None
    words: tuple[str, ...] = ()


def median_of(values: Floats) -> float | None:
    """Return the rounded median of the values that are known; `None` where there is none."""
    known = values[~np.isnan(values)]
    return rounded(np.median(known)) if len(known) else None


def share_of(hits: Floats) -> float | None:
    """Return the rounded share of 1 among 0, 1 and NaN (not known); `None` where nothing is known."""
    known = hits[~np.isnan(hits)]
    return rounded(known.mean()) if len(known) else None


def rounded(value: float) -> float:
    """Return a figure as receipts keep it."""
    return round(float(value), _DIGITS)
