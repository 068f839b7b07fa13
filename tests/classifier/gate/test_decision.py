import json

import numpy as np
import pytest

from autodetect.classifier.evaluation import vehicle_answers
from autodetect.classifier.gate import Answers, GateVerdict, decide
from autodetect.sections import GateSettings
from tests.classifier.gate.answered import ASKED, answers, by_vehicle


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


def parts(verdict):
    return {part.name: part for part in verdict.parts}


def test_every_question_is_answered_in_words_even_where_it_could_not_be_asked():
    verdict = decide(answers(np.ones(40, bool)), answers(np.ones(40, bool)), **ASKED)
    asked = parts(verdict)
    assert list(asked) == ["champion", "recent", "classes", "likelihood", "new_classes", "size"]
    assert {name: part.passed for name, part in asked.items() if part.passed is not None} == {
        "champion": True,
        "classes": True,
    }
    assert all(part.words for part in verdict.parts)


def test_what_refuses_comes_first_in_the_words_and_the_main_figures_are_always_told():
    right = np.arange(400) % 10 < 7
    verdict = decide(answers(right), answers(right), **ASKED, size_bytes=123_000_000)
    assert not verdict.promoted
    assert verdict.words.startswith(
        "refused: the model has 123.0 MB, 100.0 MB are allowed; 70.0 % against 70.0 % on the same 400 vehicles "
        "(0 gained, 0 lost; at worst -0."
    )


@pytest.mark.parametrize(("size", "most", "passed"), [(100, 100, True), (101, 100, False), (101, None, None)])
def test_a_model_may_weigh_what_is_allowed_and_no_more(size, most, passed):
    right = np.ones(40, bool)
    limits = GateSettings(max_size_bytes=most)
    assert (
        parts(decide(answers(right), answers(right), **ASKED, size_bytes=size, limits=limits))["size"].passed is passed
    )
    assert parts(decide(answers(right), None, **ASKED, size_bytes=size, limits=limits))["size"].passed is passed


def test_a_first_model_too_large_for_a_phone_is_refused():
    verdict = decide(answers(np.ones(40, bool)), None, **ASKED, size_bytes=200_000_000)
    assert verdict.words.startswith(
        "refused: the model has 200.0 MB, 100.0 MB are allowed; the first model reaches 100.0 %"
    )


def test_vehicles_that_a_model_was_trained_on_are_left_out_and_counted():
    right = np.arange(100) >= 20
    seen = frozenset(f"v{index}" for index in range(20)) | {"elsewhere"}
    verdict = decide(answers(right), answers(np.ones(100, bool)), **ASKED, trained_on=seen)
    assert (verdict.promoted, verdict.n, verdict.excluded, verdict.challenger_top1) == (True, 80, 20, 1.0)
    assert "20 vehicles left out: a model was trained on them" in verdict.words
    assert decide(answers(right), None, **ASKED, trained_on=seen).challenger_top1 == 1.0


def test_a_challenger_as_good_as_the_champion_can_be_refused_for_the_best_release():
    best = np.arange(600) % 10 < 8
    slid = best & (np.arange(600) >= 60)
    verdict = decide(answers(slid), answers(slid), **ASKED, recent=answers(best))
    assert (verdict.difference, verdict.recent.difference, verdict.recent.n) == (0, -0.08, 600)
    assert parts(verdict)["champion"].passed
    assert verdict.words.startswith(
        "refused: 72.0 % against 80.0 % of the best release of the last 90 days on the same"
    )


def test_a_champion_that_is_the_best_release_is_not_asked_twice():
    right = np.arange(300) % 10 < 8
    verdict = decide(answers(right), answers(right), **ASKED, recent=answers(right))
    assert (parts(verdict)["recent"].passed, verdict.recent) == (None, None)


def test_a_best_release_without_a_vehicle_in_common_is_told_and_does_not_refuse():
    right = np.ones(50, bool)
    verdict = decide(answers(right), answers(right), **ASKED, recent=answers(right, prefix="w"))
    assert verdict.promoted
    assert "no test vehicle in common" in parts(verdict)["recent"].words


def test_a_verdict_survives_a_receipt_and_an_old_receipt_is_read_as_it_was_written():
    right = np.arange(400) % 10 < 7
    new = Answers(
        frozenset(range(11)), {**answers(right).truth, "n0": 10}, {**answers(right).answered, "n0": 10}, {"n0": 0}
    )
    nll = by_vehicle(np.ones(400))
    verdict = decide(
        Answers(new.class_ids, new.truth, new.answered, new.ranks, nll),
        answers(right, nll=nll),
        **ASKED,
        recent=answers(~right),
        limits=GateSettings(new_class_floor=0.5),
    )
    assert (verdict.withheld, verdict.nll_rise) == ((10,), 0.0)
    assert GateVerdict.model_validate(json.loads(verdict.model_dump_json())) == verdict
    old = {
        "promoted": False,
        "words": "refused: 60.0 % against 70.0 % on the same 100 vehicles",
        "n": 100,
        "champion_top1": 0.7,
        "challenger_top1": 0.6,
        "discordant": 12,
        "difference": -0.1,
        "margin": 0.05,
        "lower_bound": -0.12,
        "underpowered": True,
    }
    read = GateVerdict.model_validate(old)
    assert (read.difference, read.parts, read.withheld, read.smallest_drop) == (-0.1, (), (), None)


def test_answers_pooled_from_photos_let_every_model_part_be_asked():
    rng = np.random.default_rng(6)
    labels = np.repeat(np.arange(12), 30)
    vehicles = np.array([f"v{index // 2}" for index in range(len(labels))])
    logits = rng.normal(0, 1, (len(labels), 12)) + 3 * np.eye(12)[labels]

    def model(values, class_ids):
        odds = np.exp(values[:, : len(class_ids)])
        return vehicle_answers(odds / odds.sum(axis=1, keepdims=True), labels, vehicles, class_ids)

    grown, old = model(logits, list(range(12))), model(logits + rng.normal(0, 0.1, logits.shape), list(range(11)))
    verdict = decide(grown, old, **ASKED, recent=model(logits + rng.normal(0, 0.1, logits.shape), list(range(10))))
    assert [part.name for part in verdict.parts if part.passed] == [
        "champion",
        "recent",
        "classes",
        "likelihood",
        "new_classes",
    ]
    assert (verdict.promoted, verdict.n, verdict.recent.n) == (True, 11 * 15, 10 * 15)
    assert [new.class_id for new in verdict.new_classes] == [11]
