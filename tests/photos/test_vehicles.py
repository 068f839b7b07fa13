"""Vehicles: what belongs together is one car, its split is for good, and no order of rows changes anything."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.photos.vehicles import SPLIT_BLOCK, ListingKey, Membership, assign

FIRST, SECOND, THIRD = (date(2026, 11, day) for day in (1, 2, 3))
MODELS = ["audi/tt", "ford/mustang", None]


def keys(numbers: Iterable[object]) -> list[ListingKey]:
    return [("sandbox", str(number)) for number in numbers]


def alone(
    numbers: Iterable[object], model: str | None = "audi/tt", night: date = FIRST
) -> dict[ListingKey, Membership]:
    return assign({}, {}, dict.fromkeys(keys(numbers), model), night=night)


def member(vehicle_id: str, split: str, night: date = FIRST, *, burned: bool = False) -> Membership:
    return Membership(vehicle_id, split, burned, "alone", "audi/tt", night)


def vehicles(memberships: Mapping[ListingKey, Membership]) -> dict[str, set[ListingKey]]:
    found: dict[str, set[ListingKey]] = {}
    for key, membership in memberships.items():
        found.setdefault(membership.vehicle_id, set()).add(key)
    return found


def test_listings_that_share_nothing_are_vehicles_of_their_own() -> None:
    found = alone(range(30))
    assert set(found) == set(keys(range(30)))
    assert len(vehicles(found)) == 30
    assert {(m.tied_by, m.burned, m.night, m.make_model_id) for m in found.values()} == {
        ("alone", False, FIRST, "audi/tt")
    }


def test_a_shared_photo_or_vin_makes_one_vehicle() -> None:
    one, two, three, four = keys("1234")
    ties = {"copy:a": [two, one], "vin:b": [two, three], "copy:c": [four]}
    found = assign({}, ties, dict.fromkeys([one, two, three, four], "audi/tt"), night=FIRST)
    assert sorted(map(len, vehicles(found).values())) == [1, 3]
    assert len({(found[key].vehicle_id, found[key].split) for key in (one, two, three)}) == 1
    assert {key: found[key].tied_by for key in found} == {
        one: "copy:a",
        two: "vin:b",  # the strongest of its ties
        three: "vin:b",
        four: "alone",
    }


@pytest.mark.parametrize("count", [12, 20, 40, 400])
def test_vehicles_are_split_70_15_15_and_the_first_twelve_suffice_for_a_class(count: int) -> None:
    splits = Counter(m.split for m in alone(range(count)).values())
    assert splits["validation"] == splits["test"]
    assert splits["validation"] == (3 if count == 12 else count * 15 // 100)
    assert splits["train"] == count - 2 * splits["validation"]


@pytest.mark.parametrize("nights", [[12], [1] * 12, [5, 7], [11, 1]])
def test_the_first_twelve_hold_three_and_three_over_however_many_nights(nights: list[int]) -> None:
    known: dict[ListingKey, Membership] = {}
    for night, count in enumerate(nights, start=1):
        new = dict.fromkeys(keys(f"{night}-{n}" for n in range(count)), "audi/tt")
        known |= assign(known, {}, new, night=date(2026, 11, night))
    assert Counter(m.split for m in known.values()) == {"train": 6, "validation": 3, "test": 3}


def test_each_model_is_split_by_itself() -> None:
    new = dict.fromkeys(keys(f"a{n}" for n in range(20)), "audi/tt")
    new |= dict.fromkeys(keys(f"f{n}" for n in range(20)), "ford/mustang")
    found = assign({}, {}, new, night=FIRST)
    for model in ("audi/tt", "ford/mustang"):
        splits = Counter(m.split for m in found.values() if m.make_model_id == model)
        assert splits == {"train": 14, "validation": 3, "test": 3}


def test_which_car_gets_which_split_is_no_matter_of_its_number() -> None:
    found = alone(range(1000, 1020))
    assert [found[key].split for key in sorted(found)] != list(SPLIT_BLOCK)


def test_a_vehicle_keeps_its_id_and_split_on_later_nights() -> None:
    first = alone(range(40))
    assert assign(first, {}, {}, night=SECOND) == {}
    later = assign(first, {}, dict.fromkeys(keys(range(100, 140)), "audi/tt"), night=SECOND)
    assert set(later) == set(keys(range(100, 140)))
    assert {m.night for m in later.values()} == {SECOND}
    assert not {m.vehicle_id for m in later.values()} & {m.vehicle_id for m in first.values()}


def test_a_relist_joins_its_vehicle_and_changes_nobody_else() -> None:
    first = alone(range(10))
    old, new = *keys([3]), ("sandbox", "relist")
    changed = assign(first, {"vin:x": [new, old]}, {new: "audi/tt"}, night=SECOND)
    assert changed == {
        new: Membership(first[old].vehicle_id, first[old].split, False, "vin:x", "audi/tt", SECOND),
        old: replace(first[old], tied_by="vin:x"),  # it says so, too; nothing else of it changes
    }


def test_what_tied_a_listing_first_stays_its_reason() -> None:
    one, two, three = keys("123")
    known = assign({}, {"copy:a": [one, two]}, dict.fromkeys([one, two], "audi/tt"), night=FIRST)
    changed = assign(known, {"vin:x": [one, two, three]}, {three: "audi/tt"}, night=SECOND)
    assert {key: m.tied_by for key, m in changed.items()} == {three: "vin:x"}


def test_vehicles_kept_for_one_kind_of_evaluation_are_burned_if_one_was_trained_on() -> None:
    one, two = keys("12")
    known = {one: member("va", "test"), two: member("vb", "test")}
    for trained, expected in ((set(), ("va", "test", False)), ({"vb"}, ("va", "train", True))):
        changed = assign(known, {"vin:x": [one, two]}, {}, night=SECOND, trained=trained)
        assert {(m.vehicle_id, m.split, m.burned) for m in changed.values()} == {expected}


def test_vehicles_that_were_all_for_training_are_not_burned_by_having_been_trained_on() -> None:
    one, two = keys("12")
    known = {one: member("va", "train"), two: member("vb", "train")}
    changed = assign(known, {"vin:x": [one, two]}, {}, night=SECOND, trained={"va", "vb"})
    assert {(m.vehicle_id, m.split, m.burned) for m in changed.values()} == {("va", "train", False)}


def test_a_vehicle_that_was_trained_on_is_not_evaluated_once_a_listing_joins_it() -> None:
    one, two = keys("12")
    changed = assign({one: member("va", "test")}, {"vin:x": [one, two]}, {two: None}, night=SECOND, trained={"va"})
    assert {(m.vehicle_id, m.split, m.burned) for m in changed.values()} == {("va", "train", True)}


def test_dealing_goes_on_where_it_is_told_that_the_block_was_left() -> None:
    whole = assign({}, {}, dict.fromkeys(keys(range(20)), "audi/tt"), night=FIRST, dealt={"audi/tt": 12})
    assert Counter(m.split for m in whole.values()) == Counter(SPLIT_BLOCK)
    twelve = assign({}, {}, dict.fromkeys(keys(range(8)), "audi/tt"), night=FIRST, dealt={"audi/tt": 12})
    assert {m.split for m in twelve.values()} == {"train"}


def test_vehicles_that_turn_out_to_be_one_take_the_oldest_id() -> None:
    one, two, three = keys("123")
    known = {
        one: member("v-young", "test", SECOND),
        two: member("v-old", "test", FIRST),
        three: member("v-else", "train", FIRST),
    }
    changed = assign(known, {"copy:x": [one, two]}, {}, night=THIRD)
    assert {key: (m.vehicle_id, m.split, m.burned) for key, m in changed.items()} == {
        one: ("v-old", "test", False),
        two: ("v-old", "test", False),
    }
    assert {key: m.night for key, m in changed.items()} == {one: SECOND, two: FIRST}


def test_of_vehicles_of_one_night_the_smaller_id_is_the_oldest() -> None:
    one, two = keys("12")
    for ids in (("va", "vb"), ("vb", "va")):
        known = {one: member(ids[0], "train"), two: member(ids[1], "train")}
        changed = assign(known, {"copy:x": [one, two]}, {}, night=SECOND)
        assert {m.vehicle_id for m in changed.values()} == {"va"}


@pytest.mark.parametrize("splits", [("train", "test"), ("validation", "test"), ("validation", "train")])
def test_merged_vehicles_of_different_splits_are_burned_for_good(splits: tuple[str, str]) -> None:
    one, two, three = keys("123")
    known = {one: member("va", splits[0]), two: member("vb", splits[1])}
    known |= assign(known, {"copy:x": [one, two]}, {}, night=SECOND)
    assert {(m.vehicle_id, m.split, m.burned) for m in known.values()} == {("va", "train", True)}
    changed = assign(known, {"copy:x": [one, two, three]}, {three: "audi/tt"}, night=THIRD)
    assert {key: (m.vehicle_id, m.split, m.burned) for key, m in changed.items()} == {three: ("va", "train", True)}


def test_a_burned_vehicle_burns_what_it_merges_with() -> None:
    one, two = keys("12")
    known = {one: member("va", "train", burned=True), two: member("vb", "train")}
    changed = assign(known, {"copy:x": [one, two]}, {}, night=SECOND)
    assert {(m.vehicle_id, m.split, m.burned) for m in changed.values()} == {("va", "train", True)}


def test_a_new_listing_can_tie_two_old_vehicles_together() -> None:
    one, two, new = *keys("12"), ("sandbox", "new")
    known = {one: member("va", "test"), two: member("vb", "test")}
    changed = assign(known, {"copy:x": [one, new], "vin:y": [new, two]}, {new: None}, night=SECOND)
    assert {m.vehicle_id for m in changed.values()} == {"va"}
    assert set(changed) == {one, two, new}


def test_the_model_that_most_listings_name_decides_where_a_vehicle_counts() -> None:
    one, two, three = keys("123")
    new = {one: "ford/mustang", two: "audi/tt", three: "audi/tt"}
    found = assign({}, {"copy:x": [one, two, three]}, new, night=FIRST)
    assert {m.vehicle_id for m in found.values()} == {found[one].vehicle_id}
    assert {key: m.make_model_id for key, m in found.items()} == new


LISTINGS = st.dictionaries(st.integers(0, 14), st.sampled_from(MODELS), max_size=15)
TIES = st.lists(st.lists(st.integers(0, 14), max_size=4), max_size=6)


def night_of(
    listings: dict[int, Any], ties: list[list[int]], known: Mapping[ListingKey, Membership]
) -> tuple[Any, Any]:
    new = {key: model for key, model in zip(keys(listings), listings.values(), strict=True) if key not in known}
    there = {*known, *new}
    return new, {f"copy:{n}": [key for key in keys(tie) if key in there] for n, tie in enumerate(ties)}


@settings(deadline=None, max_examples=200)
@given(LISTINGS, LISTINGS, TIES, TIES, st.randoms())
def test_nothing_depends_on_the_order_of_rows_and_no_car_is_ever_evaluated_that_was_trained_on(
    tonight: dict[int, Any], tomorrow: dict[int, Any], ties: list[list[int]], more: list[list[int]], rng: Any
) -> None:
    def shuffled(rows: Mapping[Any, Any]) -> dict[Any, Any]:
        order = list(rows.items())
        rng.shuffle(order)
        return {name: rng.sample(v, len(v)) if isinstance(v, list) else v for name, v in order}

    known: dict[ListingKey, Membership] = {}
    seen_in: dict[ListingKey, str] = {}
    all_ties: list[list[int]] = []
    for night, listings, found_ties in ((FIRST, tonight, ties), (SECOND, tomorrow, more)):
        all_ties += found_ties
        new, by_name = night_of(listings, all_ties, known)
        changed = assign(known, by_name, new, night=night)
        assert assign(shuffled(known), shuffled(by_name), shuffled(new), night=night) == changed
        assert set(new) <= set(changed)
        before = dict(known)
        known |= changed
        assert assign(known, by_name, {}, night=night) == {}
        for vehicle_id, members in vehicles(known).items():
            assert len({(known[key].split, known[key].burned) for key in members}) == 1
            assert vehicle_id in {before[key].vehicle_id for key in members if key in before} or not members & set(
                before
            )
        for tie in by_name.values():
            assert len({known[key].vehicle_id for key in tie}) <= 1
        for key, membership in known.items():
            assert seen_in.setdefault(key, membership.split) == membership.split or membership.burned
            assert not membership.burned or membership.split == "train"
            assert membership.night == (before[key].night if key in before else night)
