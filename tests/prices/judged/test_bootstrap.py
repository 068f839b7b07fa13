import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.prices.judged.bootstrap import _medians, _weighted, median_errors

CARS = np.array([f"v{number}" for number in range(200)], object)


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(0, 3)), min_size=1, max_size=30))
def test_a_median_under_weights_is_the_median_of_the_repeated_values(pairs):
    values = np.array(sorted(value for value, _ in pairs))
    weights = np.array([weight for _, weight in pairs])
    weights[0] += 1  # some value is there
    assert _weighted(values, weights[None])[0] == np.median(np.repeat(values, weights))


def test_the_order_of_rows_changes_nothing_and_the_seed_decides():
    rng = np.random.default_rng(3)
    errors, other = rng.exponential(0.3, 200), rng.exponential(0.6, 200)
    shuffled = rng.permutation(200)
    found = median_errors(errors, other, CARS, seed=1)
    assert median_errors(errors[shuffled], other[shuffled], CARS[shuffled], seed=1) == found
    assert median_errors(errors, other, CARS, seed=2) != found


def test_the_interval_holds_the_true_median_about_as_often_as_it_says():
    true, hits = np.log(2) * 0.3, 0
    for seed in range(200):
        errors = np.random.default_rng(seed).exponential(0.3, 150)
        found, _ = median_errors(errors, np.full(150, np.nan), CARS[:150], seed=seed)
        hits += found.low <= true <= found.high
    assert 180 <= hits <= 199


def test_sales_of_one_vehicle_are_no_more_sure_than_one():
    errors = np.random.default_rng(0).exponential(0.3, 40)
    apart, _ = median_errors(errors, errors, CARS[:40], seed=0)
    repeated, _ = median_errors(np.repeat(errors, 5), np.repeat(errors, 5), np.repeat(CARS[:40], 5), seed=0)
    assert (repeated.value, repeated.low, repeated.high) == (apart.value, apart.low, apart.high)


def test_the_ratio_is_of_cars_that_both_value_and_is_surer_than_either():
    rng = np.random.default_rng(5)
    theirs = rng.exponential(0.6, 200)
    ours = theirs / 2
    ours[:20] = np.nan
    theirs[20:40] = np.nan
    median, ratio = median_errors(ours, theirs, CARS, seed=0)
    assert (ratio.value, ratio.low, ratio.high) == (0.5, 0.5, 0.5)
    assert median.low < median.value < median.high
    assert median.value == pytest.approx(np.nanmedian(ours), abs=1e-4)


def test_draws_come_in_chunks_that_change_nothing(monkeypatch):
    errors = np.random.default_rng(0).exponential(0.3, 200)
    whole = _medians([errors], CARS, 0)[0]
    monkeypatch.setattr("autodetect.prices.judged.bootstrap._CELLS", 200 * 7)
    assert np.array_equal(_medians([errors], CARS, 0)[0], whole)


def test_nothing_known_is_no_figure():
    nothing = np.full(5, np.nan)
    assert median_errors(nothing, nothing, CARS[:5], seed=0) == (None, None)
    assert median_errors(np.ones(5), np.zeros(5), CARS[:5], seed=0)[1] is None
