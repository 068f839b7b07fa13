"""Intervals hold as many prices as they say."""

import numpy as np
import pytest

from autodetect.prices.valuation.conformal import calibration_fold, widths
from autodetect.prices.valuation.fit import fit
from tests.prices.valuation.invented import FACTS, SETTINGS, TODAY, sales


@pytest.mark.parametrize("hidden", [(), ("trim", "engine", "body_type", "drive_type", "cylinders"), FACTS])
def test_four_in_five_fresh_sales_lie_inside_however_much_is_known(hidden):
    model = fit(sales(4000), as_of=TODAY, settings=SETTINGS, seed=1)
    fresh = sales(4000, seed=11)
    found = model.value(fresh.assign(**dict.fromkeys(hidden)))
    inside = (fresh["price"] >= found["low"]) & (fresh["price"] <= found["high"])
    assert 0.77 <= inside.mean() <= 0.83


def test_coverage_is_what_the_settings_ask_for():
    wider = SETTINGS.model_copy(update={"coverage": 0.95})
    fresh = sales(3000, seed=12)
    found = fit(sales(3000), as_of=TODAY, settings=wider, seed=1).value(fresh)
    assert 0.93 <= fresh["price"].between(found["low"], found["high"]).mean() <= 0.975


def test_all_rows_of_a_vehicle_are_on_one_side():
    frame = sales(400).assign(vehicle_id=[f"v{number % 90}" for number in range(400)])
    fold = calibration_fold(frame, seed=3)
    assert all(len(set(fold[frame["vehicle_id"] == name])) == 1 for name in frame["vehicle_id"].unique())
    assert 0.1 < fold.mean() < 0.4
    assert (calibration_fold(frame.iloc[::-1], seed=3)[::-1] == fold).all()
    assert (calibration_fold(frame, seed=4) != fold).any()


def test_ends_are_the_order_statistics_that_the_proof_names():
    """Of 99 scores, 80 %: the 10th smallest and the 10th greatest, ceil(0.9 x 100) = 90."""
    scores = np.random.default_rng(0).permutation(np.arange(1.0, 100.0))
    assert widths(scores, 0.8) == (10.0, 90.0)
    assert widths(np.array([3.0, -2.0]), 0.8) == (-2.0, 3.0)
