"""The buyers' label of an asking price: great, good, fair, high, or no rating.

Marketplaces compare an asking price with an estimate of the car's market value and call the deal by a few names:
CarGurus says great, good, fair, high or overpriced (https://www.cargurus.ca/Cars/Discussion-d15_ds1012326); mobile.de
very good, good, fair, increased, high price or no rating (https://services.mobile.de/refdata/pricerating). Neither
publishes where one name ends. Here the label says where the price stands in the interval of that very car, on the
scale of ratios, as prices spread:

=========  ====================================  ==========================================================
label      price                                 so priced, where log prices are normal and the interval 80 %
=========  ====================================  ==========================================================
great      up to low                             the cheapest 10 %
good       up to sqrt(low * value), midway       the next 16 %
fair       up to sqrt(value * high), midway      the middle 48 %
high       above                                 the dearest 26 %
=========  ====================================  ==========================================================

A fixed percentage would call every odd classic a great deal or a bad one, and no ordinary car either. Where the
interval is wider than `valuation.max_interval_ratio`, nobody knows what the car is worth, and there is no rating.
"""

import math
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Rating = Literal["great", "good", "fair", "high", "no rating"]
RATINGS: tuple[Rating, ...] = ("great", "good", "fair", "high", "no rating")
_NONE: Rating = "no rating"


def rating_of(
    price: float | None,
    value: float | None,
    low: float | None,
    high: float | None,
    *,
    same_currency: bool = True,
    max_interval_ratio: float,
) -> Rating:
    """Return the label of one price; `no rating` where price or value is not known, or the interval too wide.

    Args:
        price: what is asked.
        value: what such a car is worth.
        low: lower end of the value's interval.
        high: upper end of it.
        same_currency: whether all four are of one currency.
        max_interval_ratio: the largest `high` by `low` that is rated.
    """
    if price is None or value is None or low is None or high is None or not same_currency:
        return _NONE
    if not (0 < price < math.inf and 0 < low <= value <= high < math.inf and high / low <= max_interval_ratio):
        return _NONE
    if price <= low:
        return "great"
    if price <= _midway(low, value):
        return "good"
    return "fair" if price <= _midway(value, high) else "high"


def ratings(
    price: npt.ArrayLike,
    value: npt.ArrayLike,
    low: npt.ArrayLike,
    high: npt.ArrayLike,
    *,
    same_currency: npt.ArrayLike = True,
    max_interval_ratio: float,
) -> npt.NDArray[np.object_]:
    """Return the label of each price as `rating_of` does, shape (n,); NaN is what is not known."""
    asked, worth, least, most = (np.asarray(each, np.float64) for each in (price, value, low, high))
    with np.errstate(all="ignore"):  # what is not known, or 0, is compared too, and left out
        known = (asked > 0) & (asked < np.inf) & (least > 0) & (least <= worth) & (worth <= most) & (most < np.inf)
        known &= (most / least <= max_interval_ratio) & np.asarray(same_currency, bool)
        bounds = (least, np.sqrt(least) * np.sqrt(worth), np.sqrt(worth) * np.sqrt(most))
        labels: list[Any] = [~known, *(asked <= bound for bound in bounds)]
    found = np.select(labels, [4, 0, 1, 2], default=3)
    return np.array(RATINGS, object)[found]


def _midway(one: float, other: float) -> float:
    """Return the geometric mean: on the scale of ratios, the middle."""
    return math.sqrt(one) * math.sqrt(other)
