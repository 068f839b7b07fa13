"""The chain of rotations: any key of it may be the trusted one, and nothing but whole, signed links is followed."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from autodetect.release.history import HistoryEntry
from autodetect.release.signing import ForgedError, PrivateKey, PublicKey
from autodetect.release.trust import MOST_ROTATIONS, key_in_force
from tests.release.sample import NOW

KEYS = [PrivateKey(bytes([number]) * 32, "release") for number in range(1, 7)]
STRANGER = PrivateKey(bytes([99]) * 32, "release")


def made(sequence: int, key_since: int, *signers: PrivateKey, new: PrivateKey | None = None) -> HistoryEntry:
    fields: dict[str, Any] = {"release_id": f"{sequence:064x}", "created": NOW, "expires": NOW + timedelta(days=30)}
    entry = HistoryEntry(
        sequence=sequence,
        action="publish" if new is None else "rotate",
        key_since=key_since,
        new_key=None if new is None else new.public,
        **fields,
    )
    return entry.signed(*signers)


def history(keys: list[PrivateKey]) -> list[HistoryEntry]:
    """A publish by the first key, and for each further one a rotation to it and a publish by it."""
    found = [made(1, 1, keys[0])]
    for old, new in pairwise(keys):
        rotation = made(len(found) + 1, found[-1].key_since, old, new, new=new)
        found += [rotation, made(len(found) + 2, rotation.sequence, new)]
    return found


def reading(entries: list[HistoryEntry]) -> Callable[[int], HistoryEntry]:
    return {entry.sequence: entry for entry in entries}.__getitem__


@pytest.mark.parametrize("rotations", range(5))
def test_every_entry_since_a_key_came_in_is_believed_by_who_trusts_it(rotations: int) -> None:
    keys = KEYS[: rotations + 1]
    entries = history(keys)
    for place, trusted in enumerate(keys):
        came_in = 2 * place  # the number of the rotation that brought the key in; the first came without one
        for entry in entries:
            if entry.sequence < came_in:
                with pytest.raises(ForgedError, match="not signed by the key"):
                    key_in_force(entry, reading(entries), trusted.public, "here")
            else:
                holder = keys[entry.sequence // 2]
                assert key_in_force(entry, reading(entries), trusted.public, "here") == holder.public


def test_only_the_rotations_since_the_trusted_key_are_read() -> None:
    entries = history(KEYS[:4])
    read: list[int] = []

    def counted(number: int) -> HistoryEntry:
        read.append(number)
        return entries[number - 1]

    for trusted, expected in ((KEYS[3], [6]), (KEYS[2], [6, 4]), (KEYS[0], [6, 4, 2])):
        read.clear()
        key_in_force(entries[-1], counted, trusted.public, "here")
        assert read == expected


def test_nobody_who_trusts_another_key_believes_anything() -> None:
    for entry in (entries := history(KEYS[:3])):
        with pytest.raises(ForgedError, match=STRANGER.public.key_id):
            key_in_force(entry, reading(entries), STRANGER.public, "here")


@pytest.mark.parametrize(
    "signers", [(), (0,), (1,), (9,), (0, 9), (1, 9)], ids=["none", "old", "new", "stranger", "old+", "new+"]
)
@pytest.mark.parametrize("newest", [True, False], ids=["newest", "followed"])
def test_a_rotation_that_one_of_the_two_keys_has_not_signed_is_forged(signers: tuple[int, ...], newest: bool) -> None:
    keys = dict(enumerate(KEYS)) | {9: STRANGER}
    rotation = made(2, 1, *(keys[number] for number in signers), new=KEYS[1])
    entries = [made(1, 1, KEYS[0]), rotation, made(3, 2, KEYS[1])]
    with pytest.raises(ForgedError, match="entry 2 is not signed"):
        key_in_force(entries[1 if newest else 2], reading(entries), KEYS[0].public, "here")


def test_a_rotation_to_a_key_nobody_here_made_leads_nowhere() -> None:
    entries = history(KEYS[:2])
    entries[1] = made(2, 1, STRANGER, KEYS[1], new=KEYS[1])
    with pytest.raises(ForgedError):
        key_in_force(entries[2], reading(entries), KEYS[0].public, "here")
    hijack = [entries[0], made(2, 1, STRANGER, new=STRANGER), made(3, 2, STRANGER)]
    with pytest.raises(ForgedError):
        key_in_force(hijack[2], reading(hijack), KEYS[0].public, "here")


def test_a_missing_rotation_is_not_jumped_over() -> None:
    entries = history(KEYS[:3])
    for missing in (2, 4):
        left = [entry for entry in entries if entry.sequence != missing]
        with pytest.raises(KeyError, match=str(missing)):
            key_in_force(entries[-1], reading(left), KEYS[0].public, "here")


def test_key_since_cannot_lie() -> None:
    entries = history(KEYS[:3])
    for since in (1, 2):  # signed by the third key, said to be by the first or second
        with pytest.raises(ForgedError, match="not signed by the key"):
            key_in_force(made(6, since, KEYS[2]), reading(entries), KEYS[0].public, "here")
    for since in (3, 5):
        with pytest.raises(ForgedError, match=f"entry {since} should have brought in a key"):
            key_in_force(made(6, since, KEYS[2]), reading(entries), KEYS[0].public, "here")
    with pytest.raises(ForgedError, match="not signed by the key"):  # a displaced key, said to be the one in force
        key_in_force(made(6, 4, KEYS[1]), reading(entries), KEYS[0].public, "here")


def test_a_displaced_key_with_rotations_of_its_own_is_refused_by_who_took_a_release_since() -> None:
    entries = history(KEYS[:2])  # the first key was stolen, and displaced by entry 2
    forged = [entries[0], made(2, 1, KEYS[0]), made(3, 1, KEYS[0], STRANGER, new=STRANGER), made(4, 3, STRANGER)]
    assert (
        key_in_force(forged[3], reading(forged), KEYS[0].public, "here") == STRANGER.public
    )  # who comes first is lost
    since = key_in_force(entries[2], reading(entries), KEYS[0].public, "here")
    for entry in forged:
        with pytest.raises(ForgedError):
            key_in_force(entry, reading(forged), since, "here")


def test_a_rotation_is_not_believed_because_it_names_the_trusted_key() -> None:
    entries = [made(1, 1, STRANGER), made(2, 1, STRANGER, new=KEYS[0]), made(3, 2, KEYS[0])]
    with pytest.raises(ForgedError, match="entry 2 is not signed"):
        key_in_force(entries[2], reading(entries), KEYS[0].public, "here")


def test_a_chain_that_runs_in_a_circle_ends() -> None:
    circle = made(9, 5, KEYS[0], KEYS[1], new=KEYS[1])  # given for entry 5, it leads to entry 5
    with pytest.raises(ForgedError, match="entry 5 should have brought in a key"):
        key_in_force(made(10, 5, KEYS[1]), lambda _: circle, KEYS[2].public, "here")


def test_a_chain_without_an_end_ends() -> None:
    top = MOST_ROTATIONS + 10
    with pytest.raises(ForgedError, match="more than"):
        key_in_force(
            made(top, top - 1, KEYS[1]),
            lambda number: made(number, number - 1, new=KEYS[number % 2]),
            STRANGER.public,
            "here",
        )


def test_keys_that_come_back_are_followed_from_their_last_coming() -> None:
    keys = [KEYS[0], KEYS[1], KEYS[0], KEYS[2]]
    entries = history(keys)
    for trusted in keys:
        assert key_in_force(entries[-1], reading(entries), trusted.public, "here") == KEYS[2].public


def test_a_key_is_its_bytes_whatever_its_purpose_is_said_to_be() -> None:
    entries = history(KEYS[:4])
    trusted = PublicKey(public_key=KEYS[2].public.public_key, purpose="demo")
    assert key_in_force(entries[-1], reading(entries), trusted, "here") == KEYS[3].public
    assert key_in_force(entries[4], reading(entries), trusted, "here") == trusted
