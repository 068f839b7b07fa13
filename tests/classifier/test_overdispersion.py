from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autodetect.classifier.overdispersion import fewest_surprising, spread, upper_tail


def polya_tail(hits: int, trials: int, a: int, b: int) -> Fraction:
    """P(X >= hits) by Polya's urn with `a` and `b` balls: the beta-binomial of whole parameters, in whole numbers."""

    def rising(start: int, times: int) -> int:
        product = 1
        for each in range(times):
            product *= start + each
        return product

    every = rising(a + b, trials)
    ways = (comb(trials, k) * rising(a, k) * rising(b, trials - k) for k in range(hits, trials + 1))
    return Fraction(sum(ways), every)


@given(trials=st.integers(1, 60), share=st.floats(0, 1), a=st.integers(1, 40), b=st.integers(1, 200))
def test_tails_are_those_of_polyas_urn(trials, share, a, b):
    hits = round(share * trials)
    assert upper_tail(hits, trials, rate=a / (a + b), correlation=1 / (a + b + 1)) == pytest.approx(
        float(polya_tail(hits, trials, a, b)), rel=1e-6, abs=1e-12
    )


def test_without_correlation_tails_are_binomial():
    tail = sum(comb(50, k) * 0.1**k * 0.9 ** (50 - k) for k in range(11, 51))
    assert upper_tail(11, 50, rate=0.1, correlation=0) == pytest.approx(tail, rel=2e-3)
    assert upper_tail(0, 50, rate=0.1, correlation=0) == 1
    assert upper_tail(900, 1000, rate=0.01, correlation=0.001) < 1e-100


@given(
    trials=st.integers(1, 3000),
    rate=st.floats(0.01, 0.6),
    correlation=st.floats(0, 0.3),
    level=st.floats(1e-6, 0.2),
)
def test_the_fewest_surprising_hits_are_the_first_below_the_level(trials, rate, correlation, level):
    fewest = fewest_surprising(trials, rate=rate, correlation=correlation, level=level)
    assume(0 < fewest <= trials)
    assert upper_tail(fewest, trials, rate=rate, correlation=correlation) <= level
    assert upper_tail(fewest - 1, trials, rate=rate, correlation=correlation) > level


@pytest.mark.parametrize("correlation", [0.0, 0.01, 0.1])
def test_the_correlation_of_groups_is_recovered(correlation):
    rng = np.random.default_rng(0)
    size = 1 / max(correlation, 1e-9) - 1
    sizes = rng.integers(50, 400, 3000)
    rates = rng.beta(0.1 * size, 0.9 * size, 3000) if correlation else np.full(3000, 0.1)
    groups = list(zip(rng.binomial(sizes, rates).tolist(), sizes.tolist(), strict=True))
    found = spread(groups)
    assert found.rate == pytest.approx(0.1, abs=0.005)
    assert found.between == pytest.approx(correlation, rel=0.1, abs=5e-4)
    assert found.next > found.between


def test_few_groups_leave_doubt():
    one, many = spread([(8, 100)], least=0.001), spread([(80, 1000), (78, 1000), (83, 1000)], least=0.001)
    assert one.between == many.between == 0.001
    assert one.next > 0.01 > many.next
    assert spread([(0, 0), (8, 100)], least=0.001) == one
    assert 0 < spread([(0, 5)]).rate < spread([(5, 5)]).rate < 1
    assert spread([(1, 1), (0, 1)]).next < 1
