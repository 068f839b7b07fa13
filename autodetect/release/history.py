"""The history of a release store: numbered entries, each made once. Making one is the commit of a release."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime, Field

from autodetect.errors import CorruptError, DependencyDownError
from autodetect.lake.objects import ObjectMissingError, ObjectStore
from autodetect.records import Record
from autodetect.release.layout import HISTORY, LATEST, history_key
from autodetect.release.manifest import Digest, Manifest, decode, encode, load_manifest, utc

VALID_FOR = timedelta(days=30)
COMMIT_TRIES = 100

Action = Literal["publish", "rollback"]


class HistoryEntry(Record):
    """Release `release_id` is in force from this number on, until a higher one."""

    schema_version: Literal[1] = 1
    sequence: int = Field(ge=1)
    release_id: Digest
    action: Action
    created: AwareDatetime
    expires: AwareDatetime

    def expired(self, now: datetime) -> bool:
        """Return whether a client should no longer take this for the newest release."""
        return now > self.expires


class LatestHint(Record):
    """Where to start looking for the newest entry. Never trusted: anyone can repair it from the history."""

    sequence: int = Field(ge=1)
    release_id: Digest


def read_entry(store: ObjectStore, sequence: int) -> HistoryEntry | None:
    """Return the entry with this number, None if there is none.

    Raises:
        CorruptError: it is damaged, or carries another number.
    """
    key = history_key(sequence)
    try:
        entry = decode(HistoryEntry, store.get(key), f"{store.url}/{key}")
    except ObjectMissingError:
        return None
    if entry.sequence != sequence:
        raise CorruptError(f"{store.url}/{key} carries the number {entry.sequence}", "restore it from a backup")
    return entry


def sequences(store: ObjectStore) -> list[int]:
    """Return the numbers of the entries that are there, ascending.

    Raises:
        CorruptError: a file in the history is named like no entry.
    """
    names = [key.removeprefix(HISTORY) for key in store.list(HISTORY) if not key.endswith(".sig")]
    numbers = [name.removesuffix(".json") for name in names]
    for name, number in zip(names, numbers, strict=True):
        if not number.isascii() or not number.isdigit() or history_key(int(number)) != HISTORY + name:
            raise CorruptError(f"{store.url}/{HISTORY}{name} is named like no entry of the history", "remove it")
    return sorted(map(int, numbers))


def entries(store: ObjectStore) -> list[HistoryEntry]:
    """Return the whole history, oldest first.

    Raises:
        CorruptError: an entry is damaged, or one is missing in the middle.
    """
    found = []
    for expected, sequence in enumerate(sequences(store), start=1):
        entry = read_entry(store, sequence)
        if sequence != expected or entry is None:
            raise CorruptError(f"{store.url}: the history has no entry {expected}", "restore it from a backup")
        found.append(entry)
    return found


def newest(store: ObjectStore) -> HistoryEntry | None:
    """Return the entry in force, None in an empty store. Starts at the hint and looks upward; writes nothing.

    Raises:
        CorruptError: the newest entry is damaged.
    """
    entry = _hinted(store)
    if entry is None:
        numbers = sequences(store)
        entry = read_entry(store, numbers[-1]) if numbers else None
    while entry is not None and (above := read_entry(store, entry.sequence + 1)) is not None:
        entry = above
    return entry


def repair_hint(store: ObjectStore) -> HistoryEntry | None:
    """Make the hint name the entry in force, which is returned; nothing is written where it does already.

    Raises:
        CorruptError: the newest entry is damaged.
    """
    entry = newest(store)
    if entry is not None:
        hint = encode(LatestHint(sequence=entry.sequence, release_id=entry.release_id))
        try:
            current = store.get(LATEST)
        except ObjectMissingError:
            current = b""
        if current != hint:
            store.put(LATEST, hint)
    return entry


def newest_manifest(store: ObjectStore) -> Manifest | None:
    """Return the manifest of the release in force, None in an empty store.

    Raises:
        CorruptError: the newest entry or its manifest is damaged or missing.
    """
    entry = newest(store)
    return None if entry is None else manifest_of(store, entry)


def manifest_of(store: ObjectStore, entry: HistoryEntry) -> Manifest:
    """Return the manifest that an entry names.

    Raises:
        CorruptError: it is damaged or missing.
    """
    try:
        return load_manifest(store, entry.release_id)
    except ObjectMissingError as error:
        raise CorruptError(
            f"{store.url}: entry {entry.sequence} names the release {entry.release_id}, whose manifest is missing",
            "roll back to a sound release, or restore the manifest from a backup",
        ) from error


def append(
    store: ObjectStore,
    after: HistoryEntry | None,
    release_id: str,
    *,
    action: Action,
    now: datetime,
    valid_for: timedelta = VALID_FOR,
) -> HistoryEntry | None:
    """Make the entry that follows `after`: the commit. None if somebody else made it first.

    Args:
        store: the release store.
        after: the entry that was newest when the caller decided; None for the first.
        release_id: the release that is in force from now on; its manifest and objects are in the store.
        action: how it came into force.
        now: the time of the commit.
        valid_for: how long a client may take it for the newest.
    """
    moment = utc(now)
    entry = HistoryEntry(
        sequence=1 if after is None else after.sequence + 1,
        release_id=release_id,
        action=action,
        created=moment,
        expires=moment + valid_for,
    )
    return entry if store.put_if_absent(history_key(entry.sequence), encode(entry)) else None


def commit(
    store: ObjectStore,
    release_id: str,
    action: Action,
    now: datetime,
    *,
    valid_for: timedelta = VALID_FOR,
    before_commit: Callable[[], None] | None = None,
) -> HistoryEntry:
    """Put a release that is in the store into force, whatever others commit at the same time; returns the entry.

    Args:
        store: the release store.
        release_id: a release whose manifest is in the store.
        action: how it comes into force.
        now: the time of the commit.
        valid_for: how long a client may take it for the newest.
        before_commit: called before each attempt; raises if this run may no longer commit (the lease was lost).

    Raises:
        ObjectMissingError: there is no such release.
        CorruptError: its manifest, or the history, is damaged.
    """
    load_manifest(store, release_id)
    for _ in range(COMMIT_TRIES):
        after = newest(store)
        if before_commit is not None:
            before_commit()
        if entry := append(store, after, release_id, action=action, now=now, valid_for=valid_for):
            repair_hint(store)
            return entry
    raise DependencyDownError(f"{store.url}: others committed {COMMIT_TRIES} times in between", "run again")


def _hinted(store: ObjectStore) -> HistoryEntry | None:
    try:
        hint = decode(LatestHint, store.get(LATEST), f"{store.url}/{LATEST}")
    except (ObjectMissingError, CorruptError):
        return None
    return read_entry(store, hint.sequence)
