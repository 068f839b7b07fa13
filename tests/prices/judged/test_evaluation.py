import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.prices.judged.evaluation import evaluate
from autodetect.prices.judged.figures import PriceEvaluation
from autodetect.prices.judged.sales import CAR_COLUMNS
from autodetect.prices.judged.splits import by_vehicle
from autodetect.prices.valuation.conformal import vehicles_of
from tests.prices.judged.invented import SETTINGS, TODAY, Fits, sales


def judged(frame: pd.DataFrame, fit=None, **changed) -> PriceEvaluation:
    chosen = SETTINGS.model_copy(update=changed)
    return evaluate(frame, as_of=TODAY, settings=chosen, seed=7, fit=fit or Fits())


def test_figures_are_those_of_a_calculation_by_hand():
    frame = sales(600)
    frame.loc[frame.index[:40], "make_model_id"] = [f"rare/{number}" for number in range(40)]  # valued by nobody
    fits = Fits()
    found = judged(frame, fits).by_vehicle
    tested = by_vehicle(vehicles_of(frame), 0.2).tested
    training, cars = frame[~tested], frame[tested]
    price = cars["price"]
    for method, figure in (("mean per model", "mean"), ("median per model", "median")):
        guess = cars["make_model_id"].map(training.groupby("make_model_id")["price"].agg(figure))
        error = ((guess - price).abs() / price).dropna()
        assert found.of(method).median_ape == pytest.approx(error.median(), abs=1e-4)
        assert found.of(method).within_20 == pytest.approx((error <= 0.2).mean(), abs=1e-4)
        assert (found.of(method).cars, found.of(method).unvalued) == (len(error), guess.isna().sum())
        assert found.of(method).unvalued > 0
        assert found.of(method).coverage is None
    value = fits.made[0].value(cars)
    known = value["value"].notna()
    error = ((value["value"] - price).abs() / price)[known]
    ours = found.of("valuation")
    assert ours.median_ape == pytest.approx(error.median(), abs=1e-4) == found.median_ape.value
    assert ours.coverage == pytest.approx(price.between(value["low"], value["high"])[known].mean(), abs=1e-4)
    assert ours.interval_ratio == pytest.approx(1.25**2, abs=1e-4)
    assert ours.median_ape < found.of("median per model").median_ape
    assert found.ratio.high < 1


def test_two_fits_are_made_and_neither_sees_what_it_is_asked_about():
    frame = sales(500).assign(vehicle_id=[f"v{number // 2}" for number in range(500)])
    frame["sold_on"] -= pd.Timedelta(days=300)
    fits = Fits()
    found = judged(frame, fits)
    assert len(fits.made) == 2
    for model, split in zip(fits.made, (found.by_vehicle, found.by_time), strict=True):
        assert list(model.asked.columns) == CAR_COLUMNS  # no price, no date, no id
        assert len(model.trained) == split.training
        assert len(model.asked) == split.tested
    assert fits.made[0].as_of == found.as_of == frame["sold_on"].max().date() < TODAY
    assert fits.made[1].as_of == found.by_time.cut
    assert fits.made[1].trained["sold_on"].max() < pd.Timestamp(found.by_time.cut)


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_never_matters(random):
    frame = sales(300)
    rows = list(range(300))
    random.shuffle(rows)
    assert judged(frame.iloc[rows]) == judged(frame)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 2e7), st.integers(0, 9), st.integers(0, 9), st.booleans())
def test_one_outlier_moves_the_median_error_by_two_points_at_most(price, seed, vehicle, dated_late):
    """A tested one moves the median to a neighbouring error; one that is trained on, the value of one band likewise."""
    frame = sales(400, seed=seed)
    outlier = frame.iloc[[0]].assign(price=price, item_id="outlier", vehicle_id=f"outlier {vehicle}")
    outlier["sold_on"] = pd.Timestamp(TODAY) if dated_late else frame["sold_on"].min()
    before, after = judged(frame).by_vehicle, judged(pd.concat([frame, outlier], ignore_index=True)).by_vehicle
    assert abs(after.median_ape.value - before.median_ape.value) <= 0.02
    assert abs(after.of("valuation").within_20 - before.of("valuation").within_20) <= 0.05


def test_slices_add_up_and_are_in_order():
    found = judged(sales(900)).by_vehicle
    for slices in (found.by_price, found.by_make, found.by_model):
        assert sum(each.cars for each in slices.told) + slices.more_cars == found.tested
    assert {each.name for each in found.by_model.told} == {"Ford Mustang", "Audi TT", "Kia Rio"}
    cars = [each.cars for each in found.by_make.told]
    assert cars == sorted(cars, reverse=True)
    starts = [0 if each.name.startswith("below") else float(each.name.split()[-1]) for each in found.by_price.told]
    assert starts == sorted(starts)
    assert len(starts) > 2


def test_a_receipt_can_hold_it_whatever_the_models():
    frame = sales(4000)
    number = np.arange(4000)
    frame["make"], frame["model"] = [f"Make number {n % 80}" for n in number], [f"Model {n % 900}" for n in number]
    found = judged(frame)
    told = found.by_vehicle.by_make
    assert (len(told.told), told.more) == (30, 50)
    text = found.model_dump_json()
    assert len(text) < 32_000
    assert PriceEvaluation.model_validate_json(text) == found
    json.dumps(found.model_dump(mode="json"), allow_nan=False)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["nothing", "some", "infinite width"]), st.integers(100, 160), st.integers(0, 99))
def test_no_nan_and_no_infinity_leaves(kind, count, seed):
    class Ignorant(Fits):
        def __call__(self, sales, **named):
            model = super().__call__(sales, **named)
            whole = model.value

            def value(cars):
                values = whole(cars)
                if kind == "nothing":
                    values[:] = np.nan
                elif kind == "some":
                    values.iloc[::3] = np.nan
                return values

            model.value = value
            return model

    json.dumps(judged(sales(count, seed=seed), Ignorant()).model_dump(mode="json"), allow_nan=False)


def test_where_nothing_is_valued_the_baselines_are_still_told():
    class Silent(Fits):
        def __call__(self, sales, **named):
            model = super().__call__(sales, **named)
            model._bands = model._bands.iloc[:0]
            return model

    found = judged(sales(300), Silent()).by_vehicle
    assert (found.of("valuation").cars, found.of("valuation").unvalued) == (0, found.tested)
    assert (found.median_ape, found.ratio, found.of("valuation").coverage) == (None, None, None)
    assert found.of("mean per model").median_ape > 0
    assert found.by_make.told[0].median_ape is None


def test_what_cannot_be_judged_is_said():
    few = judged(sales(99))
    assert (few.by_vehicle, few.by_time) == (None, None)
    assert few.words == ("not judged: 99 priced cars; a valuation needs 100",)
    one_year = judged(sales(300).assign(sold_on=pd.Timestamp(date(2025, 1, 1)), sold_precision="year"))
    assert one_year.by_vehicle is not None
    assert one_year.by_time is None
    [said] = one_year.words
    assert "no day parts earlier from later sales, 50 sales to train on and 30 to test are needed" in said
    assert "sales of a bare year part between years only" in said
    nothing = judged(sales(300).iloc[:0])
    assert (nothing.basis, nothing.currency, nothing.sales) == (None, None, 0)


def test_asking_prices_are_judged_the_same_and_called_so():
    found = judged(sales(300).assign(basis="asking"))
    assert found.basis == "asking"
    assert "what is asked is not what is paid" in found.words[0]
    assert found.by_vehicle == judged(sales(300)).by_vehicle


@pytest.mark.parametrize(("column", "value"), [("currency", "CAD"), ("basis", "asking")])
def test_currencies_and_bases_never_meet_in_one_fit(column, value):
    frame = sales(300)
    frame.loc[7, column] = value
    fits = Fits()
    with pytest.raises(ValueError, match=column):
        judged(frame, fits)
    assert not fits.made
