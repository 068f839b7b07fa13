"""Unknown cars by vehicle and by one photo: one threshold keeps its promise for both."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.classifier.temperature import Temperatures
from autodetect.classifier.unknown_cars import Cases, UnknownCars, judge_unknown_cars

CLASSES = 5


def softmax(logits):
    values = np.exp(logits - logits.max(axis=1, keepdims=True))
    return values / values.sum(axis=1, keepdims=True)


def cases(seed, vehicles, *, known, photos=3):
    """Return photos of cars that light up their class, or none."""
    rng = np.random.default_rng(seed)
    member = np.repeat(np.arange(vehicles), photos)
    truth = rng.integers(0, CLASSES, vehicles)[member]
    logits = rng.normal(size=(len(member), CLASSES)) + (2.5 * np.eye(CLASSES)[truth] if known else 0)
    names = [f"{seed}-{number:04d}" for number in rng.permutation(len(member))]
    ids = np.array([f"{'known' if known else 'other'}{number}" for number in member])
    return Cases(softmax(logits), ids, names, truth if known else None)


def pair(seed, known=80, unknown=60, photos=3):
    return cases(seed, known, known=True, photos=photos), cases(seed + 1, unknown, known=False, photos=photos)


def answered(of, threshold, temperature, *, one_photo):
    """Return the share of vehicles that reach the threshold, the plain way."""
    found = []
    for vehicle in sorted(set(of.vehicles)):
        mine = [i for i, name in enumerate(of.vehicles) if name == vehicle]
        if one_photo:
            mine = [min(mine, key=lambda i: of.photos[i])]
        logs = np.log(of.probabilities[mine]).mean(axis=0) / temperature
        found.append(np.exp(logs).max() / np.exp(logs).sum() >= threshold)
    return np.mean(found)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), photo=st.floats(0.5, 3), vehicle=st.floats(0.3, 2))
def test_at_most_a_fifth_of_unknown_validation_cars_is_answered_by_one_photo_or_by_all(seed, photo, vehicle):
    validation = pair(seed)
    found = judge_unknown_cars(validation, pair(seed + 7), temperatures=Temperatures(photo=photo, vehicle=vehicle))

    def passing(threshold):
        units = ((photo, True), (vehicle, False))
        return max(answered(validation[1], threshold, each, one_photo=one) for each, one in units)

    # 11 of 60: then a 61st passes with at most a fifth; and not one car fewer than must be.
    assert passing(found.threshold + 1e-9) == 11 / 60
    assert passing(found.threshold - 1e-9) == 12 / 60


def test_figures_are_those_of_test_cars_at_the_one_threshold():
    test = pair(20)
    found = judge_unknown_cars(pair(1), test)
    for unit, one_photo in ((found.vehicle, False), (found.photo, True)):
        assert unit.threshold == found.threshold
        assert (unit.known, unit.unknown, unit.validation_known, unit.validation_unknown) == (80, 60, 80, 60)
        known, unknown = (answered(each, found.threshold, 1.0, one_photo=one_photo) for each in test)
        assert unit.known_answered.share == pytest.approx(known, abs=1e-6)
        assert unit.unknown_answered.share == pytest.approx(unknown, abs=1e-6)
        assert unit.answered_top1.share > 0.7
    assert found.words.startswith(f"not sure below {found.threshold:.1%}: by vehicle, ")
    assert "by one photo each, " in found.words
    assert UnknownCars.model_validate_json(found.model_dump_json()) == found


def test_cars_of_one_photo_each_are_told_alike_by_vehicle_and_by_photo():
    found = judge_unknown_cars(pair(3, photos=1), pair(30, photos=1))
    assert found.vehicle == found.photo


@pytest.mark.parametrize(("unknown", "words"), [(3, "no threshold: 3 unknown"), (0, "not judged: 80 known and 0")])
def test_too_few_unknown_cars_give_no_threshold(unknown, words):
    found = judge_unknown_cars(pair(5, unknown=unknown), pair(50))
    assert (found.threshold, found.vehicle.threshold, found.photo.threshold) == (None, None, None)
    assert found.words.startswith(words)


def test_a_threshold_without_test_cars_is_told_as_such():
    found = judge_unknown_cars(pair(5), pair(50, unknown=0))
    assert found.threshold is not None
    assert found.vehicle.unknown_answered is None
    assert "by one photo each, none tested of unknown" in found.words
