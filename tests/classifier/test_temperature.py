"""The temperature: found again where it is known, bounded where it is not, and no answer is changed by it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.classifier.temperature import (
    HIGHEST,
    LOWEST,
    Temperatures,
    fit_temperature,
    fit_temperatures,
    tempered,
)
from autodetect.errors import StageFailedError


def honest(seed, n, classes=8, scale=2.0):
    """Return logits and truths drawn from their softmax: perfectly calibrated at temperature 1."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, classes)) * scale
    return logits, (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)


def nll(logits, truth, temperature):
    return -tempered(logits, temperature)[np.arange(len(truth)), truth].mean()


@pytest.mark.parametrize("true", [0.4, 1.0, 2.5])
def test_a_known_temperature_is_found_again(true):
    logits, truth = honest(7, 6000)
    assert fit_temperature(logits * true, truth) == pytest.approx(true, rel=0.05)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), true=st.floats(0.5, 4))
def test_no_temperature_of_a_grid_has_a_lower_likelihood_loss(seed, true):
    logits, truth = honest(seed, 800)
    fitted = fit_temperature(logits * true, truth)
    grid = [nll(logits * true, truth, each) for each in np.geomspace(LOWEST, HIGHEST, 60)]
    assert nll(logits * true, truth, fitted) <= min(grid) + 1e-3


def test_log_probabilities_and_logits_give_one_temperature():
    logits, truth = honest(3, 500)
    assert fit_temperature(logits, truth) == pytest.approx(fit_temperature(tempered(logits), truth), abs=2e-6)


def test_a_few_cars_that_are_all_right_do_not_make_the_model_certain():
    logits = np.log(np.full((6, 3), 0.1) + 0.7 * np.eye(3)[[0, 1, 2, 0, 1, 2]])
    fitted = fit_temperature(logits, np.array([0, 1, 2, 0, 1, 2]))
    assert LOWEST < fitted < 1
    assert np.exp(tempered(logits, fitted).max(axis=1)).max() < 0.95


def test_a_model_that_is_surely_wrong_is_cooled_down_to_the_bound():
    logits = np.eye(3)[[0, 1, 2]] * 20
    assert fit_temperature(logits, np.array([1, 2, 0])) == pytest.approx(HIGHEST, rel=1e-5)


def test_answers_without_any_opinion_leave_the_temperature_alone():
    assert fit_temperature(np.zeros((9, 4)), np.zeros(9, int)) == 1.0


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), temperature=st.floats(LOWEST, HIGHEST))
def test_tempered_answers_sum_to_one_in_the_same_order(seed, temperature):
    logits = np.random.default_rng(seed).normal(size=(5, 4)) * 30
    found = tempered(logits, temperature)
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1, atol=1e-12)
    assert (np.argsort(found, kind="stable") == np.argsort(logits, kind="stable")).all()


def test_photos_and_vehicles_have_temperatures_of_their_own():
    # Twelve photos a car, each a noisy view of the same logits: their mean knows more than it says.
    logits, truth = honest(5, 600)
    photos = np.repeat(logits, 12, axis=0) + np.random.default_rng(6).normal(size=(7200, 8)) * 4
    found = fit_temperatures(
        np.exp(tempered(photos)).astype(np.float32), np.repeat(truth, 12), np.repeat(np.arange(600), 12)
    )
    assert found.vehicle < found.photo / 1.5
    assert Temperatures.model_validate_json(found.model_dump_json()) == found


def test_no_cars_or_broken_answers_stop_the_stage():
    with pytest.raises(StageFailedError, match="no validation cars"):
        fit_temperature(np.zeros((0, 3)), np.zeros(0, int))
    with pytest.raises(StageFailedError, match="not finite"):
        fit_temperature(np.array([[0.0, np.nan]]), np.array([0]))
