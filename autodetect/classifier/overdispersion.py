"""Shares that vary more from group to group than chance: their mean, their correlation, and exact tails.

A night's (or a seller's) true share is itself drawn, from a beta distribution of mean m and variance m (1 - m) r; r is
the intraclass correlation, 0 where all groups share one rate. What is then counted in n trials is beta-binomial. A
plain binomial test would call every other group of a large sample unusual.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_LEAST_CORRELATION = 1e-6  # below it the differences of log-gammas lose their digits
_MOST_CORRELATION = 0.9
_NEGLIGIBLE = 1e-17


@dataclass(frozen=True)
class Spread:
    """What groups seen before say of the next: a share (0..1) and correlations (0..1).

    `between` is the correlation within a group; `next` is that of a new group, about whose mean the finite sample
    leaves doubt as well.
    """

    rate: float
    between: float
    next: float


def spread(groups: Sequence[tuple[int, int]], *, least: float = 0.0) -> Spread:
    """Return mean and correlation of groups, by moments (Kleinman, JASA 68, 1973).

    Args:
        groups: (hits, trials) of each; those without trials are left out. At least one trial in all.
        least: the correlation is taken to be no smaller: a few groups that happen to agree prove nothing.
    """
    known = [(hits, trials) for hits, trials in groups if trials]
    total = sum(trials for _, trials in known)
    rate = (sum(hits for hits, _ in known) + 0.5) / (total + 1)
    squares = sum(trials * trials for _, trials in known) / total
    spare = total - squares - (len(known) - 1)
    between = 0.0
    if len(known) > 1 and spare > 0:
        chi2 = sum(trials * (hits / trials - rate) ** 2 for hits, trials in known) / (rate * (1 - rate))
        between = (chi2 - (len(known) - 1)) / spare
    between = min(max(between, least, 0.0), _MOST_CORRELATION)
    doubt = (1 - between) / total + between * squares / total
    return Spread(rate, between, min(between + doubt, _MOST_CORRELATION))


def upper_tail(hits: int, trials: int, *, rate: float, correlation: float) -> float:
    """Return P(X >= hits), X beta-binomial: the sum itself, no approximation by another distribution.

    Args:
        hits: 0 to `trials`.
        trials: how often.
        rate: mean share, 0 < rate < 1.
        correlation: 0 to below 1; less than one in a million counts as that.
    """
    if hits <= 0:
        return 1.0
    size = 1 / min(max(correlation, _LEAST_CORRELATION), _MOST_CORRELATION) - 1
    a, b = rate * size, (1 - rate) * size
    if hits <= trials * rate:  # the lower tail is the shorter sum
        return max(0.0, 1.0 - _sum_down(hits - 1, trials, a, b))
    term, total = _mass(hits, trials, a, b), 0.0
    for k in range(hits, trials + 1):
        total += term
        if k == trials or term <= total * _NEGLIGIBLE:
            break
        term *= (trials - k) / (k + 1) * (k + a) / (trials - k - 1 + b)
    return min(1.0, total)


def fewest_surprising(trials: int, *, rate: float, correlation: float, level: float) -> int:
    """Return the fewest hits whose upper tail is at most `level`; `trials + 1` where even all are no surprise."""
    low, high = 0, trials + 1
    while low < high:
        middle = (low + high) // 2
        if upper_tail(middle, trials, rate=rate, correlation=correlation) <= level:
            high = middle
        else:
            low = middle + 1
    return low


def _sum_down(hits: int, trials: int, a: float, b: float) -> float:
    term, total = _mass(hits, trials, a, b), 0.0
    for k in range(hits, -1, -1):
        total += term
        if k == 0 or term <= total * _NEGLIGIBLE:
            break
        term *= k / (trials - k + 1) * (trials - k + b) / (k - 1 + a)
    return total


def _mass(hits: int, trials: int, a: float, b: float) -> float:
    """Return P(X = hits) of the beta-binomial (trials, a, b)."""
    choose = math.lgamma(trials + 1) - math.lgamma(hits + 1) - math.lgamma(trials - hits + 1)
    betas = _log_beta(hits + a, trials - hits + b) - _log_beta(a, b)
    return math.exp(choose + betas)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
