import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.classifier.evaluation import Evaluation, evaluate, vehicle_answers
from autodetect.errors import StageFailedError

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


def test_an_evaluation_survives_json():
    found = evaluate(PROBABILITIES, LABELS, VEHICLES, NAMES)
    assert Evaluation.model_validate(json.loads(found.model_dump_json())) == found


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
    assert again.model_dump(exclude={"nll"}) == found.model_dump(exclude={"nll"})
    assert again.nll == pytest.approx(found.nll, abs=2e-6)
    assert sum(score.photos for score in found.per_class) == photos
