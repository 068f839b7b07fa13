"""Recent vehicles against older ones."""

import numpy as np
import pytest

from autodetect.classifier.recency import Recency, recency


def test_vehicles_are_compared_by_the_age_of_their_first_night():
    ranks = np.array([0, 0, 3, 0, 0, 0, 1])
    ages = np.array([0, 6, 6, 7, 30, 400, 7])
    found = recency(ranks, ages, recent_days=7)
    assert (found.recent.n, found.older.n) == (3, 4)
    assert (found.recent.share, found.older.share) == (round(2 / 3, 6), 0.75)
    assert found.difference == pytest.approx(2 / 3 - 3 / 4, abs=2e-6)
    assert found.low < found.difference < found.high
    assert Recency.model_validate_json(found.model_dump_json()) == found


def test_a_drop_is_sure_only_with_enough_vehicles():
    def drop(n):
        ranks = np.repeat([0, 1, 0, 1], [6 * n, 4 * n, 9 * n, n])
        return recency(ranks, np.repeat([0, 90], 10 * n))

    assert drop(1).high > 0 > drop(30).high
    assert drop(1).difference == drop(30).difference == pytest.approx(-0.3)


@pytest.mark.parametrize(("age", "lacking"), [(0, "older"), (300, "recent")])
def test_vehicles_of_one_age_are_not_compared(age, lacking):
    found = recency(np.zeros(5, int), np.full(5, age))
    assert getattr(found, lacking) is None
    assert (found.difference, found.low, found.high) == (None, None, None)


def test_bands_of_age_hold_every_vehicle_once():
    ages = np.array([0, 6, 7, 27, 28, 5000])
    bands = recency(np.array([0, 1, 0, 0, 1, 0]), ages).bands
    assert [(band.days, band.below, band.top1.n, band.top1.share) for band in bands] == [
        (0, 7, 2, 0.5),
        (7, 28, 2, 1.0),
        (28, 91, 1, 0.0),
        (365, None, 1, 1.0),
    ]
