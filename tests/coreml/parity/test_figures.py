"""The figures are what their definitions say, for any probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import softmax
from scipy.stats import entropy

from autodetect.coreml.parity import figures


def answers(seed, photos, classes, sharpness):
    return softmax(np.random.default_rng(seed).normal(0, sharpness, (photos, classes)), axis=1).astype(np.float32)


@given(seed=st.integers(0, 2**32), classes=st.integers(2, 500), sharpness=st.floats(0.01, 20))
def test_kl_is_that_of_scipy(seed, classes, sharpness):
    first, second = answers(seed, 3, classes, sharpness), answers(seed + 1, 3, classes, sharpness)
    floor = np.finfo(np.float32).tiny
    expected = entropy(np.maximum(first.astype(float), floor), np.maximum(second.astype(float), floor), axis=1)
    np.testing.assert_allclose(figures.kl(first, second), expected, rtol=1e-6, atol=1e-9)


@given(seed=st.integers(0, 2**32), classes=st.integers(1, 50))
def test_margins_are_those_of_sorted_rows(seed, classes):
    shares = answers(seed, 4, classes, 3)
    ordered = np.sort(shares.astype(float), axis=1)
    expected = ordered[:, -1] - ordered[:, -2] if classes > 1 else np.ones(4)
    np.testing.assert_allclose(figures.margins(shares), expected)


@given(
    noise=arrays(np.float64, (20, 6), elements=st.floats(-0.05, 0.05)),
    rounding=arrays(np.float64, (7, 6), elements=st.floats(-0.05, 0.05)),
)
def test_figures_are_their_definitions(noise, rounding):
    keras = answers(1, 20, 6, 2).astype(float)
    package = keras + noise
    rounded = package[:7] + rounding
    found = figures.compare(keras, package, package[:7], rounded)
    error = np.abs(package[:7] - rounded).max()
    decided = [row for row in range(20) if np.sort(keras[row])[-1] - np.sort(keras[row])[-2] > error]
    same = [keras[row].argmax() == package[row].argmax() for row in decided]
    assert (found.photos, found.rounded_photos, found.decided) == (20, 7, len(decided))
    assert found.numeric_error == pytest.approx(error)
    assert found.largest_difference == pytest.approx(np.abs(noise).max(), abs=1e-12)
    assert found.agreement == pytest.approx(np.mean(same) if same else 1.0)
    assert found.kl_max >= found.kl_mean >= 0


def test_photos_without_a_clear_first_answer_do_not_count():
    keras = np.array([[0.500, 0.499, 0.001], [0.8, 0.1, 0.1]])
    package = np.array([[0.499, 0.500, 0.001], [0.8, 0.1, 0.1]])
    loud = package + np.array([[0.002, -0.002, 0.0], [0, 0, 0]])
    assert figures.compare(keras, package, package, package).agreement == 0.5
    found = figures.compare(keras, package, package, loud)
    assert (found.decided, found.agreement, found.faults()) == (1, 1.0, [])


@pytest.mark.parametrize(("same", "passes"), [(199, True), (198, False)])
def test_of_two_hundred_decided_photos_one_may_be_answered_differently(same, passes):
    keras = np.tile([0.5006, 0.4994], (200, 1))
    package = keras.copy()
    package[same:] = package[same:, ::-1]
    found = figures.compare(keras, package, package[:0], package[:0])
    assert found.decided == 200
    assert (found.faults() == []) == passes


def test_no_photos_give_no_figures_and_no_faults():
    found = figures.compare(*[np.empty((0, 3))] * 4)
    assert (found.photos, found.decided, found.agreement, found.faults()) == (0, 0, 1.0, [])
