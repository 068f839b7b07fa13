from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.prices.judged.splits import FEWEST_TESTED, by_time, by_vehicle
from autodetect.prices.valuation.conformal import vehicles_of
from tests.prices.judged.invented import sales


def test_all_sales_of_a_vehicle_are_on_one_side_and_about_the_share_is_held_out():
    frame = sales(2000).assign(vehicle_id=[f"v{number // 4}" for number in range(2000)])
    vehicles = vehicles_of(frame)
    split = by_vehicle(vehicles, 0.2)
    assert not set(vehicles[split.training]) & set(vehicles[split.tested])
    assert (split.training ^ split.tested).all()
    assert split.tested.mean() == pytest.approx(0.2, abs=0.05)


def test_a_vehicle_is_held_out_every_night_or_never():
    tonight, later = sales(300), sales(900)
    tested = by_vehicle(vehicles_of(tonight), 0.2).tested
    assert (by_vehicle(vehicles_of(later), 0.2).tested[:300] == tested).all()
    assert tested.any()


def test_without_a_vehicle_the_listing_stands_for_it():
    frame = sales(3).assign(vehicle_id=[None, "v1", np.nan])
    assert vehicles_of(frame).tolist() == ["shop/i00000", "v1", "shop/i00002"]


@given(st.integers(0, 999), st.sampled_from(["day", "month", "year"]), st.floats(0.05, 0.45))
def test_every_sale_trained_on_surely_precedes_every_tested_one(seed, precision, share):
    frame = sales(200, seed=seed, precision=precision)
    split = by_time(frame, vehicles_of(frame), share=share, least=20)
    assert split is not None
    assert split.tested.sum() >= FEWEST_TESTED
    assert split.training.sum() >= 20
    ends = (
        frame["sold_on"]
        + {"day": pd.DateOffset(), "month": pd.DateOffset(months=1), "year": pd.DateOffset(years=1)}[precision]
    )
    cut = pd.Timestamp(split.cut)
    assert (frame["sold_on"][split.tested] >= cut).all()
    assert (ends[split.training] <= (cut if precision != "day" else cut + pd.DateOffset(days=1))).all()


def test_with_days_the_tested_share_is_the_one_that_was_asked_for():
    frame = sales(1000)
    split = by_time(frame, vehicles_of(frame), share=0.2, least=50)
    assert split.tested.mean() == pytest.approx(0.2, abs=0.01)
    assert (split.training | split.tested).all()


def test_bare_years_are_parted_between_years_and_the_year_nearest_to_the_share_is_tested():
    years = np.repeat(["2024-01-01", "2025-01-01", "2026-01-01"], [100, 250, 150])
    frame = sales(500).assign(sold_on=pd.to_datetime(years), sold_precision="year")
    split = by_time(frame, vehicles_of(frame), share=0.2, least=50)
    assert split.cut == date(2026, 1, 1)
    assert (split.tested.sum(), split.training.sum()) == (150, 350)


def test_a_bare_year_in_the_midst_of_which_the_cut_lies_is_left_out():
    days = sales(300).assign(sold_on=pd.date_range("2025-01-01", periods=300))
    bare = sales(40, seed=1).assign(sold_on=pd.Timestamp("2025-01-01"), sold_precision="year")
    frame = pd.concat([days, bare.assign(vehicle_id="bare " + bare["vehicle_id"])], ignore_index=True)
    split = by_time(frame, vehicles_of(frame), share=0.2, least=50)
    assert split.cut.month > 6
    assert not (split.tested | split.training)[300:].any()


def test_a_vehicle_that_is_tested_trains_nothing_before():
    frame = sales(200).assign(sold_on=pd.date_range("2025-01-01", periods=200))
    frame.loc[5, "vehicle_id"] = frame.loc[195, "vehicle_id"]
    split = by_time(frame, vehicles_of(frame), share=0.2, least=50)
    assert not split.training[5]
    assert not split.tested[5]
    assert split.training[4]


def test_one_date_parts_nothing():
    frame = sales(200).assign(sold_on=pd.Timestamp("2025-01-01"))
    assert by_time(frame, vehicles_of(frame), share=0.2, least=50) is None
