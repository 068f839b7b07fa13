import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.classifier.gate.formulas import Z80, Z95, holm, paired_difference, sign_test, smallest_drop

COUNTS = st.integers(0, 40)
SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def test_holm_as_worked_by_hand():
    # Sorted 0.005 0.01 0.03 0.04, times 4 3 2 1: 0.02 0.03 0.06 0.04, and none below the one before it.
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.4, 0.9]).tolist() == pytest.approx([0.8, 0.9])
    assert holm([]).tolist() == []


@given(SHARES)
def test_holm_lies_between_the_plain_value_and_bonferronis(values):
    adjusted = holm(values)
    assert (adjusted >= values).all()
    assert (adjusted <= np.minimum(1, len(values) * np.array(values)) + 1e-12).all()


@given(SHARES, st.data())
def test_a_larger_p_value_makes_no_other_class_surer(values, data):
    position = data.draw(st.integers(0, len(values) - 1))
    raised = [*values]
    raised[position] = data.draw(st.floats(values[position], 1))
    assert (holm(raised) >= holm(values) - 1e-12).all()


def test_the_exact_test_as_worked_by_hand():
    # Nine of ten against: (10 + 1) of 1024 ways.
    assert sign_test(1, 9) == 11 / 1024
    assert sign_test(0, 5) == 1 / 32
    assert sign_test(3, 0) == 1.0
    assert sign_test(0, 0) == 1.0


@given(COUNTS, COUNTS)
def test_the_exact_test_is_the_binomial_tail(gained, lost):
    n = gained + lost
    assert sign_test(gained, lost) == pytest.approx(sum(math.comb(n, k) for k in range(lost, n + 1)) / 2**n)
    both = sign_test(gained, lost) + sign_test(lost, gained)
    assert both == pytest.approx(1 + math.comb(n, lost) / 2**n)


def test_the_exact_test_of_many_vehicles_neither_overflows_nor_loses_the_tail():
    assert sign_test(20_000, 20_000) == pytest.approx(0.5, abs=0.003)
    assert 0 < sign_test(400, 600) < 1e-9


@given(COUNTS, COUNTS, st.integers(0, 500))
def test_the_paired_difference_changes_its_sign_with_the_sides(gained, lost, alike):
    n = max(1, gained + lost + alike)
    centre, error = paired_difference(gained, lost, n)
    assert paired_difference(lost, gained, n) == (-centre, error)
    assert error > 0


def test_the_paired_error_is_that_of_many_repeated_nights():
    rng = np.random.default_rng(0)
    draws = rng.multinomial(500, [0.07, 0.05, 0.88], size=4000)
    spread = ((draws[:, 0] - draws[:, 1]) / 500).std()
    assert paired_difference(35, 25, 500)[1] == pytest.approx(spread, rel=0.05)


def test_the_smallest_drop_is_where_four_in_five_are_refused():
    margin, error = 0.03, 0.012
    assert smallest_drop(margin, error) == pytest.approx(0.03 - (Z95 - Z80) * 0.012)
    seen = -smallest_drop(margin, error) + error * np.random.default_rng(1).standard_normal(100_000)
    assert np.mean(seen - Z95 * error < -margin) == pytest.approx(0.8, abs=0.01)
