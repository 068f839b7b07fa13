"""What a group of prices says: count, median and its interval, quartiles, trimmed mean, ends; all groups at once.

Prices are whole cents (hundredths of a currency's unit): sums are exact, so that a figure depends on the prices of its
group alone, never on the order of rows or on what stands beside them.

The interval of the median needs no assumption about how prices spread: it is a pair of order statistics. Of n prices
the number below the true median is binomial (n, 1/2), so that from the r-th smallest to the r-th largest holds it with
probability 1 - 2 P(X < r); r is the largest for which that is at least 90 %. Herbert David and Haikady Nagaraja (2003),
"Order Statistics", 3rd edition, section 7.1. Fewer than five prices have no such pair.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from autodetect.prices.table.columns import Floats, Ints

CENTS = 100
MEDIAN_COVERAGE = 0.9
FIGURES = ("median", "median_low", "median_high", "q1", "q3", "trimmed_mean", "low", "high")
# A median of any numbers is found among whole multiples of this: as exact as a double is near 2^17.
_UNIT = 2.0**-36


@dataclass(frozen=True)
class Grouped:
    """Whole numbers, ascending in each group: `numbers[starts[i] : starts[i] + counts[i]]` are those of `groups[i]`."""

    groups: Ints
    starts: Ints
    counts: Ints
    numbers: Ints


def grouped(values: Ints, groups: Ints) -> Grouped:
    """Return values sorted within groups, the groups by number.

    Both are packed into one 64-bit number each and sorted at once, which is several times quicker than a sort by two
    columns.

    Args:
        values: (n,), not negative.
        groups: (n,), not negative.

    Raises:
        OverflowError: the largest of both together have more than 63 binary digits.
    """
    bits = int(values.max(initial=0)).bit_length()
    if bits + int(groups.max(initial=0)).bit_length() > 63:
        raise OverflowError(f"{int(groups.max())} groups of numbers up to {int(values.max())} are more than fit a sort")
    keys = np.sort((groups << bits) | values)
    owners = keys >> bits
    first = np.ones(len(keys), dtype=np.bool_)
    first[1:] = owners[1:] != owners[:-1]
    starts = np.flatnonzero(first)
    return Grouped(owners[starts], starts, np.diff(starts, append=len(keys)), keys & ((1 << bits) - 1))


def to_cents(prices: Floats) -> Ints:
    """Return prices in whole cents."""
    return np.rint(prices * CENTS).astype(np.int64)


def summaries(found: Grouped, trimmed_share: float) -> pd.DataFrame:
    """Return a row per group: `count` and `FIGURES`, in the unit of the currency, rounded to cents.

    Quartiles interpolate linearly between neighbours. The trimmed mean leaves out `floor(trimmed_share * count)` prices
    of each end. `median_low` and `median_high` are NaN where fewer than five prices allow no interval.
    """
    counts, starts, cents = found.counts, found.starts, found.numbers
    ends = starts + counts
    sums = np.concatenate([[0], np.cumsum(cents)])
    trimmed = np.floor(trimmed_share * counts).astype(np.int64)
    rank = interval_ranks(counts)
    none = rank == 0
    kept = counts - 2 * trimmed
    figures = {
        "median": _quantile(found, 0.5),
        "median_low": np.where(none, np.nan, cents[starts + np.maximum(rank, 1) - 1]),
        "median_high": np.where(none, np.nan, cents[ends - np.maximum(rank, 1)]),
        "q1": _quantile(found, 0.25),
        "q3": _quantile(found, 0.75),
        "trimmed_mean": (sums[ends - trimmed] - sums[starts + trimmed]) / kept,
        "low": cents[starts],
        "high": cents[ends - 1],
    }
    return pd.DataFrame({"count": counts} | {name: np.rint(cents) / CENTS for name, cents in figures.items()})


def distinct(found: Grouped) -> Ints:
    """Return how many different values each group has."""
    new = np.ones(len(found.numbers), dtype=np.bool_)
    new[1:] = found.numbers[1:] != found.numbers[:-1]
    new[found.starts] = True
    return np.add.reduceat(new, found.starts, dtype=np.int64) if len(new) else found.counts


def interval_ranks(counts: Ints) -> Ints:
    """Return r for each number of prices: the r-th smallest and the r-th largest enclose the median; 0 for none."""
    from scipy.special import bdtr, bdtrik

    sizes = np.flatnonzero(np.bincount(counts)) if len(counts) else counts
    tail = (1 - MEDIAN_COVERAGE) / 2
    ranks = np.maximum(np.floor(bdtrik(tail, sizes, 0.5)), 0)  # near the answer; which of its neighbours, the rest says
    ranks = np.nan_to_num(ranks)
    ranks = np.where((ranks >= 1) & (bdtr(np.maximum(ranks - 1, 0), sizes, 0.5) > tail), ranks - 1, ranks)
    ranks = np.where(bdtr(np.minimum(ranks, sizes), sizes, 0.5) <= tail, ranks + 1, ranks)
    return ranks.astype(np.int64)[np.searchsorted(sizes, counts)]


def medians(values: Floats, groups: Ints) -> Floats:
    """Return for each value the median of its group, exact to 2^-36.

    Args:
        values: (n,) finite; from the smallest to the largest at most 2^20.
        groups: (n,), not negative.
    """
    if not len(values):
        return values
    least = np.floor(values.min())
    found = grouped(np.rint((values - least) / _UNIT).astype(np.int64), groups)
    lower, upper = (found.starts + (found.counts - 1) // 2, found.starts + found.counts // 2)
    of_group = np.zeros(int(found.groups[-1]) + 1)
    of_group[found.groups] = (found.numbers[lower] + found.numbers[upper]) * (_UNIT / 2) + least
    return of_group[groups]


def _quantile(found: Grouped, share: float) -> Floats:
    """Return the value at `share` of the way from each group's first to its last, between two neighbours linearly."""
    place = share * (found.counts - 1)
    below = np.floor(place).astype(np.int64)
    lower = found.numbers[found.starts + below]
    upper = found.numbers[found.starts + np.minimum(below + 1, found.counts - 1)]
    return lower + (upper - lower) * (place - below)
