import json

import numpy as np
import pytest

from autodetect.classifier.gate import Answers, decide

ASKED = {"margin_points": 0.5, "chance": 0.1, "min_lift": 2.0}


def answers(right, classes=10, known=None, prefix="v"):
    """Return a model's answers on vehicles 0..n-1, right where `right` says so."""
    truth = {f"{prefix}{index}": index % classes for index in range(len(right))}
    answered = {
        vehicle: label if hit else (label + 1) % classes
        for (vehicle, label), hit in zip(truth.items(), right, strict=True)
    }
    return Answers(frozenset(range(classes)) if known is None else frozenset(known), truth, answered)


def pair(rng, n, accuracy, flips, loss=0.0):
    """Return (challenger, champion) right/wrong arrays: `flips` discordant by chance, `loss` lost on top."""
    old = rng.random(n) < accuracy
    new = np.where(rng.random(n) < flips, rng.random(n) < accuracy, old)
    return new & ~(rng.random(n) < loss), old


@pytest.mark.parametrize("n", [40, 400, 4000])
def test_equal_models_mostly_pass(n):
    rng = np.random.default_rng(n)
    verdicts = [decide(*map(answers, pair(rng, n, 0.7, 0.1)), **ASKED) for _ in range(300)]
    assert np.mean([verdict.promoted for verdict in verdicts]) > 0.7


@pytest.mark.parametrize(("n", "loss", "most"), [(400, 0.1, 0.05), (400, 0.05, 0.35), (4000, 0.03, 0.01)])
def test_a_worse_model_is_mostly_refused(n, loss, most):
    rng = np.random.default_rng(n)
    verdicts = [decide(*map(answers, pair(rng, n, 0.7, 0.1, loss)), **ASKED) for _ in range(300)]
    assert np.mean([verdict.promoted for verdict in verdicts]) <= most


def test_a_better_model_and_an_identical_one_pass():
    old = np.arange(300) % 10 < 6
    for new in (old, old | (np.arange(300) % 10 == 7)):
        assert decide(answers(new), answers(old), **ASKED).promoted


def test_one_vehicle_lost_among_hundreds_does_not_decide():
    old = np.ones(200, bool)
    new = old.copy()
    new[0] = False
    assert decide(answers(new), answers(old), **ASKED).promoted
    new[:12] = False
    assert not decide(answers(new), answers(old), **ASKED).promoted


def test_the_figures_and_the_words_agree():
    old, new = np.arange(412) < 288, np.arange(412) < 294
    verdict = decide(answers(new), answers(old), **ASKED)
    assert verdict.words.startswith("promoted: 71.4 % against 69.9 % on the same 412 vehicles (6 gained, 0 lost")
    assert (verdict.n, verdict.discordant, verdict.difference) == (412, 6, round(6 / 412, 6))
    assert (verdict.challenger_top1, verdict.champion_top1) == (round(294 / 412, 6), round(288 / 412, 6))
    worse = decide(answers(old & (np.arange(412) > 40)), answers(old), **ASKED)
    assert worse.words.startswith("refused: ")
    assert worse.lower_bound < -worse.margin
    json.loads(worse.model_dump_json())


def test_too_few_vehicles_for_the_margin_are_told_as_underpowered():
    rng = np.random.default_rng(0)
    small = decide(*map(answers, pair(rng, 100, 0.7, 0.1)), **ASKED)
    assert small.underpowered
    assert "underpowered" in small.words
    assert small.margin > 0.005
    large = decide(*map(answers, pair(rng, 200_000, 0.7, 0.1)), **ASKED)
    assert not large.underpowered
    assert "underpowered" not in large.words
    assert large.margin == 0.005


def test_only_vehicles_and_classes_that_both_know_are_compared():
    right = np.ones(100, bool)
    champion = answers(right, known=range(5))
    challenger = answers(np.arange(100) % 10 < 5)  # wrong on every class that only it knows
    verdict = decide(challenger, champion, **ASKED)
    assert (verdict.n, verdict.promoted, verdict.challenger_top1) == (50, True, 1.0)


def test_a_confusion_with_a_class_that_only_the_challenger_knows_counts_against_it():
    champion = answers(np.ones(100, bool), known=range(5))
    challenger = answers(np.ones(100, bool))
    stolen = {vehicle: 9 for vehicle, label in challenger.truth.items() if label == 0}
    challenger = Answers(challenger.class_ids, challenger.truth, {**challenger.answered, **stolen})
    verdict = decide(challenger, champion, **ASKED)
    assert (verdict.challenger_top1, verdict.promoted) == (0.8, False)


@pytest.mark.parametrize("champion", [answers(np.ones(30, bool), prefix="w"), answers(np.ones(30, bool), known=[77])])
def test_no_common_vehicle_is_a_refusal_in_words(champion):
    verdict = decide(answers(np.ones(30, bool)), champion, **ASKED)
    assert (verdict.promoted, verdict.n, verdict.difference) == (False, 0, None)
    assert "no test vehicle" in verdict.words


def test_a_first_model_must_beat_chance_by_the_asked_lift():
    rng = np.random.default_rng(1)
    guessing = decide(answers(rng.random(300) < 0.1), None, **ASKED)
    assert not guessing.promoted
    assert guessing.words.startswith("refused: the first model")
    assert guessing.champion_top1 is None
    good = decide(answers(rng.random(300) < 0.5), None, **ASKED)
    assert good.promoted
    assert good.words.startswith("promoted: the first model")
    assert 0.1 < good.lower_bound < good.challenger_top1


def test_a_first_model_on_too_few_vehicles_is_not_surely_above_chance():
    assert not decide(answers(np.array([True, False, False, False])), None, **ASKED).promoted
    assert not decide(answers(np.array([], bool)), None, **ASKED).promoted


def test_guessing_is_refused_however_often_it_tries():
    rng = np.random.default_rng(2)
    passed = [decide(answers(rng.random(200) < 0.1), None, **ASKED).promoted for _ in range(500)]
    assert np.mean(passed) < 0.01


def test_without_a_floor_any_first_model_is_taken_and_the_words_say_so():
    truth = {f"v{i}": i % 4 for i in range(20)}
    hopeless = Answers(class_ids=frozenset(range(4)), truth=truth, answered={v: (c + 1) % 4 for v, c in truth.items()})
    verdict = decide(hopeless, None, margin_points=0.5, chance=0.25, min_lift=0)
    assert verdict.promoted
    assert "no floor" in verdict.words
