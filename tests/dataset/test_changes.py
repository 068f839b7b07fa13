"""What changed between two snapshots, and why what is gone is gone."""

from datetime import date

import pyarrow as pa

from autodetect.dataset.changes import changes, why_removed
from autodetect.dataset.snapshots import snapshot
from tests.dataset.cars import Row, cars, frame, photo, photo_table

NIGHT = date(2026, 11, 1)
CLASSES = {"a/a": 0, "b/b": 1, "c/c": 2}


def taken(found: list[Row]) -> pa.Table:
    return snapshot(frame(found), CLASSES, night=NIGHT).rows


def test_a_snapshot_does_not_differ_from_itself() -> None:
    found = changes(taken(cars("a/a", 3, 1, 1)), taken(cars("a/a", 3, 1, 1)))
    assert not found.anything
    assert (found.classes_new, found.classes_gone, found.grown, found.shrunk) == ((), (), 0, 0)


def test_photos_are_added_removed_and_moved() -> None:
    before: list[Row] = [("p1", "a/a", "v1", "train"), ("p2", "a/a", "v2", "test"), ("p3", "b/b", "v3", "train")]
    after: list[Row] = [("p1", "b/b", "v1", "train"), ("p3", "b/b", "v3", "train"), ("p4", "b/b", "v4", "train")]
    found = changes(taken(before), taken(after), lambda removed: dict.fromkeys(removed, "photo.blank"))
    assert found.before == taken(before)["snapshot_id"][0].as_py()
    assert (found.added_photos, found.removed_photos, found.moved_photos) == (
        ("p4",),
        (("p2", "photo.blank"),),
        ("p1",),
    )
    assert (found.added, found.removed, found.moved, found.resplit) == (1, 1, 1, 0)
    assert found.removed_by == {"photo.blank": 1}


def test_a_photo_whose_vehicle_was_burned_changes_its_split() -> None:
    found = changes(taken([("p", "a/a", "v", "test")]), taken([("p", "a/a", "v", "train")]))
    assert (found.resplit, found.added, found.removed, found.moved) == (1, 0, 0, 0)


def test_classes_come_go_grow_and_shrink() -> None:
    before = cars("a/a", 9, 0, 0) + cars("b/b", 5, 0, 0)
    after = cars("b/b", 8, 0, 0) + cars("c/c", 2, 0, 0)
    found = changes(taken(before), taken(after))
    assert (found.classes_new, found.classes_gone, found.grown, found.shrunk) == ((2,), (0,), 1, 0)
    assert [(each.class_id, each.photos) for each in found.grown_most] == [(1, 3)]
    back = changes(taken(after), taken(before))
    assert [(each.class_id, each.photos) for each in back.shrunk_most] == [(1, -3)]


def test_a_picture_whose_group_changed_its_name_is_the_same_picture() -> None:
    before, after = taken([("old", "a/a", "v", "train")]), taken([("new", "a/a", "v", "train")])
    assert not changes(before, after, renamed={"old": "new", "new": "new"}).anything
    assert changes(before, after).added == 1


def test_two_pictures_that_turn_out_to_be_copies_are_one_photo_less() -> None:
    before = taken([("x", "a/a", "v", "train"), ("y", "a/a", "v", "train")])
    found = changes(before, taken([("x", "a/a", "v", "train")]), renamed={"x": "x", "y": "x"})
    assert (found.added, found.removed, found.removed_photos) == (0, 1, (("y", "gone"),))


def test_lists_are_short_and_counts_whole() -> None:
    found = changes(taken([("p", "a/a", "v", "train")]), taken(cars("a/a", 50, 0, 0)))
    assert (found.added, len(found.added_photos)) == (50, 10)


def test_every_removed_photo_has_a_rule() -> None:
    names = ["forgotten", "blank", "conflict", "doubted", "copy", "unsold"]
    earlier = taken([(name, "a/a", f"v-{name}", "train") for name in names])
    photos = [photo("blank", verdict="photo.blank"), photo("conflict"), photo("doubted"), photo("unsold")]
    photos += [photo("copy", "other"), photo("other")]
    found = why_removed(
        names,
        earlier=earlier,
        photos=photo_table(photos),
        copy_groups={each["sha256"]: each["copy_group"] for each in photos},
        rules={"conflict": "photo.models_conflict", "v-doubted": "vehicle.in_doubt"},
    )
    assert found == {
        "forgotten": "photo.forgotten",
        "blank": "photo.blank",
        "conflict": "photo.models_conflict",
        "doubted": "vehicle.in_doubt",
        "copy": "photo.copy",
        "unsold": "listing.no_class",
    }
