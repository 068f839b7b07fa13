"""A listing is missing when it was looked for, ended when that happened often enough, and otherwise left alone."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.dataset.presence import Presence, placed

NIGHTS = [date(2026, 11, 1) + timedelta(days=n) for n in range(8)]
KNOWN: dict[str, Any] = {
    "status": "active",
    "night": NIGHTS[0],
    "first_seen": NIGHTS[0],
    "last_seen": NIGHTS[0],
    "last_slice": "all",
    "missed": 0,
}
STATES = st.sampled_from(["seen", "missing", "both", "not reached"])


def after(states: list[str], missing_nights: int = 2, *, curated: frozenset[int] | None = None) -> dict[str, Any]:
    """A listing that was there on night 0, after nights of these states; not all of them need have been curated."""
    row, unread = dict(KNOWN), dict[date, str]()
    missing: set[date] = set()
    for index, state in enumerate(states, start=1):
        if state in ("seen", "both"):
            unread[NIGHTS[index]] = f"slice {index}"
        if state in ("missing", "both"):
            missing.add(NIGHTS[index])
        if curated is None or index in curated or index == len(states):
            found = Presence(dict(unread), frozenset(missing))
            row = placed(row, found, night=NIGHTS[index], missing_nights=missing_nights)
            unread.clear()
    return row


@pytest.mark.parametrize(
    ("states", "status", "missed"),
    [
        (["missing"], "missing", 1),
        (["missing", "missing"], "ended", 2),
        (["missing", "not reached", "missing"], "ended", 2),
        (["missing", "not reached"], "missing", 1),
        (["not reached", "not reached"], "active", 0),
        (["missing", "seen"], "active", 0),
        (["missing", "seen", "missing"], "missing", 1),
        (["missing", "missing", "seen"], "active", 0),
        (["missing", "missing", "not reached", "missing"], "ended", 2),
        (["both"], "active", 0),
    ],
)
def test_what_nights_make_of_a_listing(states: list[str], status: str, missed: int) -> None:
    row = after(states)
    assert (row["status"], row["missed"]) == (status, missed)


def test_a_night_that_did_not_reach_a_listing_changes_nothing() -> None:
    assert after(["not reached"] * 5) == KNOWN


def test_a_missing_listing_keeps_where_and_when_it_was_last_seen() -> None:
    row = after(["seen", "missing", "missing"])
    assert (row["last_seen"], row["last_slice"], row["night"]) == (NIGHTS[1], "slice 1", NIGHTS[3])


def test_an_ended_listing_is_looked_at_again_only_when_it_comes_back() -> None:
    ended = after(["missing", "missing"])
    more = Presence({}, frozenset(NIGHTS[1:5]))
    assert placed(ended, more, night=NIGHTS[5], missing_nights=9) == ended
    back = placed(ended, Presence({NIGHTS[5]: "x"}, more.missing), night=NIGHTS[5], missing_nights=9)
    assert (back["status"], back["missed"], back["last_slice"], back["night"]) == ("active", 0, "x", NIGHTS[5])


@pytest.mark.parametrize("status", ["sold", "imported"])
@pytest.mark.parametrize("found", [Presence({NIGHTS[2]: "x"}), Presence({}, frozenset(NIGHTS[1:4]))])
def test_of_a_settled_listing_no_night_says_anything(status: str, found: Presence) -> None:
    row = KNOWN | {"status": status}
    assert placed(row, found, night=NIGHTS[4], missing_nights=1) == row


def test_a_listing_read_late_was_there_since_it_was_first_seen() -> None:
    row = KNOWN | {"first_seen": NIGHTS[5], "last_seen": NIGHTS[5], "last_slice": ""}
    found = placed(row, Presence({NIGHTS[1]: "a", NIGHTS[3]: "b"}), night=NIGHTS[5], missing_nights=2)
    assert (found["first_seen"], found["last_seen"], found["last_slice"]) == (NIGHTS[1], NIGHTS[5], "b")


@given(states=st.lists(STATES, min_size=1, max_size=7), curated=st.frozensets(st.integers(1, 7)))
def test_nights_count_alike_whether_each_was_curated_or_many_at_once(
    states: list[str], curated: frozenset[int]
) -> None:
    each, some = after(states, missing_nights=9), after(states, missing_nights=9, curated=curated)
    assert {name: each[name] for name in KNOWN if name != "night"} == {n: some[n] for n in KNOWN if n != "night"}


@given(states=st.lists(STATES, min_size=1, max_size=7), missing_nights=st.integers(1, 4))
def test_a_listing_has_ended_only_after_so_many_nights_without_it(states: list[str], missing_nights: int) -> None:
    row = after(states, missing_nights)
    gone = states[
        len(states) - next((i for i, s in enumerate(reversed(states)) if s in ("seen", "both")), len(states)) :
    ]
    wanted = "active" if "missing" not in gone else "missing"
    assert row["status"] == ("ended" if gone.count("missing") >= missing_nights else wanted)
    assert row["last_seen"] == NIGHTS[len(states) - len(gone)]


@given(states=st.lists(STATES, min_size=1, max_size=7))
def test_taking_a_night_in_twice_changes_nothing(states: list[str]) -> None:
    row = after(states)
    missing = frozenset(NIGHTS[i] for i, state in enumerate(states, start=1) if state in ("missing", "both"))
    again = Presence({row["last_seen"]: row["last_slice"]}, missing)
    assert placed(row, again, night=row["night"], missing_nights=2) == row
