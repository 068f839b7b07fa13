import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.classifier.evaluation import Evaluation, evaluate, vehicle_answers
from autodetect.classifier.temperature import Temperatures
from autodetect.classifier.unknowns import Unknowns
from autodetect.errors import StageFailedError
from autodetect.records import canonical_json

NAMES = ("Audi A4", "BMW 3-Series", "Fiat 500", "Jeep Wrangler")
# Photos of three cars: v1 (an Audi, 3 photos), v2 (a BMW, 1), v3 (a Fiat, 2).
PROBABILITIES = np.array(
    [
        [0.9, 0.1, 0.0, 0.0],
        [0.4, 0.5, 0.1, 0.0],
        [0.4, 0.5, 0.1, 0.0],
        [0.1, 0.2, 0.3, 0.4],
        [0.3, 0.2, 0.1, 0.4],
        [0.1, 0.1, 0.7, 0.1],
    ]
)
LABELS = np.array([0, 0, 0, 1, 2, 2])
VEHICLES = ["v1", "v1", "v1", "v2", "v3", "v3"]


def test_figures_agree_with_a_count_by_hand():
    found = evaluate(PROBABILITIES, LABELS, VEHICLES, NAMES)
    assert (found.photos, found.vehicles, found.classes) == (6, 3, 4)
    assert found.top1 == round(2 / 6, 6)
    assert found.top3 == round(5 / 6, 6)
    assert (found.vehicle_top1, found.vehicle_top3) == (round(2 / 3, 6), 1.0)
    assert found.nll == round(float(-np.log([0.9, 0.4, 0.4, 0.2, 0.1, 0.7]).mean()), 6)
    assert (found.chance, found.majority_share) == (0.25, round(1 / 3, 6))
    assert [score.name for score in found.per_class] == ["Audi A4", "BMW 3-Series", "Fiat 500"]
    assert (found.top5, found.vehicle_top5) == (1.0, 1.0)
    assert (found.by_photo.accuracy.top1.share, found.by_vehicle.accuracy.top1.share) == (
        found.top1,
        found.vehicle_top1,
    )
    assert found.by_photo.accuracy.macro_top1 == round((1 / 3 + 0 + 1 / 2) / 3, 6)
    assert found.by_vehicle.accuracy.macro_top1 == found.vehicle_top1
    audi = found.per_class[0]
    assert (audi.photos, audi.vehicles, audi.top1, audi.vehicle_top1) == (3, 1, round(1 / 3, 6), 1.0)


def test_a_vehicle_is_answered_by_its_mean_log_probability():
    # One sure photo outweighs two that lean the other way; a majority of photos would say BMW.
    answers = vehicle_answers(PROBABILITIES[:3], LABELS[:3], VEHICLES[:3], [70, 71, 72, 73])
    assert answers.answered == {"v1": 70}


def test_answers_are_told_in_class_ids_that_outlive_a_model():
    answers = vehicle_answers(PROBABILITIES, np.array([7, 7, 7, 99, 5, 5]), VEHICLES, [7, 3, 5, 9])
    assert answers.class_ids == {7, 3, 5, 9}
    assert answers.truth == {"v1": 7, "v2": 99, "v3": 5}
    assert answers.answered == {"v1": 7, "v2": 9, "v3": 5}


def test_ranks_and_likelihood_are_told_of_vehicles_whose_class_the_model_knows():
    answers = vehicle_answers(PROBABILITIES, np.array([3, 3, 3, 99, 5, 5]), VEHICLES, [7, 3, 5, 9])
    assert answers.ranks == {"v1": 1, "v3": 0}
    pooled = np.exp(np.log(PROBABILITIES[4:]).mean(axis=0))
    assert answers.nll["v3"] == pytest.approx(-np.log(pooled[2] / pooled.sum()))
    cooler = vehicle_answers(PROBABILITIES, np.array([3, 3, 3, 99, 5, 5]), VEHICLES, [7, 3, 5, 9], temperature=3.0)
    assert (cooler.ranks, cooler.answered) == (answers.ranks, answers.answered)
    assert cooler.nll["v3"] == pytest.approx(-np.log(pooled[2] ** (1 / 3) / (pooled ** (1 / 3)).sum()))


FULL = {
    "temperatures": Temperatures(photo=1.5, vehicle=0.5),
    "groups": [(0, 1)],
    "ages": [2, 2, 2, 90, 200, 1],
    "photos": list("abcdef"),
    "unknowns": Unknowns(score="max_probability", words="not judged", most_answered=0.2),
}


def test_an_evaluation_survives_json_with_all_it_can_hold():
    found = evaluate(PROBABILITIES, LABELS, VEHICLES, NAMES, **FULL)
    assert all(getattr(found, name) for name in Evaluation.model_fields)
    assert Evaluation.model_validate(json.loads(canonical_json(found.model_dump(mode="json")))) == found


def test_an_evaluation_of_an_earlier_version_is_still_read():
    new = ("by_photo", "by_vehicle", "prior", "lookalikes", "recency", "worst", "unknowns", "top5", "vehicle_top5")
    now = evaluate(PROBABILITIES, LABELS, VEHICLES, NAMES).model_dump(mode="json", exclude=set(new))
    classes = ("name", "photos", "vehicles", "top1", "top3", "vehicle_top1", "vehicle_top3")
    now["per_class"] = [{name: score[name] for name in classes} for score in now["per_class"]]
    assert Evaluation.model_validate(now).vehicle_top1 == now["vehicle_top1"]


def test_every_part_is_told_of_the_same_vehicles():
    found = evaluate(PROBABILITIES, LABELS, VEHICLES, NAMES, **FULL)
    # v1 is an Audi named rightly; v2 is a BMW taken for a Jeep; v3 is a Fiat named rightly.
    assert (found.lookalikes.wrong, found.lookalikes.excused) == (1, 0)
    assert [(each.name, each.taken_for) for each in found.worst] == [("BMW 3-Series", "Jeep Wrangler")]
    assert [each.sha256 for each in found.worst[0].photos] == ["d"]
    # A vehicle is as old as its first night: v3 has a photo of 200 days ago.
    assert (found.recency.recent.n, found.recency.older.n) == (1, 2)
    assert (found.recency.recent.share, found.recency.older.share) == (1.0, 0.5)
    # One vehicle of each of three classes are three classes' worth of guessing; a fourth is never right.
    assert found.prior.effective_classes == pytest.approx(3)


def test_a_temperature_changes_how_sure_answers_are_and_nothing_else():
    cold = evaluate(PROBABILITIES, LABELS, VEHICLES, NAMES)
    warm = evaluate(PROBABILITIES, LABELS, VEHICLES, NAMES, temperatures=Temperatures(photo=2.0, vehicle=4.0))
    assert (warm.by_photo.accuracy, warm.by_vehicle.accuracy, warm.per_class, warm.nll) == (
        cold.by_photo.accuracy,
        cold.by_vehicle.accuracy,
        cold.per_class,
        cold.nll,
    )
    assert cold.by_photo.calibration.nll == cold.nll
    assert (warm.by_photo.calibration.temperature, warm.by_vehicle.calibration.temperature) == (2.0, 4.0)
    assert warm.by_photo.calibration.nll != cold.by_photo.calibration.nll
    assert warm.by_vehicle.calibration.nll != cold.by_vehicle.calibration.nll


@pytest.mark.parametrize(("answers", "gap"), [([0.75, 0.25], 0.0), ([0.5, 0.5], 0.25), ([0.0, 1.0], 0.75)])
def test_the_prior_says_how_far_the_model_serves_another_mix(answers, gap):
    found = evaluate(np.array([answers] * 4), np.array([0, 0, 0, 1]), list("abcd"), ("a", "b"))
    assert found.prior.name == "listed"
    assert found.prior.gap == pytest.approx(gap, abs=1e-6)
    assert found.prior.effective_classes == pytest.approx(1.7548, abs=1e-4)  # exp of the entropy of 3/4 and 1/4


def test_equal_scores_are_not_all_counted_as_right():
    found = evaluate(np.full((4, 4), 0.25), np.arange(4), list("abcd"), NAMES)
    assert (found.top1, found.top3) == (0.25, 0.75)


def test_a_zero_probability_gives_a_finite_nll():
    found = evaluate(np.array([[1.0, 0.0]]), np.array([1]), ["v"], ("a", "b"))
    assert 20 < found.nll < 50


def test_a_vehicle_under_two_classes_or_no_photos_stop_the_stage():
    with pytest.raises(StageFailedError, match="more than one class"):
        evaluate(PROBABILITIES, LABELS, ["v1"] * 6, NAMES)
    with pytest.raises(StageFailedError, match="no test photos"):
        evaluate(PROBABILITIES[:0], LABELS[:0], [], NAMES)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), photos=st.integers(1, 40), classes=st.integers(2, 8))
def test_shares_are_shares_and_order_plays_no_part(seed, photos, classes):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(classes), photos)
    vehicle = rng.integers(0, 10, photos)
    labels, names = vehicle % classes, [str(index) for index in range(classes)]
    found = evaluate(probabilities, labels, vehicle.astype(str), names)
    assert 0 <= found.top1 <= found.top3 <= 1
    assert 0 <= found.vehicle_top1 <= found.vehicle_top3 <= 1
    order = rng.permutation(photos)
    again = evaluate(probabilities[order], labels[order], vehicle[order].astype(str), names)
    assert figures(again.model_dump()) == pytest.approx(figures(found.model_dump()), abs=2e-6)
    assert sum(score.photos for score in found.per_class) == photos


def figures(value, path=""):
    """Return every number of nested dicts and tuples by its path."""
    if isinstance(value, dict | tuple):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {name: each for key, inner in items for name, each in figures(inner, f"{path}/{key}").items()}
    return {path: value} if isinstance(value, int | float) else {}


def test_a_model_that_knows_none_of_the_cars_has_answers_and_no_ranks():
    answers = vehicle_answers(PROBABILITIES, LABELS + 50, VEHICLES, [7, 3, 5, 9])
    assert answers.answered == {"v1": 7, "v2": 9, "v3": 5}
    assert (answers.ranks, answers.nll) == ({}, {})


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_answers_that_are_no_numbers_stop_the_stage(bad):
    broken = PROBABILITIES.copy()
    broken[2, 1] = bad
    with pytest.raises(StageFailedError, match="1 of 6 answers"):
        evaluate(broken, LABELS, VEHICLES, NAMES)
