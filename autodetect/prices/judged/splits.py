"""Which sales are held out to test a valuation: some vehicles, or the latest sales."""

import hashlib
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

FEWEST_TESTED = 30  # a median of fewer errors says next to nothing
_SALT = "valuation/vehicle/"  # the same every night: a vehicle that is held out once always is
_YEAR, _MONTH, _DAY = "datetime64[Y]", "datetime64[M]", "datetime64[D]"

Bools = npt.NDArray[np.bool_]
Dates = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class Split:
    """Rows to train on and rows to test on, aligned with the sales; the others are left out. `cut` is by time only."""

    training: Bools
    tested: Bools
    cut: date | None = None


def by_vehicle(vehicles: npt.NDArray[np.object_], share: float) -> Split:
    """Hold out about a `share` of vehicles, by a stable hash of each: all sales of one are on one side."""
    codes, names = pd.factorize(vehicles)
    places = [int(hashlib.sha256(f"{_SALT}{name}".encode()).hexdigest()[:8], 16) / 2**32 for name in names]
    tested = np.asarray(np.array(places) < share, bool)[codes]
    return Split(~tested, tested)


def by_time(sales: pd.DataFrame, vehicles: npt.NDArray[np.object_], *, share: float, least: int) -> Split | None:
    """Hold out the sales from some day on and train on those that were surely before; `None` where no day parts them.

    The day is the one whose later sales come nearest to a `share` of all, the newer of equals. A sale of which only the
    year or month is known lies somewhere in it: such sales are parted between years or months alone, and left out where
    the day is in the midst of theirs. So are the earlier sales of vehicles that are tested.

    Args:
        sales: `sold_on`, `sold_precision`.
        vehicles: `vehicles_of` the sales.
        share: how many are best tested, 0..1.
        least: sales that must remain to train on; of tested ones, `FEWEST_TESTED` must.
    """
    begins, ends = _periods(sales)
    days = np.unique(begins)
    later = len(sales) - np.searchsorted(np.sort(begins), days)
    earlier = np.searchsorted(np.sort(ends), days)
    possible = (later >= FEWEST_TESTED) & (earlier >= least)
    if not possible.any():
        return None
    distance = np.where(possible, np.abs(later / np.maximum(later + earlier, 1) - share), np.inf)
    cut = days[len(days) - 1 - np.argmin(distance[::-1])]
    tested = begins >= cut
    training = (ends < cut) & ~np.isin(pd.factorize(vehicles)[0], pd.factorize(vehicles)[0][tested])
    return Split(training, tested, cut.astype(object)) if training.sum() >= least else None


def _periods(sales: pd.DataFrame) -> tuple[Dates, Dates]:
    """Return the first and last day on which each sale may have been, datetime64[D]."""
    days = sales["sold_on"].to_numpy().astype(_DAY)
    precision = sales["sold_precision"].to_numpy(dtype=object)
    begins, ends = days.copy(), days.copy()
    for name, unit in (("month", _MONTH), ("year", _YEAR)):
        mine = precision == name
        begins[mine] = days[mine].astype(unit).astype(_DAY)
        ends[mine] = (days[mine].astype(unit) + 1).astype(_DAY) - 1
    return begins, ends
