"""The tested cars by price, make and model: where a valuation is good, and where it is not.

Slices by price tell where errors sit, no more: what sold for little is mostly a car that its facts do not explain, so
any valuation is too dear there.
"""

import numpy as np
import pandas as pd

from autodetect.prices.judged.figures import Slice, Slices, median_of, share_of
from autodetect.validation.profile import bin_names

PRICE_BANDS = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)  # in the currency of the sales
MOST_TOLD = 30


def by_price(cars: pd.DataFrame) -> Slices:
    """Return the slices by what was paid, lowest first, in bands that never change.

    Args:
        cars: a row for each tested car: price, make, model, the errors `ours`, `mean` and `median` (NaN: no value), and
            `close` and `covered` (0, 1 or NaN).
    """
    names = np.array(bin_names(PRICE_BANDS), object)
    return _slices(cars, names[np.searchsorted(PRICE_BANDS, cars["price"], side="right")], tuple(names))


def by_make(cars: pd.DataFrame) -> Slices:
    """Return the slices of the makes with most of the cars."""
    return _slices(cars, cars["make"].to_numpy(object))


def by_model(cars: pd.DataFrame) -> Slices:
    """Return the slices of the makes and models with most of the cars."""
    return _slices(cars, (cars["make"] + " " + cars["model"]).to_numpy(object))


def _slices(cars: pd.DataFrame, of: np.ndarray, order: tuple[str, ...] = ()) -> Slices:
    """Return slices in a given order, else those of most cars first and no more than `MOST_TOLD`."""
    groups = dict(iter(cars.groupby(of)))
    names = [name for name in order if name in groups] or sorted(groups, key=lambda each: (-len(groups[each]), each))
    more = names[MOST_TOLD:]
    return Slices(
        told=tuple(_slice(name, groups[name]) for name in names[:MOST_TOLD]),
        more=len(more),
        more_cars=sum(len(groups[name]) for name in more),
    )


def _slice(name: str, cars: pd.DataFrame) -> Slice:
    return Slice(
        name=name,
        cars=len(cars),
        valued=int(cars["ours"].notna().sum()),
        median_ape=median_of(cars["ours"].to_numpy()),
        within_20=share_of(cars["close"].to_numpy()),
        coverage=share_of(cars["covered"].to_numpy()),
        by_mean=median_of(cars["mean"].to_numpy()),
        by_median=median_of(cars["median"].to_numpy()),
    )
