"""Why a row of the price table has no figures, in words."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autodetect.prices.table.columns import Ints
from autodetect.prices.table.comparables import RULES, Basis
from autodetect.prices.table.levels import NONE

_LEVELS = ("make", "segment")
_NOUNS = {"sold": ("sale", "sales"), "asking": ("offer", "offers")}


def own_reason(counts: Ints, basis: Basis, needed: int) -> str:
    """Return why a model has no figures of its own: what it has, and by what rules it lost the rest."""
    refused = [f"{rule.replace('_', ' ')} {counts[1 + place]}" for place, rule in enumerate(RULES) if counts[1 + place]]
    words = f"{_comparable(counts[0], basis)}; a price needs at least {needed}"
    return f"{words} (left out: {', '.join(refused)})" if refused else words


def rolled_up_reasons(rows: pd.DataFrame, basis: Basis, needed: int) -> NDArray[np.object_]:
    """Return why no level has figures, None where one has."""
    reasons = np.full(len(rows), None, dtype=object)
    untold = np.flatnonzero(rows["level"] == NONE)
    counts, which = np.unique(rows[["count_0", "count_1", "count_2"]].to_numpy()[untold], axis=0, return_inverse=True)
    words = []
    for own, *more in counts.tolist():
        told = [f"{count} of the {level}" for count, level in zip(more, _LEVELS, strict=True) if count]
        words.append(f"{', '.join([_comparable(own, basis), *told])}; a price needs at least {needed}")
    reasons[untold] = np.array(words, dtype=object)[which.ravel()]
    return reasons


def _comparable(count: int, basis: Basis) -> str:
    one, many = _NOUNS[basis]
    return f"{count or 'no'} comparable {one if count == 1 else many}"
