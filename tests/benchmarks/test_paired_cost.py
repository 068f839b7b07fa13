import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.paired_cost import cost


def test_a_cost_counts_what_was_right_and_is_not_any_more_against_what_came_right() -> None:
    right = np.array([True] * 60 + [False] * 40)
    asked = np.array([True] * 40 + [False] * 20 + [True] * 5 + [False] * 35)
    found = cost(right, asked)
    assert (found.turned_wrong, found.turned_right) == (20, 5)
    assert found.lost == 0.15
    assert 0 < found.low < 0.15 < found.high < 0.3
    points, moved = found.words
    assert points.startswith("+15.0 (+")
    assert moved == "20 / 5"


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=200))
def test_the_interval_mirrors_when_the_two_change_places_and_holds_0_without_a_difference(pairs) -> None:
    one, other = np.array(pairs, bool).T
    there, back = cost(one, other), cost(other, one)
    np.testing.assert_allclose((there.lost, there.low, there.high), (-back.lost, -back.high, -back.low))
    same = cost(one, one)
    assert same.lost == 0
    assert same.low <= 0 <= same.high
