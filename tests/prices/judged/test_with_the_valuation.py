"""The evaluation of the real valuation, on invented sales."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.prices.judged.evaluation import evaluate
from autodetect.prices.judged.figures import PriceEvaluation
from autodetect.prices.judged.rating import ratings
from autodetect.prices.judged.sales import CAR_COLUMNS
from autodetect.prices.valuation.fit import fit
from tests.prices.judged.invented import SETTINGS, TODAY, sales

FRAME = sales(600)
MODEL = fit(FRAME, as_of=TODAY, settings=SETTINGS, seed=1)


def judged(frame: pd.DataFrame) -> PriceEvaluation:
    return evaluate(frame, as_of=TODAY, settings=SETTINGS, seed=1)


EVALUATED = judged(FRAME)


def test_it_beats_the_average_price_on_vehicles_and_on_time():
    for split in (EVALUATED.by_vehicle, EVALUATED.by_time):
        assert split.ratio.high < 0.6
        assert split.of("valuation").unvalued == 0
        assert split.of("valuation").coverage == pytest.approx(0.8, abs=0.12)
    json.dumps(EVALUATED.model_dump(mode="json"), allow_nan=False)


def test_the_order_of_rows_never_matters():
    assert judged(FRAME.sample(frac=1, random_state=3)) == EVALUATED


@settings(max_examples=6, deadline=None)
@given(st.sampled_from([0.01, 1.0, 1e5, 2e7]), st.integers(0, 599), st.integers(0, 9))
def test_one_outlier_moves_error_and_values_by_little(price, like, vehicle):
    """The median error by at most two points, the value of half of the cars by at most 2 %, of 99 % by at most 10 %."""
    outlier = FRAME.iloc[[like]].assign(price=price, item_id="outlier", vehicle_id=f"outlier {vehicle}")
    frame = pd.concat([FRAME, outlier], ignore_index=True)
    found = judged(frame).by_vehicle
    assert abs(found.median_ape.value - EVALUATED.by_vehicle.median_ape.value) <= 0.02
    cars = FRAME[CAR_COLUMNS]
    before = MODEL.value(cars)["value"]
    after = fit(frame, as_of=TODAY, settings=SETTINGS, seed=1).value(cars)["value"]
    moved = np.abs(np.log(after / before))
    assert np.median(moved) <= 0.02
    assert np.quantile(moved, 0.99) <= 0.10


def test_labels_of_sold_cars_are_about_as_frequent_as_the_rating_says():
    fresh = sales(2000, seed=9)
    value = MODEL.value(fresh[CAR_COLUMNS])
    found = ratings(fresh["price"], value["value"], value["low"], value["high"], max_interval_ratio=6)
    shares = [(found == name).mean() for name in ("great", "good", "fair", "high", "no rating")]
    assert shares == pytest.approx([0.10, 0.16, 0.48, 0.26, 0.0], abs=0.08)
