"""Nothing is evaluated that a model was trained on, whatever became of the ties between photos."""

import pyarrow as pa

from autodetect.dataset.candidates import without_trained
from tests.dataset.cars import Row, frame, rows


def trained(sha256: str, vehicle_id: str) -> pa.Table:
    return pa.table({"sha256": [sha256], "vehicle_id": [vehicle_id]})


def test_a_copy_of_a_trained_photo_is_not_evaluated() -> None:
    found: list[Row] = [("group", "a/a", "v2", "validation"), ("other", "a/a", "v3", "test")]
    kept, refusals = without_trained(frame(found), trained("old", "v1"), {"old": "group"})
    assert rows(kept) == found[1:]
    assert [(r.key, r.rule, r.value) for r in refusals] == [("group", "photo.trained_before", "validation")]


def test_a_trained_vehicle_is_not_evaluated_but_goes_on_training() -> None:
    found: list[Row] = [("x", "a/a", "v1", "test"), ("y", "a/a", "v1", "train")]
    kept, _ = without_trained(frame(found), trained("z", "v1"), {})
    assert rows(kept) == found[1:]


def test_a_car_that_shows_a_trained_photo_is_not_evaluated_by_its_other_photos() -> None:
    found: list[Row] = [("group", "a/a", "v2", "test"), ("side", "a/a", "v2", "test"), ("other", "a/a", "v3", "test")]
    kept, refusals = without_trained(frame(found), trained("old", "v1"), {"old": "group"})
    assert rows(kept) == found[2:]
    assert [refusal.key for refusal in refusals] == ["group", "side"]


def test_what_no_model_was_trained_on_may_be_evaluated() -> None:
    found: list[Row] = [("x", "a/a", "v1", "test")]
    kept, refusals = without_trained(frame(found), trained("y", "v2"), {"x": "x"})
    assert (rows(kept), refusals) == (found, [])
