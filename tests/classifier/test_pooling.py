"""Answers by vehicle are means over its photos, whatever the order of photos."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.classifier.pooling import by_vehicle, log_of
from autodetect.errors import StageFailedError


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), photos=st.integers(1, 40))
def test_a_vehicle_holds_the_mean_of_its_photos(seed, photos):
    rng = np.random.default_rng(seed)
    vehicle = rng.integers(0, 9, photos)
    logs = rng.normal(size=(photos, 3))
    found = by_vehicle(logs, vehicle % 3, vehicle.astype(str))
    assert found.ids.tolist() == sorted(set(vehicle.astype(str).tolist()))
    for place, name in enumerate(found.ids.tolist()):
        mine = vehicle == int(name)
        np.testing.assert_allclose(found.log_probs[place], logs[mine].mean(axis=0), atol=1e-12)
        assert found.truth[place] == int(name) % 3
        assert (found.member[mine] == place).all()


def test_no_photo_of_certainty_makes_a_vehicle_impossible():
    logs = log_of(np.array([[1.0, 0.0]], np.float32))
    assert logs.tolist() == [[0.0, pytest.approx(-27.631, abs=1e-3)]]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_answers_that_are_no_numbers_stop_the_stage(bad):
    with pytest.raises(StageFailedError, match="1 of 2 answers"):
        log_of(np.array([[0.5, 0.5], [bad, 0.5]]))
