"""Unknown cars: areas are counts of pairs, thresholds keep their promise on cars they were not chosen on."""

import json
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.classifier.temperature import tempered
from autodetect.classifier.unknowns import (
    Scored,
    Unknowns,
    auroc,
    auroc_interval,
    choose_threshold,
    false_answers,
    judge_unknowns,
    max_probability,
    negative_energy,
)
from autodetect.errors import StageFailedError

LEVELS = st.lists(st.integers(0, 6).map(float), min_size=1, max_size=25).map(np.array)


@given(known=LEVELS, unknown=LEVELS)
def test_the_area_is_the_share_of_pairs_in_the_right_order(known, unknown):
    pairs = [(one > other) + (one == other) / 2 for one, other in product(known, unknown)]
    assert auroc(known, unknown) == pytest.approx(np.mean(pairs), abs=1e-12)
    assert auroc(unknown, known) == pytest.approx(1 - np.mean(pairs), abs=1e-12)


@given(known=LEVELS, unknown=LEVELS)
def test_false_answers_are_those_at_the_highest_bar_that_keeps_the_recall(known, unknown):
    bars = [bar for bar in known if (known >= bar).mean() >= 0.95]
    assert false_answers(known, unknown) == (unknown >= max(bars)).mean()


@given(area=st.floats(0, 1), known=st.integers(1, 500), unknown=st.integers(1, 500))
def test_an_interval_of_an_area_holds_it_and_is_never_empty(area, known, unknown):
    low, high = auroc_interval(area, known, unknown)
    assert 0 <= low <= area <= high <= 1
    assert low < high


def test_95_of_100_intervals_of_an_area_hold_the_truth():
    rng, held = np.random.default_rng(1), []
    for _ in range(400):
        found = auroc(rng.normal(1.5, 1, 60), rng.normal(0, 1, 40))
        low, high = auroc_interval(found, 60, 40)
        held.append(low <= 0.85558 <= high)  # P(N(1.5, 2) > 0)
    assert 0.92 <= np.mean(held) <= 0.99


@given(
    unknown=st.lists(st.integers(0, 9).map(float), max_size=60).map(np.array), most=st.sampled_from([0, 0.05, 0.2, 0.5])
)
def test_a_threshold_lets_no_more_pass_than_promised_and_no_lower_one_would_do(unknown, most):
    bar = choose_threshold(unknown, most)
    allowed = most * (len(unknown) + 1) - 1
    if bar is None:
        assert allowed < 0
        return
    assert (unknown >= bar).sum() <= allowed + 1e-9
    lower = unknown[unknown < bar].max(initial=-1.0)
    assert lower == -1.0 or (unknown >= lower).sum() > allowed


def test_the_promise_holds_for_cars_that_the_threshold_never_saw():
    rng = np.random.default_rng(2)
    passed = [(rng.random(200) >= choose_threshold(rng.random(24))).mean() for _ in range(600)]
    assert np.mean(passed) <= 0.2 + 2 * np.std(passed) / np.sqrt(600)


def simulated(seed, n=200, m=100, lift=2.5):
    """Return logits of known cars with their truth, and of unknown ones, which light up no class."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 5, n)
    return rng.normal(size=(n, 5)) + lift * np.eye(5)[truth], truth, rng.normal(size=(m, 5))


def scored(seed):
    known, truth, unknown = simulated(seed)
    right = known.argmax(axis=1) == truth
    return {
        "max_probability": Scored(max_probability(known), max_probability(unknown), right),
        "energy": Scored(negative_energy(known), negative_energy(unknown), right),
    }


def test_what_is_chosen_on_validation_is_told_for_other_cars():
    found = judge_unknowns(scored(1), scored(2))
    test = scored(2)[found.score]
    assert (found.known, found.unknown, found.validation_known, found.validation_unknown) == (200, 100, 200, 100)
    assert found.auroc == pytest.approx(auroc(test.known, test.unknown), abs=1e-6)
    assert found.auroc_low < found.auroc < found.auroc_high
    assert found.unknown_answered.share == np.mean(test.unknown >= found.threshold)
    assert found.known_answered.share == np.mean(test.known >= found.threshold)
    assert found.answered_top1.share == pytest.approx(test.right[test.known >= found.threshold].mean(), abs=1e-6)
    assert found.unknown_answered.low < 0.2
    assert "of 100 unknown test cases are answered" in found.words
    assert "20% allowed" in found.words
    assert Unknowns.model_validate(json.loads(found.model_dump_json())) == found


@pytest.mark.parametrize(("better", "chosen"), [("max_probability", "max_probability"), ("energy", "energy")])
def test_validation_chooses_the_score(better, chosen):
    good, bad = Scored(np.arange(50.0) + 45, np.arange(50.0)), Scored(np.arange(50.0), np.arange(50.0))
    validation = {name: good if name == better else bad for name in ("max_probability", "energy")}
    swapped = {name: bad if name == better else good for name in ("max_probability", "energy")}
    assert judge_unknowns(validation, swapped).score == chosen


def test_a_score_that_needs_a_second_output_must_be_worth_it():
    same = Scored(np.arange(50.0) + 20, np.arange(50.0))
    assert (
        judge_unknowns({"max_probability": same, "energy": same}, {"max_probability": same}).score == "max_probability"
    )


def test_a_few_unknowns_give_figures_without_a_threshold():
    validation = {"max_probability": Scored(np.array([0.9, 0.8]), np.array([0.1, 0.2, 0.3]))}
    found = judge_unknowns(validation, {"max_probability": Scored(np.array([0.9]), np.array([0.95]))})
    assert (found.threshold, found.unknown_answered, found.auroc, found.false_answers) == (None, None, 0.0, 1.0)
    assert found.words == "no threshold: 3 unknown validation cases, at least 4 are needed"


def test_without_unknowns_nothing_is_claimed():
    none = {"max_probability": Scored(np.array([0.9, 0.8]), np.array([]))}
    found = judge_unknowns(none, none)
    assert (found.threshold, found.auroc) == (None, None)
    assert found.words == "not judged: 2 known and 0 unknown validation cases"
    some = {"max_probability": Scored(np.array([0.9, 0.8]), np.arange(9.0) / 10)}
    untested = judge_unknowns(some, none)
    assert untested.known_answered is not None
    assert untested.unknown_answered is None
    assert untested.words == "a threshold without a test: 2 known and 0 unknown test cases"


def test_a_model_certain_of_everything_answers_nothing_it_may_not():
    certain = {"max_probability": Scored(np.ones(30), np.ones(30), np.ones(30, bool))}
    found = judge_unknowns(certain, certain)
    assert (found.unknown_answered.share, found.known_answered.share, found.answered_top1) == (0, 0, None)
    assert (found.auroc, found.false_answers) == (0.5, 1.0)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shift=st.floats(-50, 50), temperature=st.floats(0.2, 5))
def test_probability_forgets_a_shift_of_all_logits_and_energy_follows_it(seed, shift, temperature):
    logits = np.random.default_rng(seed).normal(size=(4, 3))
    shifted = max_probability(logits + shift, temperature)
    np.testing.assert_allclose(shifted, max_probability(logits, temperature), atol=1e-9)
    np.testing.assert_allclose(shifted, np.exp(tempered(logits, temperature)).max(axis=1))
    energy = negative_energy(logits, temperature)
    np.testing.assert_allclose(negative_energy(logits + shift, temperature), energy + shift, atol=1e-9)
    np.testing.assert_allclose(energy, temperature * np.log(np.exp(logits / temperature).sum(axis=1)), atol=1e-9)


def test_scores_that_are_no_numbers_stop_the_stage():
    bad = {"max_probability": Scored(np.array([np.nan]), np.array([0.1]))}
    with pytest.raises(StageFailedError, match="1 scores"):
        judge_unknowns(bad, bad)
