"""How often the gate errs, on models whose true accuracies are known. Seeded: the same draws on every machine."""

import math

import numpy as np
import pytest

from autodetect.classifier.gate import decide
from tests.classifier.gate.answered import ASKED, answers, by_vehicle, changed

ACCURACY = 0.75
SIZES = [60, 200, 650]
DISCORDANCE = [0.05, 0.10, 0.15]


def true_margin(n, discordance):
    """Return the margin against an equal model, a share."""
    return max(0.005, 2.5 * math.sqrt(discordance / n))


def share_promoted(n, discordance, loss=0.0, *, runs, part=None):
    """Return how often a challenger that truly loses `loss` is promoted (or passes one part)."""
    rng = np.random.default_rng([n, round(1000 * discordance), round(10_000 * loss)])
    passed = 0
    for _ in range(runs):
        old = rng.random(n) < ACCURACY
        new = changed(rng, old, ACCURACY, discordance, loss)
        verdict = decide(answers(new, 30), answers(old, 30), **ASKED)
        passed += verdict.promoted if part is None else verdict.parts[part].passed
    return passed / runs


@pytest.mark.parametrize("discordance", DISCORDANCE)
@pytest.mark.parametrize("n", SIZES)
def test_equal_models_pass_at_least_three_nights_in_four(n, discordance):
    assert share_promoted(n, discordance, runs=600) >= 0.75


@pytest.mark.parametrize("discordance", DISCORDANCE)
@pytest.mark.parametrize("n", SIZES)
def test_models_two_margins_worse_pass_at_most_one_night_in_twenty(n, discordance):
    assert share_promoted(n, discordance, 2 * true_margin(n, discordance), runs=200) <= 0.05


@pytest.mark.parametrize("discordance", DISCORDANCE)
def test_a_model_one_margin_worse_passes_about_one_night_in_twenty(discordance):
    assert share_promoted(650, discordance, true_margin(650, discordance), runs=400) <= 0.08


@pytest.mark.parametrize("discordance", DISCORDANCE)
def test_the_smallest_drop_it_could_have_seen_is_refused_about_four_times_in_five(discordance):
    drop = 2.5 * math.sqrt(discordance / 650) - (1.6448536 - 0.8416212) * math.sqrt(discordance / 650)
    refused = 1 - share_promoted(650, discordance, drop, runs=400, part=0)
    assert 0.72 <= refused <= 0.9
    rng = np.random.default_rng(0)
    old = rng.random(650) < ACCURACY
    verdict = decide(answers(changed(rng, old, ACCURACY, discordance)), answers(old), **ASKED)
    assert verdict.smallest_drop == pytest.approx(drop, rel=0.25)


@pytest.mark.parametrize(
    ("n", "steps", "runs"), [(200, (0.05, 0.05), 1500), (200, (0.1, 0.1), 1500), (650, (0.05, 0.1), 600)]
)
def test_equal_models_pass_all_parts_together_three_nights_in_four(n, steps, runs):
    rng = np.random.default_rng(n)
    passed = 0
    groups = [frozenset({0, 1, 2}), frozenset({3, 4})]
    for _ in range(runs):
        best = rng.random(n) < ACCURACY
        old = changed(rng, best, ACCURACY, steps[0])
        new = changed(rng, old, ACCURACY, steps[1])
        shared = rng.exponential(0.8, n)
        verdict = decide(
            answers(new, 40, nll=by_vehicle(shared + rng.normal(0, 0.5, n))),
            answers(old, 40, nll=by_vehicle(shared + rng.normal(0, 0.5, n))),
            **ASKED,
            recent=answers(best, 40),
            groups=groups,
        )
        assert sum(part.passed is not None for part in verdict.parts) == 4
        passed += verdict.promoted
    assert passed / runs >= 0.75


def drifted(rng, nights, *, compare_with_best, n=650, loss=0.002, unstable=0.08):
    """Return how many of the nights were promoted, each with a model that truly loses `loss` to the one before.

    `unstable` is the share of vehicles on which two trainings differ; what drifts away stays lost.
    """
    coins = rng.random(n) < unstable

    def train(kept):
        return np.where(coins, rng.random(n) < 0.5, kept)

    kept = rng.random(n) < ACCURACY
    best = champion = train(kept)
    promoted = 0
    for _ in range(nights):
        drifting = kept & (rng.random(n) >= loss / ACCURACY)
        challenger = train(drifting)
        recent = answers(best) if compare_with_best else None
        if decide(answers(challenger), answers(champion), **ASKED, recent=recent).promoted:
            promoted, kept, champion = promoted + 1, drifting, challenger
    return promoted


def test_nights_too_slightly_worse_to_see_add_up_unless_the_best_release_is_asked_too():
    alone = [drifted(np.random.default_rng(seed), 60, compare_with_best=False) for seed in range(16)]
    beside = [drifted(np.random.default_rng(seed), 60, compare_with_best=True) for seed in range(16)]
    assert 0.2 * np.mean(alone) >= 4
    assert np.mean(beside) <= 0.67 * np.mean(alone)


def test_after_twenty_nights_of_a_fifth_point_each_the_champion_lets_it_pass_and_the_best_release_does_not():
    rng = np.random.default_rng(3)
    by_champion, by_best = 0, 0
    for _ in range(200):
        best = rng.random(650) < ACCURACY
        champion = changed(rng, best, ACCURACY, 0.08, 0.038)
        challenger = changed(rng, champion, ACCURACY - 0.038, 0.03, 0.002)
        verdict = decide(answers(challenger), answers(champion), **ASKED, recent=answers(best))
        champion_part, recent_part = verdict.parts[:2]
        by_champion += champion_part.passed
        by_best += recent_part.passed
        assert verdict.promoted <= recent_part.passed
    assert by_champion / 200 >= 0.7
    assert by_best / 200 <= 0.1
