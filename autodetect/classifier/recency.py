"""Whether the model keeps up: vehicles that came lately against those that have been there for longer."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from autodetect.classifier.intervals import Share, difference
from autodetect.classifier.pooling import Ints
from autodetect.records import Record

RECENT_DAYS = 28
# Days that bands of age begin with; the last one has no end.
BANDS = (0, 7, 28, 91, 182, 365)


class AgeBand(Record):
    """Top-1 by vehicle of those first seen at least `days` ago, and less than `below` (None: however long)."""

    days: int
    below: int | None
    top1: Share


class Recency(Record):
    """Top-1 by vehicle of those first seen less than `recent_days` ago, and of the others.

    `difference` is recent minus older with its 95 % interval; None where there are vehicles of one kind only. `bands`
    tell the same by age, youngest first, without bands that have no vehicle.
    """

    recent_days: int
    recent: Share | None
    older: Share | None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    bands: tuple[AgeBand, ...] = ()


def recency(rank: Ints, ages: Ints, *, recent_days: int = RECENT_DAYS) -> Recency:
    """Compare vehicles by the age of their first night.

    Args:
        rank: places of the right class by vehicle, integer (n,); see `accuracy.ranks`.
        ages: days from each vehicle's first night to tonight, integer (n,); 0 came tonight.
        recent_days: ages below count as recent.
    """
    fresh = np.asarray(ages) < recent_days
    recent, older = (Share.of(rank[mine] < 1) if mine.any() else None for mine in (fresh, ~fresh))
    found, low, high = difference(recent, older) if recent and older else (None, None, None)
    return Recency(
        recent_days=recent_days,
        recent=recent,
        older=older,
        difference=found,
        low=low,
        high=high,
        bands=tuple(_bands(rank, np.asarray(ages))),
    )


def _bands(rank: Ints, ages: Ints) -> Iterator[AgeBand]:
    for days, below in pairwise((*BANDS, None)):
        assert days is not None
        mine = (ages >= days) & (ages < (below if below is not None else np.inf))
        if mine.any():
            yield AgeBand(days=days, below=below, top1=Share.of(rank[mine] < 1))
