"""Snapshots: the same lake gives the same choice, classes are earned, and no car stands on both sides."""

from collections import Counter
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.dataset.snapshots import Candidate, admit, candidates, check_leaks, counts_by_split, snapshot
from autodetect.errors import HeldError
from autodetect.lake.schemas import CLASSES
from autodetect.lake.tables import rows_of

NIGHT = date(2026, 11, 1)
SOURCE = "sandbox"


def photo(sha256: str, group: str | None = None, verdict: str = "ok") -> dict[str, Any]:
    return {"sha256": sha256, "verdict": verdict, "copy_group": group or sha256}


def shown(item_id: str, sha256: str) -> dict[str, Any]:
    return {"source": SOURCE, "item_id": item_id, "sha256": sha256}


def choose(
    photos: list[dict[str, Any]],
    listing_photos: list[dict[str, Any]],
    models: dict[str, str | None],
    vehicles: dict[str, tuple[str, str]] | None = None,
) -> tuple[list[Candidate], dict[str, tuple[str, str]]]:
    """The candidates, and the refusals as key -> (rule, value). Each listing is a vehicle in train unless given."""
    placed = {item_id: (f"v{item_id}", "train") for item_id in models} | (vehicles or {})
    found, refusals = candidates(
        photos,
        listing_photos,
        {(SOURCE, item_id): model for item_id, model in models.items()},
        {(SOURCE, item_id): place for item_id, place in placed.items()},
    )
    return found, {refusal.key: (refusal.rule, refusal.value) for refusal in refusals}


def test_a_photo_stands_for_its_copies_once() -> None:
    photos = [photo("a"), photo("b", "a"), photo("c")]
    found, refused = choose(photos, [shown("1", "a"), shown("1", "b"), shown("1", "c")], {"1": "audi/tt"})
    assert [(c.sha256, c.make_model_id, c.vehicle_id, c.split) for c in found] == [
        ("a", "audi/tt", "v1", "train"),
        ("c", "audi/tt", "v1", "train"),
    ]
    assert refused == {}


def test_a_photo_shown_as_two_models_trains_neither() -> None:
    photos = [photo("a"), photo("b", "a"), photo("c")]
    listing_photos = [shown("1", "a"), shown("2", "b"), shown("2", "c")]
    found, refused = choose(photos, listing_photos, {"1": "audi/tt", "2": "ford/mustang"})
    assert [c.sha256 for c in found] == ["c"]
    assert refused == {"a": ("photo.models_conflict", "audi/tt, ford/mustang")}


def test_a_vehicle_shown_as_two_models_trains_neither() -> None:
    one_car = {"1": ("v", "test"), "2": ("v", "test")}
    models = {"1": "audi/tt", "2": "ford/mustang", "3": "ford/mustang"}
    photos = [photo("a"), photo("b"), photo("c")]
    found, refused = choose(photos, [shown("1", "a"), shown("2", "b"), shown("3", "c")], models, one_car)
    assert [c.sha256 for c in found] == ["c"]
    assert refused == {"v": ("vehicle.models_conflict", "audi/tt, ford/mustang")}


def test_refused_photos_and_unnamed_models_are_no_candidates() -> None:
    photos = [photo("a", verdict="photo.blank"), photo("b"), photo("c"), photo("d")]
    listing_photos = [shown("1", "a"), shown("2", "b"), shown("3", "c"), shown("9", "d"), shown("1", "unknown")]
    found, refused = choose(photos, listing_photos, {"1": "audi/tt", "2": None, "3": "audi/tt"})
    assert [c.sha256 for c in found] == ["c"]
    assert refused == {}


def test_a_listing_that_names_no_model_does_not_contradict() -> None:
    found, refused = choose([photo("a")], [shown("1", "a"), shown("2", "a")], {"1": None, "2": "audi/tt"})
    assert [c.make_model_id for c in found] == ["audi/tt"]
    assert refused == {}


def cars(model: str, train: int, validation: int, test: int, photos: int = 1) -> list[Candidate]:
    splits = ["train"] * train + ["validation"] * validation + ["test"] * test
    return [
        Candidate(f"{model}-{n}-{p}", model, f"{model}-v{n}", split)
        for n, split in enumerate(splits)
        for p in range(photos)
    ]


def admitted(found: list[Candidate], classes: list[dict[str, Any]] | None = None) -> list[tuple[int, str]]:
    labels = {c.make_model_id: c.make_model_id.upper() for c in found}
    rows = admit(found, classes or [], labels, min_vehicles=12, min_validation=3, min_test=3, night=NIGHT)
    rows_of(CLASSES, rows)
    assert {row["status"] for row in rows} <= {"active"}
    assert {row["night"] for row in rows} <= {NIGHT}
    assert [row["label"] for row in rows] == [row["make_model_id"].upper() for row in rows]
    return [(row["class_id"], row["make_model_id"]) for row in rows]


@pytest.mark.parametrize(
    ("splits", "enough"),
    [
        ((6, 3, 3), True),
        ((5, 3, 3), False),
        ((8, 2, 3), False),
        ((8, 3, 2), False),
        ((0, 6, 6), True),
        ((40, 0, 0), False),
    ],
)
def test_a_class_needs_enough_vehicles_in_all_and_to_evaluate(splits: tuple[int, int, int], enough: bool) -> None:
    assert bool(admitted(cars("audi/tt", *splits))) == enough


def test_many_photos_of_few_vehicles_make_no_class() -> None:
    assert admitted(cars("audi/tt", 2, 1, 1, photos=50)) == []


def test_class_ids_go_up_and_are_never_used_again() -> None:
    first = admitted(cars("ford/b", 6, 3, 3) + cars("ford/a", 6, 3, 3))
    assert first == [(0, "ford/a"), (1, "ford/b")]
    classes = [
        {"class_id": 0, "make_model_id": "ford/a"},
        {"class_id": 7, "make_model_id": "gone", "status": "retired"},
    ]
    later = cars("ford/a", 6, 3, 3) + cars("ford/b", 6, 3, 3) + cars("gone", 6, 3, 3) + cars("audi/tt", 6, 3, 3)
    assert admitted(later, classes) == [(8, "audi/tt"), (9, "ford/b")]


def test_a_snapshot_holds_the_photos_of_classes_alone() -> None:
    found = cars("ford/a", 2, 1, 1) + cars("ford/b", 1, 1, 1) + cars("other", 3, 0, 0)
    taken = snapshot(found, {"ford/b": 4, "ford/a": 2, "unseen": 9}, night=NIGHT)
    assert taken.class_ids == (2, 4)
    rows = taken.rows.to_pylist()
    assert [row["sha256"] for row in rows] == sorted(c.sha256 for c in found if c.make_model_id != "other")
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
    rows = snapshot(cars("ford/a", 2, 1, 0, photos=5), {"ford/a": 0}, night=NIGHT).rows
    counts = counts_by_split(rows)
    assert (counts["snapshot/train_photos"], counts["snapshot/train_vehicles"]) == (10, 2)
    assert (counts["snapshot/test_photos"], counts["snapshot/test_vehicles"]) == (0, 0)


@settings(deadline=None, max_examples=50)
@given(st.randoms(), st.dates())
def test_the_same_choice_has_the_same_id_on_any_night_in_any_order(rng: Any, night: date) -> None:
    found = cars("ford/a", 2, 1, 1) + cars("ford/b", 1, 1, 1)
    first = snapshot(found, {"ford/a": 0, "ford/b": 1}, night=NIGHT)
    rng.shuffle(found)
    again = snapshot(found, {"ford/b": 1, "ford/a": 0}, night=night)
    assert again.snapshot_id == first.snapshot_id
    assert again.rows.drop_columns(["night"]) == first.rows.drop_columns(["night"])


@pytest.mark.parametrize(
    "changed",
    [
        Candidate("ford/a-0-0", "ford/a", "ford/a-v0", "test"),
        Candidate("ford/a-0-0", "ford/a", "another", "train"),
        Candidate("another", "ford/a", "ford/a-v0", "train"),
        Candidate("ford/a-0-0", "ford/b", "ford/a-v0", "train"),
    ],
)
def test_another_choice_has_another_id(changed: Candidate) -> None:
    found, classes = cars("ford/a", 2, 1, 1), {"ford/a": 0, "ford/b": 1}
    assert (
        snapshot(found, classes, night=NIGHT).snapshot_id
        != snapshot([changed, *found[1:]], classes, night=NIGHT).snapshot_id
    )


@pytest.mark.parametrize(
    "leak",
    [Candidate("new", "ford/a", "ford/a-v0", "test"), Candidate("ford/a-0-0", "ford/a", "other", "validation")],
    ids=["vehicle", "photo"],
)
def test_a_car_or_photo_on_both_sides_stops_the_night(leak: Candidate) -> None:
    found = cars("ford/a", 3, 1, 1)
    check_leaks(found)
    for look in (check_leaks, lambda chosen: snapshot(chosen, {"ford/a": 0}, night=NIGHT)):
        with pytest.raises(HeldError, match="more than one split, first ford/a") as held:
            look([*found, leak])
        assert held.value.exit_code == 3


def test_a_leak_outside_the_classes_does_not_matter() -> None:
    found = [*cars("ford/a", 1, 0, 0), Candidate("x", "other", "v", "train"), Candidate("y", "other", "v", "test")]
    assert Counter(snapshot(found, {"ford/a": 0}, night=NIGHT).rows["split"].to_pylist()) == {"train": 1}


def test_without_classes_the_snapshot_is_empty() -> None:
    taken = snapshot(cars("ford/a", 1, 1, 1), {}, night=NIGHT)
    assert (taken.rows.num_rows, taken.class_ids) == (0, ())
