import numpy as np
import pandas as pd

from autodetect.prices.judged.slices import MOST_TOLD, by_make, by_price


def cars(count: int, **changed) -> pd.DataFrame:
    figures = dict.fromkeys(["ours", "mean", "median"], 0.25) | {"close": 0.0, "covered": 1.0}
    return pd.DataFrame({"price": 1_500.0, "make": "Ford", "model": "Mustang", **figures} | changed, index=range(count))


def test_a_price_at_a_bound_belongs_to_the_band_above_it():
    found = by_price(cars(4, price=[999.99, 1_000.0, 99_999.99, 100_000.0]))
    assert [each.name for each in found.told] == ["below 1000", "1000 to 2000", "50000 to 100000", "from 100000"]


def test_a_slice_tells_shares_of_the_cars_that_were_valued():
    mine = cars(4, ours=[0.1, 0.3, 0.5, np.nan], close=[1, 0, 0, np.nan], covered=[1, 1, 0, np.nan])
    [found] = by_make(mine).told
    assert (found.cars, found.valued, found.median_ape) == (4, 3, 0.3)
    assert (found.within_20, found.coverage) == (0.3333, 0.6667)
    assert (found.by_mean, found.by_median) == (0.25, 0.25)


def test_of_equally_frequent_makes_those_first_by_name_are_told():
    makes = [f"make {number:02}" for number in range(MOST_TOLD + 5)]
    found = by_make(cars(2 * len(makes), make=makes[::-1] * 2))
    assert [each.name for each in found.told] == makes[:MOST_TOLD]
    assert (found.more, found.more_cars) == (5, 10)
