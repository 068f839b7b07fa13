"""Rolling back: an older release comes into force again, by a new entry of the history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from autodetect.errors import CorruptError, DependencyDownError, UsageError
from autodetect.lake.objects import ObjectMissingError, ObjectStore
from autodetect.release.history import (
    VALID_FOR,
    HistoryEntry,
    append,
    entries,
    manifest_of,
    refuse_other_key,
    repair_hint,
)
from autodetect.release.layout import object_key
from autodetect.release.manifest import Manifest
from autodetect.release.publish import refuse_demo_key
from autodetect.release.signed import sign_manifest
from autodetect.release.signing import PrivateKey, PublicKey
from autodetect.release.under_way import announced
from autodetect.release.upload import holds_object
from autodetect.release.vouched import vouched_manifest


@dataclass(frozen=True)
class Rollback:
    """What a rollback does: the release `release_id` takes the place of that of the entry `displaced`."""

    displaced: HistoryEntry
    release_id: str
    manifest: Manifest


def rollback(
    store: ObjectStore,
    target: str | None,
    now: datetime,
    *,
    key: PrivateKey,
    by: str,
    reason: str,
    valid_for: timedelta = VALID_FOR,
    trusted: PublicKey | None = None,
) -> HistoryEntry:
    """Put an older release into force; return its new entry.

    Run again with the same words after it was interrupted, it returns the entry that was made, if it was.

    Args:
        store: the release store.
        target: the whole id of a release that was in force once; None for the one `release_before` names.
        now: the time of the commit.
        key: signs the entry.
        by: who decided so.
        reason: why.
        valid_for: how long a client may take it for the newest.
        trusted: the key that clients of this store trust; None for the public half of `key`.

    Raises:
        UsageError: there is no such release, it was collected, is in force already, or is of another channel.
        ForgedError: the release, or the entry in force, is not signed by the store's key.
        CorruptError: a file of the release is missing or damaged, or the history is.
        DependencyDownError: the store does not answer or is being tidied, or somebody committed meanwhile.
    """
    with announced(store, now) as check_announced:
        if done := _done_before(store, target, by, reason):
            return done
        plan = planned_rollback(store, target, key=key.public, trusted=trusted)
        sign_manifest(store, plan.release_id, key)
        check_announced()
        entry = append(
            store,
            plan.displaced,
            plan.release_id,
            action="rollback",
            now=now,
            key=key,
            valid_for=valid_for,
            by=by,
            reason=reason,
        )
        if entry is None:
            raise DependencyDownError(
                f"somebody committed to {store.url} after entry {plan.displaced.sequence}; nothing was rolled back",
                "see `autodetect release list`: if it is still to be rolled back, run again and name the release",
            )
        repair_hint(store)
    return entry


def planned_rollback(
    store: ObjectStore, target: str | None, *, key: PublicKey, trusted: PublicKey | None = None
) -> Rollback:
    """Return what a rollback would do, once every byte of the release was read back. Writes nothing.

    Raises:
        UsageError, ForgedError, CorruptError, DependencyDownError: as `rollback` does.
    """
    history = entries(store)
    if not history:
        raise UsageError(f"{store.url} holds no release", "publish one first: `autodetect nightly`")
    release_id = target or release_before(history, store.url)
    if release_id == history[-1].release_id:
        raise UsageError(f"the release {release_id} is in force already", "see `autodetect release list`")
    manifest = vouched_manifest(store, history, release_id, trusted or key)
    refuse_demo_key(manifest.channel, key)
    refuse_other_key(store, history[-1], key)
    _refuse_other_channel(store, history[-1], manifest)
    for name, wanted in manifest.objects.items():
        if not holds_object(store, wanted):
            raise CorruptError(
                f"'{name}' of the release {release_id} is missing or damaged ({store.url}/{object_key(wanted.sha256)})",
                "name another release, or restore the file from a backup",
            )
    return Rollback(history[-1], release_id, manifest)


def release_before(history: Sequence[HistoryEntry], place: str) -> str:
    """Return the release to go back to when none is named.

    It is the newest before the one in force that is another one and was not itself gone back from.

    Args:
        history: the whole history, oldest first; at least one entry.
        place: the store, for messages.

    Raises:
        UsageError: there is none.
    """
    given_up: set[str] = set()
    for before, entry in pairwise(history):
        if entry.action == "rollback":
            given_up = given_up - {entry.release_id} | {before.release_id}
    for entry in reversed(history):
        if entry.release_id != history[-1].release_id and entry.release_id not in given_up:
            return entry.release_id
    raise UsageError(
        f"{place} holds no earlier release that was not given up already", "name one of `autodetect release list`"
    )


def _done_before(store: ObjectStore, target: str | None, by: str, reason: str) -> HistoryEntry | None:
    """Return the entry in force if it is this very rollback, made by a run that was interrupted."""
    entry = repair_hint(store)
    if entry is None or entry.action != "rollback" or (entry.by, entry.reason) != (by, reason):
        return None
    return entry if target in {None, entry.release_id} else None


def _refuse_other_channel(store: ObjectStore, displaced: HistoryEntry, manifest: Manifest) -> None:
    try:
        current = manifest_of(store, displaced)
    except (CorruptError, ObjectMissingError):
        return  # what is in force is broken: the more reason to go back
    if (manifest.channel, manifest.source) != (current.channel, current.source):
        raise UsageError(
            f"the release is of channel '{manifest.channel}' and source '{manifest.source}', that in force in"
            f" {store.url} of '{current.channel}' and '{current.source}'",
            "name another release",
        )
