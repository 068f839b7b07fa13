"""A car's year band: which years stand together, and that nonsense stands in none."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.prices.table.bands import band_name, band_numbers, year_band


@pytest.mark.parametrize(
    ("year", "band"),
    [
        (1885, "before 1950"),
        (1949, "before 1950"),
        (1950, "1950-1959"),
        (1959, "1950-1959"),
        (1960, "1960-1964"),
        (1979, "1975-1979"),
        (1980, "1980-1984"),
        (2026, "2025-2029"),
        (1884, ""),
        (0, ""),
        (20_050_000, ""),
        (np.inf, ""),
        (np.nan, ""),
        (None, ""),
    ],
)
def test_a_year_has_its_band(year, band):
    assert year_band(pd.Series([year], index=["x"], dtype="float64")).to_dict() == {"x": band}


@given(st.integers(1960, 9999))
def test_a_band_is_five_years_and_names_them(year):
    first, last = map(int, band_name(int(band_numbers(np.array([float(year)]))[0])).split("-"))
    assert first <= year <= last == first + 4
    assert first % 5 == 0


def test_bands_are_numbered_in_the_order_of_time():
    numbers = band_numbers(np.arange(1885.0, 2100.0))
    assert (np.diff(numbers) >= 0).all()
    assert numbers[0] == 1


def test_no_years_have_no_bands():
    assert year_band(pd.Series([], dtype="float64")).tolist() == []
