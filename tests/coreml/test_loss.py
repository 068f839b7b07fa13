"""What a package loses is counted by vehicle, on the same photos, with the gate's interval."""

import numpy as np
import pytest

from autodetect.classifier.gate.formulas import paired_difference
from autodetect.coreml.loss import paired_loss

CLASS_IDS = (7, 3, 9)


def shares(outputs, sure=0.9):
    rows = np.full((len(outputs), len(CLASS_IDS)), (1 - sure) / 2)
    rows[np.arange(len(outputs)), outputs] = sure
    return rows.astype(np.float32)


def loss(champion, package, truth, vehicles=None):
    class_ids = np.array([CLASS_IDS[output] for output in truth])
    vehicles = [f"v{i}" for i in range(len(truth))] if vehicles is None else vehicles
    return paired_loss(champion, package, class_ids=CLASS_IDS, truth=class_ids, vehicles=vehicles)


def test_lost_and_gained_vehicles_are_told_apart():
    truth = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0])
    champion, package = truth.copy(), truth.copy()
    champion[0] = 1  # gained by the package
    package[[3, 4, 5]] = [1, 2, 0]  # lost by it
    found = loss(shares(champion), shares(package), truth)
    centre, error = paired_difference(1, 3, 10)
    assert (found.photos, found.vehicles, found.loss) == (10, 10, 0.2)
    assert found.low == pytest.approx(-centre - 1.96 * error, abs=1e-4)
    assert found.high == pytest.approx(-centre + 1.96 * error, abs=1e-4)
    assert (
        found.words == f"20.0 points lost (95 %: {100 * found.low:.1f} to {100 * found.high:.1f}) on 10 test vehicles"
    )


def test_photos_of_a_vehicle_answer_together():
    truth, vehicles = np.array([0, 0, 0, 1]), ["a", "a", "a", "b"]
    package = np.concatenate([shares([0, 0], 0.9), shares([1], 0.5), shares([1])])
    found = loss(shares(truth), package, truth, vehicles)
    assert (found.photos, found.vehicles, found.loss) == (4, 2, 0.0)


def test_equal_answers_of_a_few_vehicles_prove_no_small_loss():
    truth = np.arange(30) % 3
    few = loss(shares(truth), shares(truth), truth)
    many = loss(shares(np.tile(truth, 20)), shares(np.tile(truth, 20)), np.tile(truth, 20))
    assert few.loss == many.loss == 0
    assert few.high > 0.05
    assert many.high < 0.01


def test_without_photos_there_is_no_figure():
    nothing = np.empty((0, 3), np.float32)
    assert loss(nothing, nothing, np.array([], int), []) is None
