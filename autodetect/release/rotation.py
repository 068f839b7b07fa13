"""Changing the key that signs a store: an entry of the history, signed by the old key and the new one."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from autodetect.errors import CorruptError, DependencyDownError, UsageError
from autodetect.lake.objects import ObjectStore
from autodetect.release.history import (
    COMMIT_TRIES,
    VALID_FOR,
    HistoryEntry,
    append,
    manifest_of,
    newest,
    read_entry,
    refuse_other_key,
    repair_hint,
)
from autodetect.release.layout import history_key
from autodetect.release.publish import refuse_demo_key
from autodetect.release.signed import sign_manifest, signed_manifest
from autodetect.release.signing import PrivateKey, PublicKey
from autodetect.release.trust import rotations


def rotate(
    store: ObjectStore,
    old: PrivateKey,
    new: PrivateKey,
    now: datetime,
    *,
    by: str,
    reason: str,
    valid_for: timedelta = VALID_FOR,
) -> HistoryEntry:
    """Hand the store on to another key; the release in force stays, signed by both. Returns the rotation's entry.

    Clients that trust the old key follow by themselves. Run again after a kill, it completes what is missing; once the
    store is in the new key's hands it only says so, by the entry of then.

    Args:
        store: the release store.
        old: the key in force.
        new: the key that alone signs from the next entry on.
        now: the time of the commit.
        by: who decided so.
        reason: why.
        valid_for: how long a client may take the release in force for the newest.

    Raises:
        UsageError: the store is empty, the keys are the same one, the new one was displaced before, or is a demo key
            where the channel is production.
        ForgedError: the old key does not hold the history, or has not signed the manifest in force.
        CorruptError: the history or the manifest in force is damaged.
        DependencyDownError: the store does not answer, or others commit without pause.
    """
    if new.public.is_same(old.public):
        raise UsageError(f"{new.public.key_id} is the key in force already", "name another key to rotate to")
    for _ in range(COMMIT_TRIES):
        entry = newest(store)
        if entry is None:
            raise UsageError(f"{store.url} holds no release, so no key either", "set release.key_file to the new key")
        if done := brought_in_by(store, entry, new.public):
            _complete(store, entry, new)
            return done
        refuse_other_key(store, entry, old.public)
        _refuse_unfit(store, entry, old.public, new.public)
        sign_manifest(store, entry.release_id, new)
        rotation = append(
            store, entry, entry.release_id, action="rotate", now=now, key=old, new_key=new, valid_for=valid_for,
            by=by, reason=reason,
        )  # fmt: skip
        if rotation:
            _complete(store, rotation, new)
            return rotation
    raise DependencyDownError(f"{store.url}: others committed {COMMIT_TRIES} times in between", "run again")


def brought_in_by(store: ObjectStore, entry: HistoryEntry, key: PublicKey) -> HistoryEntry | None:
    """Return the rotation that brought in the key, if this entry leaves the store in its hands.

    Raises:
        UsageError: a rotation displaced the key; a key that was let go, and may be in other hands, does not come back.
        CorruptError: a rotation that an entry names is not there.
    """
    if not entry.hands_on_to(key):
        if displaced := next((each for each in _rotations(store, entry) if each.is_signed_by(key)), None):
            raise UsageError(
                f"the key {key.key_id} was displaced by entry {displaced.sequence} of {store.url}",
                "rotate to a new key: `autodetect release keygen FILE`",
            )
        return None
    return next(_rotations(store, entry), None)


def _rotations(store: ObjectStore, entry: HistoryEntry) -> Iterator[HistoryEntry]:
    def read(sequence: int) -> HistoryEntry:
        if found := read_entry(store, sequence):
            return found
        raise CorruptError(f"{store.url}/{history_key(sequence)} is missing", "restore it from a backup")

    return rotations(entry, read, store.url)


def _complete(store: ObjectStore, entry: HistoryEntry, new: PrivateKey) -> None:
    """Sign again where somebody who rotated at the same time, to another key, has put his signatures over ours."""
    sign_manifest(store, entry.release_id, new)
    repair_hint(store)


def _refuse_unfit(store: ObjectStore, entry: HistoryEntry, old: PublicKey, new: PublicKey) -> None:
    """Sign on only what the old key vouches for, and let no demo key into production."""
    refuse_demo_key(manifest_of(store, entry).channel, new)
    signed_manifest(store, entry.release_id, old)
