"""Copy groups come out the same however pairs and photos are ordered, and only those that pairs touch are looked at."""

from datetime import date, timedelta

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from autodetect.dataset.copy_groups import regrouped
from autodetect.lake.schemas import PHOTOS
from autodetect.lake.tables import rows_of

NIGHTS = [date(2026, 11, 1) + timedelta(days=n) for n in range(8)]


def photos(groups: dict[str, tuple[int, str | None]]) -> pa.Table:
    rows = ({"sha256": sha, "night": NIGHTS[night], "copy_group": group} for sha, (night, group) in groups.items())
    return rows_of(PHOTOS, rows)


def test_a_photo_without_copies_is_its_own_group_and_others_stay_unnamed() -> None:
    known = photos({"a": (0, "a"), "b": (0, "a"), "x": (0, None)})
    assert regrouped(known, ["c"], []) == {"c": "c"}


def test_a_copy_joins_the_group_of_the_older_photo() -> None:
    known = photos({"b": (0, "b"), "c": (1, "b"), "d": (1, "d")})
    assert regrouped(known, ["a"], [("a", "c")]) == {"a": "b"}


def test_groups_that_turn_out_to_be_one_take_the_name_of_the_first_photo_and_all_members_move() -> None:
    known = photos({"m": (1, "m"), "n": (2, "m"), "z": (0, "z"), "y": (2, "z"), "other": (0, "other")})
    assert regrouped(known, ["a"], [("a", "n"), ("a", "y")]) == {"a": "z", "m": "z", "n": "z"}


@given(
    pairs=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda pair: pair[0] != pair[1])),
    nights=st.lists(st.integers(0, 3), min_size=12, max_size=12),
    shuffled=st.randoms(use_true_random=False),
)
def test_night_by_night_gives_the_components_of_all_pairs_at_once(pairs, nights, shuffled) -> None:  # type: ignore[no-untyped-def]
    names = [f"{i:02d}" for i in range(12)]
    held: dict[str, tuple[int, str | None]] = {}
    for night in range(4):
        new = [name for name, came in zip(names, nights, strict=True) if came == night]
        there = {*held, *new}
        found = [(names[a], names[b]) for a, b in pairs if {names[a], names[b]} <= there]
        found = [pair for pair in found if set(pair) & set(new)]
        shuffled.shuffle(found)
        for sha, group in regrouped(photos(held), new, found).items():
            held[sha] = (held[sha][0] if sha in held else night, group)
    expected = {name: {name} for name in names}
    for a, b in pairs:
        joined = expected[names[a]] | expected[names[b]]
        for name in joined:
            expected[name] = joined
    for name in names:
        first = min(expected[name], key=lambda other: (nights[names.index(other)], other))
        assert held[name][1] == first
