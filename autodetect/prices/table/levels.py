"""Figures of many small groups of listings, rolled up: of the model where it has enough, else of the next level."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autodetect.prices.table.columns import Ints
from autodetect.prices.table.statistics import distinct, grouped, summaries
from autodetect.sections import PriceSettings

NONE = -1


@dataclass(frozen=True)
class Used:
    """Used comparables of one basis, in one currency, as arrays of (n,).

    Attributes:
        models: numbers of makes and models.
        cells: each one's value of a dimension (year band, state) as a number below `width`.
        cents: prices in whole cents.
        sellers: numbers of sellers; `NONE` where nobody says.
        precisions: how coarse a date is, 0 for the day.
    """

    models: Ints
    cells: Ints
    width: int
    cents: Ints
    sellers: Ints
    precisions: NDArray[np.int8]

    def keys(self, group_of: Ints) -> Ints:
        """Return the number of each one's group and cell, negative where its model belongs to no group."""
        return group_of[self.models] * self.width + self.cells

    def among(self, places: Ints) -> "Used":
        """Return some of them."""
        return Used(
            self.models[places],
            self.cells[places],
            self.width,
            self.cents[places],
            self.sellers[places],
            self.precisions[places],
        )


def rolled_up(used: Used, keys: Ints, levels: Sequence[Ints], settings: PriceSettings) -> pd.DataFrame:
    """Return a row per key: the figures of the first level with at least `min_comparables` listings in its cell.

    Args:
        used: listings.
        keys: model times `used.width` plus cell, of the rows that are wanted.
        levels: the group of each model at each level, the model itself first; `NONE` for models without one.
        settings: `min_comparables`, `trimmed_share`.

    Returns:
        `level` (place in `levels`, `NONE` for none); `level_count`, `statistics.FIGURES`, `precision`: NaN where there
        are no figures; and `count_0`, `count_1`, ...: how many there are at each level that was looked at.
    """
    model, cell = np.divmod(keys, used.width)
    level, place = np.full(len(keys), NONE), np.full(len(keys), NONE)
    counts, tables, before = {}, [], 0
    for number, group_of in enumerate(levels):
        group = group_of[model]
        lacking = np.flatnonzero((level == NONE) & (group != NONE))
        wanted = group[lacking] * used.width + cell[lacking]
        behind = _figures(used, used.keys(group_of), wanted, settings.trimmed_share)
        found = behind.index.get_indexer(wanted)
        count = np.append(behind["level_count"].to_numpy(), 0)[found]
        counts[f"count_{number}"] = _placed(count, lacking, len(keys))
        enough = count >= settings.min_comparables
        level[lacking[enough]], place[lacking[enough]] = number, before + found[enough]
        tables.append(behind)
        before += len(behind)
    rows = pd.concat(tables, ignore_index=True).reindex(place).reset_index(drop=True)
    return rows.assign(level=level, **counts)


def sellers(used: Used, keys: Ints) -> Ints:
    """Return how many different sellers are known to be behind each key's own listings."""
    own = used.keys(np.arange(int(used.models.max(initial=0)) + 1))
    told = np.flatnonzero(used.sellers != NONE)
    found = grouped(used.sellers[told], own[told])
    return _placed(distinct(found), np.searchsorted(keys, found.groups), len(keys))


def _figures(used: Used, keys: Ints, wanted: Ints, trimmed_share: float) -> pd.DataFrame:
    """Return the figures of the wanted groups that have listings, by their key."""
    # Negative keys are read from the end, where nothing is asked.
    asked = np.zeros(int(max(keys.max(initial=0), wanted.max(initial=0))) + 1 + used.width, dtype=np.bool_)
    asked[wanted] = True
    at = np.flatnonzero(asked[keys])
    found = grouped(used.cents[at], keys[at])
    coarsest = np.zeros(len(asked), np.int8)
    precisions = used.precisions[at]
    for precision in range(1, int(precisions.max(initial=0)) + 1):
        coarsest[keys[at][precisions == precision]] = precision
    rows = summaries(found, trimmed_share).rename(columns={"count": "level_count"})
    return rows.assign(precision=coarsest[found.groups]).set_axis(found.groups)


def _placed(values: Ints, places: Ints, length: int) -> Ints:
    placed = np.zeros(length, np.int64)
    placed[places] = values
    return placed
