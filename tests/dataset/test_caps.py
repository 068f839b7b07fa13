"""Caps keep many vehicles rather than many photos of few, and what is chosen once stays."""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.dataset.caps import capped
from tests.dataset.cars import Row, cars, frame, rows

LOTS = 1_000


def kept(found: list[Row], before: set[str] | None = None, *, vehicle: int = LOTS, model: int = LOTS) -> list[Row]:
    return rows(capped(frame(found), before or set(), photos_per_vehicle=vehicle, photos_per_class=model).frame)


def test_without_too_many_photos_everything_stays() -> None:
    found = cars("a/a", 3, 1, 1, photos=4)
    assert kept(found, vehicle=4, model=12) == sorted(found)


def test_a_vehicle_has_at_most_so_many_photos_in_any_split() -> None:
    found = kept(cars("a/a", 2, 1, 1, photos=9), vehicle=3)
    assert set(Counter(vehicle for _, _, vehicle, _ in found).values()) == {3}


def test_a_class_keeps_a_photo_of_every_vehicle_before_a_second_of_any() -> None:
    found = cars("a/a", 2, 0, 0, photos=9) + [(f"s{n}", "a/a", f"single{n}", "train") for n in range(5)]
    photos = Counter(vehicle for _, _, vehicle, _ in kept(found, model=9))
    assert sum(photos.values()) == 9
    assert sorted(photos.values()) == [1] * 5 + [2, 2]


def test_evaluation_and_other_classes_know_no_cap_by_class() -> None:
    found = cars("a/a", 5, 4, 4) + cars("b/b", 2, 4, 4)
    splits = Counter((model, split) for _, model, _, split in kept(found, model=2))
    assert splits["a/a", "train"] == splits["b/b", "train"] == 2
    assert {splits[model, split] for model in ("a/a", "b/b") for split in ("validation", "test")} == {4}


def test_what_was_left_out_is_named_by_the_cap_that_did_it() -> None:
    done = capped(frame(cars("a/a", 3, 0, 0, photos=2)), set(), photos_per_vehicle=1, photos_per_class=2)
    assert (len(done.frame), len(done.over_vehicle), len(done.over_class)) == (2, 3, 1)
    assert sorted(done.rules.values()) == ["cap.photos_per_class"] + ["cap.photos_per_vehicle"] * 3
    assert set(done.rules).isdisjoint(done.frame["sha256"])


@settings(deadline=None, max_examples=60)
@given(st.data(), st.integers(1, 4), st.integers(1, 12))
def test_a_chosen_photo_stays_whatever_comes_unless_it_is_removed(data: Any, vehicle: int, model: int) -> None:
    row = st.tuples(st.integers(0, 40), st.sampled_from(["a/a", "b/b"]), st.integers(0, 5))
    drawn = data.draw(st.lists(row, unique_by=lambda each: each[0], max_size=40))
    every: list[Row] = [(f"{n:02d}", name, f"{name}-{v}", "test" if v == 5 else "train") for n, name, v in drawn]
    tonight = [each for each in every if data.draw(st.booleans())]
    first = kept(tonight, vehicle=vehicle, model=model)
    gone = set(data.draw(st.lists(st.sampled_from(first), max_size=5))) if first else set()
    later = [each for each in every if each not in gone]
    second = kept(data.draw(st.permutations(later)), {sha256 for sha256, *_ in first}, vehicle=vehicle, model=model)
    assert set(first) - gone <= set(second)
    assert second == kept(later, {sha256 for sha256, *_ in first}, vehicle=vehicle, model=model)
    assert max(Counter(each[2] for each in second).values(), default=0) <= vehicle
    assert max(Counter(each[1] for each in second if each[3] == "train").values(), default=0) <= model
