"""Embeddings of less precision are adopted only where validation says that nothing is lost."""

import numpy as np
import pytest

from autodetect.classifier.gate import judge_precision

TRUTH = np.arange(1000) % 4


def answers(wrong: int) -> np.ndarray:
    """Answers of a model that is wrong on the first so many photos."""
    said = np.where(np.arange(1000) < wrong, (TRUTH + 1) % 4, TRUTH)
    return np.eye(4)[said]


@pytest.mark.parametrize(("wrong", "passed"), [(0, True), (5, True), (6, False), (40, False)])
def test_half_a_point_may_be_lost_and_no_more(wrong: int, passed: bool) -> None:
    part = judge_precision(answers(0), answers(wrong), TRUTH)
    assert part.passed is passed
    assert f"{100 - wrong / 10:.1f} % of 1000 validation photos" in part.words
    assert ("set backbone.engine" in part.words) is not passed


def test_as_many_right_answers_are_not_enough_where_they_are_others() -> None:
    exact, other = answers(0), answers(0)
    exact[:25] = np.eye(4)[(TRUTH[:25] + 1) % 4]
    other[25:50] = np.eye(4)[(TRUTH[25:50] + 1) % 4]
    assert judge_precision(exact, other, TRUTH).passed is False
