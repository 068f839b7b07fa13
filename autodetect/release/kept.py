"""Which releases a store keeps, and which it gave up."""

import re
from collections.abc import Sequence

from pydantic import Field

from autodetect.errors import CorruptError
from autodetect.lake.objects import ObjectStore
from autodetect.records import Record
from autodetect.release.history import HistoryEntry
from autodetect.release.layout import COLLECTED, PINS, collected_key
from autodetect.release.manifest import decode, encode

_NAME = re.compile(r"([0-9a-f]{64})\.json")


class CollectedNote(Record):
    """A release was collected after the history's entry `sequence`: that its manifest is missing is no loss."""

    sequence: int = Field(ge=1)


def kept_releases(store: ObjectStore, history: Sequence[HistoryEntry], keep: int) -> set[str]:
    """Return the ids of the releases that stay: whatever one of them names must be in the store.

    These are the one in force, every pinned one, and the last `keep` of the history, each release counted once, at its
    newest entry. Of those last ones, what was collected earlier, when fewer were kept, is gone and stays so.

    Args:
        store: the release store.
        history: its whole history, oldest first.
        keep: how many of the newest releases stay, the one in force among them; at least 1.

    Raises:
        CorruptError: a file among pins or notes is named like no release, or a note is damaged.
    """
    recent = list(dict.fromkeys(entry.release_id for entry in reversed(history)))[:keep]
    gone = collected_releases(store, [entry for entry in history if entry.release_id in recent])
    return (set(recent) - gone) | set(recent[:1]) | pinned_releases(store)


def collected_for_good(store: ObjectStore, history: Sequence[HistoryEntry]) -> set[str]:
    """Return the ids of the releases of the whole history that were collected, and are neither in force nor pinned.

    Raises:
        CorruptError: as `kept_releases` does.
    """
    return {entry.release_id for entry in history} - kept_releases(store, history, keep=len(history) or 1)


def pinned_releases(store: ObjectStore) -> set[str]:
    """Return the ids of the releases that somebody wants kept.

    Raises:
        CorruptError: a file among the pins is named like no release: somebody may have meant to keep one.
    """
    return _named(store, PINS)


def collected_releases(store: ObjectStore, history: Sequence[HistoryEntry]) -> set[str]:
    """Return the ids of the releases in these entries that were collected, and did not come back into force since.

    Raises:
        CorruptError: a file among the notes is named like no release, or damaged.
    """
    at = {entry.release_id: entry.sequence for entry in history}
    return {each for each in _named(store, COLLECTED) & at.keys() if _note(store, each).sequence >= at[each]}


def note_collected(store: ObjectStore, release_id: str, sequence: int) -> None:
    """Note that a release is given up, before the first of its files goes.

    Args:
        store: the release store.
        release_id: a release of its history.
        sequence: the number of the entry in force; by a later one the release may have come back.
    """
    store.put(collected_key(release_id), encode(CollectedNote(sequence=sequence)))


def _note(store: ObjectStore, release_id: str) -> CollectedNote:
    key = collected_key(release_id)
    return decode(CollectedNote, store.get(key), f"{store.url}/{key}")


def _named(store: ObjectStore, prefix: str) -> set[str]:
    found = set()
    for key in store.list(prefix):
        match = _NAME.fullmatch(key.removeprefix(prefix))
        if match is None:
            raise CorruptError(f"{store.url}/{key} is named like no release", "remove it, or use `autodetect release`")
        found.add(match[1])
    return found
