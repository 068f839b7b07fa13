"""Nothing is evaluated that a model was trained on, whatever became of the ties between photos."""

from autodetect.dataset.snapshots import Candidate, without_trained


def test_a_copy_of_a_trained_photo_is_not_evaluated() -> None:
    found = [Candidate("group", "a/a", "v2", "validation"), Candidate("other", "a/a", "v3", "test")]
    past = [{"sha256": "old", "vehicle_id": "v1", "split": "train"}]
    kept, refusals = without_trained(found, past, {"old": "group"})
    assert kept == found[1:]
    assert [(r.key, r.rule, r.value) for r in refusals] == [("group", "photo.trained_before", "validation")]


def test_a_trained_vehicle_is_not_evaluated_but_goes_on_training() -> None:
    found = [Candidate("x", "a/a", "v1", "test"), Candidate("y", "a/a", "v1", "train")]
    kept, _ = without_trained(found, [{"sha256": "z", "vehicle_id": "v1", "split": "train"}], {})
    assert kept == found[1:]


def test_what_was_only_evaluated_before_may_be_evaluated_again() -> None:
    found = [Candidate("x", "a/a", "v1", "test")]
    past = [{"sha256": "x", "vehicle_id": "v1", "split": "test"}]
    assert without_trained(found, past, {"x": "x"}) == (found, [])
