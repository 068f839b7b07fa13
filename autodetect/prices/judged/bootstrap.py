"""How sure a median error is: the percentile bootstrap over vehicles, all draws at once.

Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13. Sales of one vehicle are wrong together, so
vehicles are drawn, not sales. A draw is a weight for each vehicle; the median under weights is found in the order of
the errors, which is the same for all draws.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from autodetect.prices.judged.figures import Estimate, Floats, rounded

DRAWS = 1_000
_TAILS = (2.5, 97.5)  # per cent: the interval holds 95 %
_CELLS = 4_000_000  # weights in memory at once: 32 MB


def median_errors(
    errors: Floats, baseline: Floats, vehicles: npt.NDArray[np.object_], *, seed: int
) -> tuple[Estimate | None, Estimate | None]:
    """Return the median of `errors`, and by how much it is that of `baseline`, each with its interval.

    The order of rows changes nothing. Either is `None` where no car has such errors.

    Args:
        errors: absolute percentage errors, shape (n,), NaN where there is no value.
        baseline: those of another method for the same cars; the ratio is of cars that have both.
        vehicles: which car each row is, shape (n,).
        seed: of the draws.
    """
    known = ~np.isnan(errors)
    both = known & ~np.isnan(baseline)
    alone = _medians([errors[known]], vehicles[known], seed)
    ours, theirs = _medians([errors[both], baseline[both]], vehicles[both], seed) if both.any() else (None, None)
    median = _estimate(alone[0]) if known.any() else None
    if ours is None or theirs is None or not (theirs > 0).all():
        return median, None
    return median, _estimate(ours / theirs)


def _medians(columns: list[Floats], vehicles: npt.NDArray[np.object_], seed: int) -> list[Floats]:
    """Return for each column its median, followed by those of `DRAWS` draws of vehicles, the same for all columns."""
    if not len(vehicles):
        return [np.empty(0) for _ in columns]
    codes, names = pd.factorize(vehicles, sort=True)
    orders = [np.argsort(column, kind="stable") for column in columns]
    rng = np.random.default_rng(seed)
    at_once = max(1, _CELLS // len(vehicles))
    found: list[list[Floats]] = [[np.array([np.median(column)])] for column in columns]
    for start in range(0, DRAWS, at_once):
        draws = min(at_once, DRAWS - start)
        weights = _drawn(rng, draws, len(names))
        for column, order, medians in zip(columns, orders, found, strict=True):
            medians.append(_weighted(column[order], weights[:, codes[order]]))
    return [np.concatenate(medians) for medians in found]


def _drawn(rng: np.random.Generator, draws: int, count: int) -> npt.NDArray[np.int64]:
    """Return how often each of `count` vehicles is among as many drawn with replacement, shape (draws, count)."""
    drawn = rng.integers(0, count, size=(draws, count)) + count * np.arange(draws)[:, None]
    return np.bincount(drawn.ravel(), minlength=draws * count).reshape(draws, count)


def _weighted(ordered: Floats, weights: npt.NDArray[np.int64]) -> Floats:
    """Return the median of `ordered` values, shape (n,), under each row of whole `weights`, shape (draws, n)."""
    reached = weights.cumsum(axis=1)
    total = reached[:, -1:]
    low, high = (reached * 2 < total).sum(axis=1), (reached * 2 <= total).sum(axis=1)
    return (ordered[low] + ordered[high]) / 2


def _estimate(found: Floats) -> Estimate:
    low, high = np.percentile(found[1:], _TAILS)
    return Estimate(value=rounded(found[0]), low=rounded(low), high=rounded(high))
