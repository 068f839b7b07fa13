"""Calibration: honest models are found honest, boastful ones are not, and by how much."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.classifier.calibration import BINS, Calibration, calibration, equal_mass_bins


def honest(seed, n, classes=6):
    """Return logits and truths drawn from their softmax: perfectly calibrated at temperature 1."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, classes)) * 2
    return logits, (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)


def test_figures_agree_with_a_count_by_hand():
    # Four cases of 90 % (three right) and two of 60 % (none right): two confidences, two bins.
    logs = np.log([[0.9, 0.1]] * 4 + [[0.4, 0.6]] * 2)
    found = calibration(logs, np.array([0, 0, 0, 1, 0, 0]))
    assert [(each.confidence, each.right.share, each.right.n) for each in found.bins] == [(0.6, 0.0, 2), (0.9, 0.75, 4)]
    assert found.ece == pytest.approx((2 * 0.6 + 4 * 0.15) / 6, abs=1e-6)
    assert found.nll == pytest.approx(-np.log([0.9, 0.9, 0.9, 0.1, 0.4, 0.4]).mean(), abs=1e-6)


def test_an_honest_model_is_near_zero_within_its_interval():
    found = calibration(*honest(1, 5000), seed=2)
    assert found.ece < 0.025
    assert found.ece_low < 0.004
    assert found.ece == pytest.approx(found.ece_noise, rel=0.5)
    assert len(found.bins) == BINS
    assert all(each.right.low - 0.02 <= each.confidence <= each.right.high + 0.02 for each in found.bins)


def test_the_interval_of_honest_models_reaches_zero_nearly_always():
    reached = [calibration(*honest(seed, 600), seed=seed).ece_low < 0.005 for seed in range(60)]
    assert np.mean(reached) >= 0.9


@pytest.mark.parametrize("boast", [1.4, 3.0])
def test_the_interval_of_boastful_models_holds_the_true_error_nearly_always(boast):
    logits, truth = honest(9, 36_000)
    true, held = calibration(logits * boast, truth).ece, []
    for part in range(60):
        mine = slice(600 * part, 600 * part + 600)
        found = calibration(logits[mine] * boast, truth[mine], seed=part)
        held.append(found.ece_low <= true <= found.ece_high)
    assert np.mean(held) >= 0.9


def test_a_boastful_model_is_off_by_what_it_boasts_and_its_temperature_mends_it():
    logits, truth = honest(3, 5000)
    found, mended = calibration(logits * 4, truth), calibration(logits * 4, truth, temperature=4.0)
    confidence = np.exp(logits * 4).max(axis=1) / np.exp(logits * 4).sum(axis=1)
    gap = confidence.mean() - (logits.argmax(axis=1) == truth).mean()
    assert found.ece == pytest.approx(gap, abs=0.01)
    assert found.ece_low < gap < found.ece_high
    assert found.ece_low > 0.1 > mended.ece
    assert found.nll > mended.nll
    assert mended == calibration(logits, truth).model_copy(update={"temperature": 4.0})


def test_the_interval_knows_that_photos_of_one_car_are_one_car():
    logits, truth = honest(4, 150)
    many, answers = np.repeat(logits, 8, axis=0), np.repeat(truth, 8)
    blind, aware = calibration(many, answers), calibration(many, answers, clusters=np.repeat(np.arange(150), 8))
    alone = calibration(logits, truth)
    assert aware.ece == blind.ece
    assert aware.ece_high - aware.ece_low > blind.ece_high - blind.ece_low
    assert aware.bins[0].right.high - aware.bins[0].right.low == pytest.approx(
        alone.bins[0].right.high - alone.bins[0].right.low, abs=1e-6
    )


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 200), levels=st.integers(1, 30))
def test_bins_are_filled_evenly_keep_equals_together_and_ignore_order(seed, n, levels):
    rng = np.random.default_rng(seed)
    confidence = rng.integers(1, levels + 1, n) / levels
    place = equal_mass_bins(confidence)
    counts = np.bincount(place)
    assert counts.min() > 0
    assert len(counts) <= min(BINS, len(np.unique(confidence)))
    for one, other in zip(np.argsort(confidence)[:-1], np.argsort(confidence)[1:], strict=True):
        assert place[one] == place[other] if confidence[one] == confidence[other] else place[one] <= place[other]
    order = rng.permutation(n)
    assert (equal_mass_bins(confidence[order]) == place[order]).all()


def test_bins_of_different_confidences_differ_by_one_case_at_most():
    counts = np.bincount(equal_mass_bins(np.random.default_rng(5).random(1000)))
    assert len(counts) == BINS
    assert counts.max() - counts.min() <= 1


def test_a_single_case_is_judged_and_survives_json():
    found = calibration(np.log([[0.7, 0.3]]), np.array([0]))
    assert (found.ece, len(found.bins)) == (0.3, 1)
    assert Calibration.model_validate_json(found.model_dump_json()) == found


def test_one_seed_gives_one_interval():
    logits, truth = honest(8, 300)
    assert calibration(logits, truth, seed=4) == calibration(logits, truth, seed=4)
    assert calibration(logits, truth, seed=4).ece_high != calibration(logits, truth, seed=5).ece_high
