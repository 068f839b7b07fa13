"""The curves of the report: the most sold models by age, whatever the order of rows, and nothing that is not known."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from autodetect.prices.curves import MOST_DOTS, ValuationCurves, valuation_curves

AS_OF = date(2026, 3, 14)


class Halving:
    """A valuation in which a car loses half its worth in ten years; of a wagon nothing is known."""

    def value(self, cars):
        value = 30_000 * 0.5 ** ((2026 - cars["year"]) / 10)
        value = value.where(cars["model"] != "Wagon")
        return pd.DataFrame({"value": value, "low": value * 0.8, "high": value * 1.25})


def sales(model, years):
    years = np.asarray(years, float)
    frame = pd.DataFrame({"source": "s", "item_id": [f"{model}{n:04}" for n in range(len(years))], "year": years})
    price = np.round(30_000 * 0.5 ** ((2026 - np.nan_to_num(years, nan=2000)) / 10))
    names = {"make_model_id": f"ford/{model.lower()}", "make": "Ford", "model": model, "trim": "GT"}
    return frame.assign(**names, price=price, basis="sold", currency="USD")


def test_a_curve_is_the_value_by_age_with_its_interval_and_the_sales_beside_it():
    frame = sales("Mustang", [1996, 2006, 2006, np.nan])
    frame.loc[0, "price"] = 99_000
    [curve] = valuation_curves(Halving(), frame, as_of=AS_OF).curves
    assert (curve.name, curve.sales, curve.known, curve.outside) == ("Ford Mustang", 4, 3, 1)
    assert (curve.ages[0], curve.value[0], curve.low[0], curve.high[0]) == (30, 3_750, 3_000, 4_688)
    assert curve.ages == tuple(range(30, 19, -1))
    assert curve.dots == ((30, 99_000.0), (20, 7_500.0), (20, 7_500.0))


def test_the_models_with_most_dated_sales_come_first_and_unknown_ones_not_at_all():
    frames = [sales("Focus", [2000] * 3), sales("Mustang", [2001] * 5), sales("Wagon", [2002] * 9)]
    frames += [sales("Pinto", [np.nan] * 20)]
    found = valuation_curves(Halving(), pd.concat(frames), as_of=AS_OF)
    assert [curve.name for curve in found.curves] == ["Ford Mustang", "Ford Focus"]
    assert ValuationCurves.model_validate_json(found.model_dump_json()) == found


def test_the_order_of_rows_changes_nothing_and_dots_are_few():
    frame = pd.concat([sales("Focus", np.arange(700) % 30 + 1990), sales("Mustang", [1967, 2010])])
    found = valuation_curves(Halving(), frame, as_of=AS_OF)
    assert len(found.curves[0].dots) == MOST_DOTS
    for seed in range(3):
        assert valuation_curves(Halving(), frame.sample(frac=1, random_state=seed), as_of=AS_OF) == found


@pytest.mark.parametrize("years", [[np.nan] * 3, [1967]], ids=["no year", "one sale"])
def test_little_data_is_no_error(years):
    assert len(valuation_curves(Halving(), sales("Mustang", years), as_of=AS_OF).curves) == int(years == [1967])
