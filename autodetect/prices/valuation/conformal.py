"""How wide an interval must be to hold the price of a share of cars: split conformal prediction.

A model is fitted on some sales and asked about others, the calibration fold. How far their prices lie from the value,
in spreads of the car (the normalised residual of Papadopoulos et al. 2002 and Lei et al. 2018), has two quantiles that
keep half of the miss on either side (Romano et al. 2019). With n calibration sales, the quantile of level q is the
ceil(q (n + 1))-th smallest, so a new sale that is drawn like them lies inside with at least the share asked for (Vovk
et al. 2005). Quantiles are taken for each group of cars alike in what is known of them (Mondrian), so that a car of
which less is known has the wider interval.
"""

import hashlib
import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autodetect.prices.valuation.features import Bools, Floats

CALIBRATION_SHARE = 0.2
LEAST = 50  # scores for which a group has quantiles of its own


def vehicles_of(sales: pd.DataFrame) -> NDArray[np.object_]:
    """Return what stands for one car in each row: its vehicle, else the listing itself."""
    listing = sales["source"].astype(object) + "/" + sales["item_id"].astype(object)
    return sales["vehicle_id"].astype(object).where(sales["vehicle_id"].notna(), listing).to_numpy()


def calibration_fold(sales: pd.DataFrame, seed: int) -> Bools:
    """Return which sales are for calibration: all or none of a vehicle's, whatever the order of rows."""
    places, different = pd.factorize(vehicles_of(sales))
    drawn = np.array([_draw(f"{seed}/{vehicle}") for vehicle in different])
    chosen: Bools = (drawn < CALIBRATION_SHARE)[places]
    return chosen


def widths(scores: Floats, coverage: float) -> tuple[float, float]:
    """Return the two quantiles between which a share `coverage` of future scores lies.

    Few scores cannot promise as much: their ends are then the least and the greatest of them.
    """
    ordered = np.sort(scores)
    rank = math.ceil((1 + coverage) / 2 * (len(ordered) + 1))
    last = min(rank, len(ordered)) - 1
    return float(ordered[len(ordered) - 1 - last]), float(ordered[last])


def _draw(text: str) -> float:
    """Return a number from 0 to 1 that depends on the text alone."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) / 2**64
