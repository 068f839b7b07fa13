"""Publishing a release: its files, its manifest, and last the entry in the history, which is the commit.

Killed at any point, it leaves no release or the whole one; run again, it completes what is missing.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from autodetect.errors import CorruptError, DependencyDownError, UsageError
from autodetect.lake.archives import sha256_file
from autodetect.lake.objects import ObjectMissingError, ObjectStore
from autodetect.release.history import COMMIT_TRIES, VALID_FOR, HistoryEntry, append, manifest_of, newest, repair_hint
from autodetect.release.layout import manifest_key, object_key
from autodetect.release.manifest import (
    Manifest,
    ManifestObject,
    ReleaseFacts,
    encode,
    holds_manifest,
    release_id,
    utc,
)


@dataclass(frozen=True)
class ReleaseFile:
    """A file that goes into a release under `name`."""

    name: str
    path: Path
    media_type: str


@dataclass(frozen=True)
class Published:
    """What publishing did. `committed` is False if this very release was in force already.

    `uploaded` and `reused` are names of files: those sent to the store, and those it had.
    """

    release_id: str
    sequence: int
    uploaded: tuple[str, ...]
    reused: tuple[str, ...]
    committed: bool


def publish(
    store: ObjectStore,
    files: Sequence[ReleaseFile],
    facts: ReleaseFacts,
    now: datetime,
    *,
    carried: Mapping[str, ManifestObject] | None = None,
    valid_for: timedelta = VALID_FOR,
    before_commit: Callable[[], None] | None = None,
) -> Published:
    """Put a release into force.

    Every object is read back from the store and its digest compared before the commit, also those that were there.

    Args:
        store: the release store.
        files: the files made tonight.
        facts: what the manifest says about them.
        now: the creation time.
        carried: files of an earlier release that this one takes over, by name; they are in the store.
        valid_for: how long a client may take this release for the newest.
        before_commit: called before each attempt to commit; raises if this run may no longer do so (lease lost).

    Raises:
        UsageError: a name is used twice or not allowed, a file cannot be read, or the store is of another channel or
            source.
        CorruptError: an object comes back with another digest, or the history is damaged.
        DependencyDownError: the store does not answer, or others commit without pause.
    """
    objects = _described(store, files, carried or {})
    uploaded = tuple(file.name for file in files if _upload(store, file, objects[file.name]))
    for name in carried or {}:
        if not holds_object(store, objects[name]):
            raise CorruptError(
                f"{store.url}: '{name}' of an earlier release is missing or damaged ({objects[name].sha256})",
                "publish that release again, or train anew",
            )
    for _ in range(COMMIT_TRIES):
        before = newest(store)
        current = None if before is None else manifest_of(store, before)
        if before is not None and current is not None:
            _refuse_mixing(store, current, facts)
            same = _manifest(facts, objects, current.previous_release, current.created)
            if release_id(same) == before.release_id:
                return _published(store, before, objects, uploaded, committed=False)
        manifest = _manifest(facts, objects, None if before is None else before.release_id, now)
        identity = release_id(manifest)
        _store_manifest(store, manifest, identity)
        if before_commit is not None:
            before_commit()
        entry = append(store, before, identity, action="publish", now=now, valid_for=valid_for)
        if entry is not None:
            return _published(store, entry, objects, uploaded, committed=True)
    raise DependencyDownError(f"{store.url}: others committed {COMMIT_TRIES} times in between", "run again")


def holds_object(store: ObjectStore, wanted: ManifestObject) -> bool:
    """Read an object back; return whether it is there with its size and digest."""
    key = object_key(wanted.sha256)
    try:
        if store.size(key) != wanted.size:
            return False
        digest = hashlib.sha256()
        for chunk in store.chunks(key):
            digest.update(chunk)
    except ObjectMissingError:
        return False
    return digest.hexdigest() == wanted.sha256


def _refuse_mixing(store: ObjectStore, current: Manifest, facts: ReleaseFacts) -> None:
    if (current.channel, current.source) != (facts.channel, facts.source):
        raise UsageError(
            f"{store.url} holds releases of channel '{current.channel}' and source '{current.source}'; this one is of"
            f" channel '{facts.channel}' and source '{facts.source}'",
            "publish to another store (setting `store`), or correct `channel` and `source`",
        )


def _described(
    store: ObjectStore, files: Sequence[ReleaseFile], carried: Mapping[str, ManifestObject]
) -> dict[str, ManifestObject]:
    names = [file.name for file in files] + list(carried)
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"two files of one release for {store.url} are named '{doubled[0]}'", "rename one")
    described = dict(carried)
    for file in files:
        try:
            described[file.name] = ManifestObject(
                sha256=sha256_file(file.path), size=file.path.stat().st_size, media_type=file.media_type
            )
        except OSError as error:
            raise UsageError(
                f"{file.path} ('{file.name}') cannot be read: {error.strerror}", "make it first"
            ) from error
    return described


def _upload(store: ObjectStore, file: ReleaseFile, wanted: ManifestObject) -> bool:
    """Make sure that the store holds the file; return whether it had to be sent."""
    if holds_object(store, wanted):
        return False
    store.put_file(object_key(wanted.sha256), file.path)
    if not holds_object(store, wanted):
        raise CorruptError(
            f"{store.url} gave back other bytes than were sent for '{file.name}', or {file.path} changed meanwhile",
            "run again; if it happens again, check the store's disks and the network",
        )
    return True


def _manifest(
    facts: ReleaseFacts, objects: Mapping[str, ManifestObject], previous: str | None, created: datetime
) -> Manifest:
    try:
        return Manifest(
            **{name: getattr(facts, name) for name in ReleaseFacts.model_fields},
            created=utc(created),
            previous_release=previous,
            objects=dict(objects),
        )
    except ValidationError as error:
        raise UsageError(
            f"this is no release: {error}", "name files by letters, digits, '.', '-' and '_' only"
        ) from error


def _store_manifest(store: ObjectStore, manifest: Manifest, identity: str) -> None:
    """Store the manifest unless a sound one with this id is there: a signature may already cover its bytes."""
    data = encode(manifest)
    if not store.put_if_absent(manifest_key(identity), data) and not holds_manifest(store, identity):
        store.put(manifest_key(identity), data)
    if not holds_manifest(store, identity):
        raise CorruptError(f"{store.url} gave back another manifest than was sent ({identity})", "run again")


def _published(
    store: ObjectStore,
    entry: HistoryEntry,
    objects: Mapping[str, ManifestObject],
    uploaded: tuple[str, ...],
    *,
    committed: bool,
) -> Published:
    repair_hint(store)
    return Published(
        release_id=entry.release_id,
        sequence=entry.sequence,
        uploaded=uploaded,
        reused=tuple(sorted(set(objects) - set(uploaded))),
        committed=committed,
    )
