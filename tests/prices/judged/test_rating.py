import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.prices.judged.rating import RATINGS, rating_of, ratings

MONEY = st.floats(0.01, 1e9)
ANYTHING = st.one_of(st.none(), st.floats(), st.sampled_from([0.0, -1.0, 1.0, 1e-300, 1e300]), MONEY)
ROWS = st.lists(st.tuples(ANYTHING, ANYTHING, ANYTHING, ANYTHING, st.booleans()), min_size=1, max_size=40)
INTERVALS = st.tuples(MONEY, MONEY, MONEY).map(sorted)


@given(ROWS, st.floats(1.01, 20))
def test_both_ways_agree_on_whatever_comes(rows, most):
    price, value, low, high, same = (list(column) for column in zip(*rows, strict=True))
    found = ratings(price, value, low, high, same_currency=same, max_interval_ratio=most)
    plain = [rating_of(*row[:4], same_currency=row[4], max_interval_ratio=most) for row in rows]
    assert found.tolist() == plain


@given(st.lists(INTERVALS, min_size=1, max_size=30), st.data())
def test_both_ways_agree_at_the_very_bounds(intervals, data):
    low, value, high = (np.array(column) for column in zip(*intervals, strict=True))
    bounds = np.stack([low, np.sqrt(low) * np.sqrt(value), value, np.sqrt(value) * np.sqrt(high), high])
    asked = bounds[data.draw(st.integers(0, 4))]
    asked = data.draw(st.sampled_from([asked, np.nextafter(asked, 0), np.nextafter(asked, np.inf)]))
    found = ratings(asked, value, low, high, max_interval_ratio=math.inf)
    assert found.tolist() == [
        rating_of(*row, max_interval_ratio=math.inf) for row in zip(asked, value, low, high, strict=True)
    ]


@given(INTERVALS, st.lists(MONEY, min_size=2, max_size=20))
def test_a_higher_price_is_never_a_better_deal(interval, prices):
    low, value, high = interval
    named = [rating_of(each, value, low, high, max_interval_ratio=math.inf) for each in sorted(prices)]
    places = [RATINGS.index(each) for each in named]
    assert places == sorted(places)


@given(INTERVALS, MONEY, st.sampled_from([1 / 1024, 0.25, 4.0, 1024.0]))
def test_the_unit_of_money_does_not_matter(interval, price, rate):
    low, value, high = interval
    named = rating_of(price, value, low, high, max_interval_ratio=6)
    assert rating_of(price * rate, value * rate, low * rate, high * rate, max_interval_ratio=6) == named


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        (1, "great"),
        (8_000, "great"),
        (8_001, "good"),
        (8_944, "good"),  # sqrt(8,000 * 10,000) = 8,944.27
        (8_945, "fair"),
        (10_000, "fair"),
        (11_180, "fair"),  # sqrt(10,000 * 12,500) = 11,180.34
        (11_181, "high"),
        (99_000, "high"),
    ],
)
def test_labels_of_a_car_worth_ten_thousand(price, expected):
    assert rating_of(price, 10_000, 8_000, 12_500, max_interval_ratio=6) == expected


@pytest.mark.parametrize(
    ("price", "value", "low", "high", "same"),
    [
        (None, 10_000, 8_000, 12_500, True),
        (9_000, None, None, None, True),
        (9_000, math.nan, math.nan, math.nan, True),
        (0, 10_000, 8_000, 12_500, True),
        (math.inf, 10_000, 8_000, 12_500, True),
        (9_000, 10_000, 8_000, 12_500, False),
        (9_000, 10_000, 4_000, 25_000, True),  # an interval of 6.25 times
        (9_000, 10_000, 11_000, 12_500, True),  # a value outside its interval
        (9_000, 10_000, 0, 12_500, True),
    ],
)
def test_what_is_not_known_is_not_rated(price, value, low, high, same):
    assert rating_of(price, value, low, high, same_currency=same, max_interval_ratio=6) == "no rating"


def test_shares_of_the_labels_are_those_that_the_table_tells():
    """Log prices are normal, the interval holds 80 % of them."""
    rng = np.random.default_rng(0)
    price, half = np.exp(0.3 * rng.standard_normal(200_000)), math.exp(0.3 * 1.2816)
    found = ratings(price, np.ones(200_000), np.full(200_000, 1 / half), np.full(200_000, half), max_interval_ratio=6)
    shares = [(found == name).mean() for name in RATINGS]
    assert shares == pytest.approx([0.10, 0.16, 0.48, 0.26, 0.0], abs=0.005)
