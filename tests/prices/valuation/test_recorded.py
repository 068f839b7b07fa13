"""The valuation on real sales of a recorded marketplace, bad ones included."""

import pytest

from benchmarks.recorded_sales import RECORDED, recorded_sales
from benchmarks.valuation import answers, by_vehicle, by_year, errors
from benchmarks.value_methods import mean_of_model, ours

METHODS = {"mean": mean_of_model, "ours": ours}
pytestmark = pytest.mark.skipif(
    not RECORDED.is_file(), reason="the recorded sales (../shared/marketplace) are not here"
)


def test_the_error_is_about_half_of_the_average_prices_and_intervals_hold_four_in_five():
    sales = recorded_sales()
    found = answers(sales, by_vehicle(sales, 7), METHODS)
    missed = {name: errors(sales["price"], each.value) for name, each in found.items()}
    assert missed["ours"].median() <= 0.53 * missed["mean"].median()
    assert (missed["ours"] <= 0.2).mean() >= 0.34
    assert 0.77 <= found["ours"].inside.mean() <= 0.83
    assert found["ours"].value.notna().all()


def test_next_years_sales_are_valued_far_better_than_by_the_average_of_this_years():
    sales = recorded_sales()
    found = answers(sales, by_year(sales), METHODS)
    missed = {name: errors(sales["price"], each.value).median() for name, each in found.items()}
    assert missed["ours"] <= 0.6 * missed["mean"]
    assert 0.77 <= found["ours"].inside.mean() <= 0.83
