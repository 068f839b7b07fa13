"""Snapshots: the same lake gives the same choice, and no car stands on both sides."""

from collections import Counter
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.dataset.snapshots import counts_by_class, counts_by_split, snapshot
from autodetect.errors import HeldError
from tests.dataset.cars import Row, cars, frame

NIGHT = date(2026, 11, 1)


def test_a_snapshot_holds_the_photos_of_classes_alone() -> None:
    found = cars("ford/a", 2, 1, 1) + cars("ford/b", 1, 1, 1) + cars("other", 3, 0, 0)
    taken = snapshot(frame(found), {"ford/b": 4, "ford/a": 2, "unseen": 9}, night=NIGHT)
    assert taken.class_ids == (2, 4)
    rows = taken.rows.to_pylist()
    assert [row["sha256"] for row in rows] == sorted(sha256 for sha256, model, _, _ in found if model != "other")
    assert {(row["make_model_id"], row["class_id"]) for row in rows} == {("ford/a", 2), ("ford/b", 4)}
    assert {row["snapshot_id"] for row in rows} == {taken.snapshot_id}
    assert counts_by_split(taken.rows) == {
        "snapshot/train_photos": 3,
        "snapshot/train_vehicles": 3,
        "snapshot/validation_photos": 2,
        "snapshot/validation_vehicles": 2,
        "snapshot/test_photos": 2,
        "snapshot/test_vehicles": 2,
    }


def test_vehicles_are_counted_once_however_many_photos_they_have() -> None:
    found = cars("ford/a", 2, 1, 0, photos=5) + cars("ford/b", 1, 0, 0)
    rows = snapshot(frame(found), {"ford/a": 0, "ford/b": 7}, night=NIGHT).rows
    counts = counts_by_split(rows)
    assert (counts["snapshot/train_photos"], counts["snapshot/train_vehicles"]) == (11, 3)
    assert (counts["snapshot/test_photos"], counts["snapshot/test_vehicles"]) == (0, 0)
    assert counts_by_class(rows) == {"0": {"train": [10, 2], "validation": [5, 1]}, "7": {"train": [1, 1]}}


@settings(deadline=None, max_examples=50)
@given(st.randoms(), st.dates())
def test_the_same_choice_has_the_same_id_on_any_night_in_any_order(rng: Any, night: date) -> None:
    found = cars("ford/a", 2, 1, 1) + cars("ford/b", 1, 1, 1)
    first = snapshot(frame(found), {"ford/a": 0, "ford/b": 1}, night=NIGHT)
    rng.shuffle(found)
    again = snapshot(frame(found), {"ford/b": 1, "ford/a": 0}, night=night)
    assert again.snapshot_id == first.snapshot_id
    assert again.rows.drop_columns(["night"]) == first.rows.drop_columns(["night"])


def test_an_id_stays_what_it_always_was() -> None:
    """Lakes name snapshots by it: whoever changes it makes every model train again."""
    taken = snapshot(frame([("b", "m/m", "v2", "test"), ("a", "m/m", "v1", "train")]), {"m/m": 3}, night=NIGHT)
    assert taken.snapshot_id == "1b9c35d32d057a920b9c0175069302498c8ff36a4a1b6a077fb97932af146fac"


@pytest.mark.parametrize(
    "changed",
    [
        ("ford/a-0-0", "ford/a", "ford/a-v0", "test"),
        ("ford/a-0-0", "ford/a", "another", "train"),
        ("another", "ford/a", "ford/a-v0", "train"),
        ("ford/a-0-0", "ford/b", "ford/a-v0", "train"),
    ],
)
def test_another_choice_has_another_id(changed: Row) -> None:
    found, classes = cars("ford/a", 2, 1, 1), {"ford/a": 0, "ford/b": 1}
    first = snapshot(frame(found), classes, night=NIGHT).snapshot_id
    assert snapshot(frame([changed, *found[1:]]), classes, night=NIGHT).snapshot_id != first


def test_a_leak_makes_no_snapshot() -> None:
    found = [*cars("ford/a", 3, 1, 1), ("new", "ford/a", "ford/a-v0", "test")]
    with pytest.raises(HeldError, match="more than one split: vehicle ford/a-v0"):
        snapshot(frame(found), {"ford/a": 0}, night=NIGHT)


def test_a_leak_outside_the_classes_does_not_matter() -> None:
    found = [*cars("ford/a", 1, 0, 0), ("x", "other", "v", "train"), ("y", "other", "v", "test")]
    taken = snapshot(frame(found), {"ford/a": 0}, night=NIGHT)
    assert Counter(taken.rows["split"].to_pylist()) == {"train": 1}


def test_without_classes_the_snapshot_is_empty() -> None:
    taken = snapshot(frame(cars("ford/a", 1, 1, 1)), {}, night=NIGHT)
    assert (taken.rows.num_rows, taken.class_ids) == (0, ())
