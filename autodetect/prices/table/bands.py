"""Year bands: cars of about one age, whose prices may stand in one figure.

Before 1950 a few listings cover decades; the 1950s are one band; from 1960 on a band is five years, as models change.
"""

import numpy as np
import pandas as pd

from autodetect.catalog.fields import FIRST_CAR_YEAR
from autodetect.prices.table.columns import Floats, Ints, finite

NO_BAND = 0
_LAST_YEAR = 9999
_FIVES_SINCE, _FIRST_FIVE = 1960, 3  # the number of the band that begins then


def year_band(years: pd.Series) -> pd.Series:
    """Return the band of each year, '1965-1969'; '' where the year is not known or no car's.

    Args:
        years: numbers; null, NaN and what is no number are unknown.
    """
    numbers = band_numbers(finite(years, "year"))
    names = [band_name(number) for number in range(int(numbers.max(initial=NO_BAND)) + 1)]
    return pd.Series(np.array(names, dtype=object)[numbers], index=years.index, dtype="str")


def band_numbers(years: Floats) -> Ints:
    """Return the number of each year's band, in the order of time; `NO_BAND` where it is not known."""
    known = (years >= FIRST_CAR_YEAR) & (years <= _LAST_YEAR)
    whole = np.where(known, years, FIRST_CAR_YEAR).astype(np.int64)
    numbers = np.where(whole < 1950, 1, np.where(whole < _FIVES_SINCE, 2, _FIRST_FIVE + (whole - _FIVES_SINCE) // 5))
    return np.where(known, numbers, NO_BAND)


def band_name(number: int) -> str:
    """Return a band's name: '', 'before 1950', '1950-1959', '1960-1964', '1965-1969' and so on."""
    if number < _FIRST_FIVE:
        return ("", "before 1950", "1950-1959")[number]
    start = _FIVES_SINCE + 5 * (number - _FIRST_FIVE)
    return f"{start}-{start + 4}"
