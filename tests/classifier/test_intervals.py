"""Intervals of shares: known values, coverage, and ends that are never beyond what a share can be."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.classifier.intervals import Share, difference, wilson

# n and hits -> bounds, worked out from Wilson's formula in Newcombe (1998), table I.
PUBLISHED = [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]


@pytest.mark.parametrize(("right", "n", "low", "high"), PUBLISHED)
def test_wilson_gives_the_published_intervals(right, n, low, high):
    assert wilson(right / n, n) == pytest.approx((low, high), abs=6e-5)


@given(n=st.integers(1, 3000), data=st.data())
def test_an_interval_holds_its_share_and_mirrors(n, data):
    share = data.draw(st.integers(0, n)) / n
    low, high = wilson(share, n)
    assert 0 <= low <= share <= high <= 1
    assert low < high
    mirrored = wilson(1 - share, n)
    assert (1 - mirrored[1], 1 - mirrored[0]) == pytest.approx((low, high), abs=1e-9)


def test_95_of_100_intervals_hold_the_truth():
    rng = np.random.default_rng(1)
    truths = rng.random(4000)
    bounds = [wilson(hits / 40, 40) for hits in rng.binomial(40, truths)]
    assert 0.94 < np.mean([low <= truth <= high for (low, high), truth in zip(bounds, truths, strict=True)]) < 0.97


def test_a_share_of_photos_is_only_as_sure_as_its_cars():
    hits = [True, True, False, True] * 25
    assert Share.of(hits).n == Share.of(hits, 25).n == 100
    assert Share.of(hits).share == Share.of(hits, 25).share == 0.75
    assert (Share.of(hits, 25).low, Share.of(hits, 25).high) == pytest.approx(wilson(0.75, 25), abs=1e-6)
    assert Share.of(hits, 25).low < Share.of(hits).low


@pytest.mark.parametrize("hits", [[], np.zeros(0, bool)])
def test_a_share_of_nothing_is_refused(hits):
    with pytest.raises(ValueError, match="share of nothing"):
        Share.of(hits)


def test_a_difference_is_the_one_that_newcombe_publishes():
    # 56 of 70 against 48 of 80 (Newcombe 1998, table II): 0.2, from 0.0524 to 0.3339.
    one, other = Share.of([True] * 56 + [False] * 14), Share.of([True] * 48 + [False] * 32)
    assert difference(one, other) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)
    assert difference(other, one) == pytest.approx((-0.2, -0.3339, -0.0524), abs=1e-4)


def test_a_difference_of_extremes_is_no_certainty():
    found, low, high = difference(Share.of([True] * 10), Share.of([False] * 10))
    assert (found, high) == (1.0, 1.0)
    assert 0.5 < low < 1
    assert not math.isnan(low)
