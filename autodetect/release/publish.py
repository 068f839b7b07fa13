"""Publishing a release: its files, its manifest, and last the entry in the history, which is the commit.

Killed at any point, it leaves no release or the whole one; run again, it completes what is missing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError

from autodetect.errors import CorruptError, DependencyDownError, UsageError
from autodetect.lake.objects import ObjectStore
from autodetect.release.history import (
    COMMIT_TRIES,
    VALID_FOR,
    HistoryEntry,
    append,
    manifest_of,
    newest,
    refuse_other_key,
    repair_hint,
)
from autodetect.release.layout import manifest_key
from autodetect.release.manifest import (
    Manifest,
    ManifestObject,
    ReleaseFacts,
    encode,
    holds_manifest,
    release_id,
    utc,
)
from autodetect.release.signed import sign_manifest
from autodetect.release.signing import PrivateKey, PublicKey
from autodetect.release.under_way import announced
from autodetect.release.upload import ReleaseFile, described, upload


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
    key: PrivateKey,
    valid_for: timedelta = VALID_FOR,
    before_commit: Callable[[], None] | None = None,
    by: str = "",
    reason: str = "",
) -> Published:
    """Put a release into force.

    Every object is read back from the store and its digest compared before the commit, also those that were there.

    Args:
        store: the release store.
        files: the files made tonight.
        facts: what the manifest says about them.
        now: the creation time.
        key: signs manifest and commit.
        valid_for: how long a client may take this release for the newest.
        before_commit: called before each attempt to commit; raises if this run may no longer do so (lease lost).
        by: who decided so, where a person did.
        reason: why.

    Raises:
        UsageError: a name is used twice or not allowed, a file cannot be read, the store is of another channel or
            source, or a demo key would sign for production.
        ForgedError: another key signed the newest entry.
        CorruptError: an object comes back with another digest, or the history is damaged.
        DependencyDownError: the store does not answer or is being tidied, or others commit without pause.
    """
    refuse_demo_key(facts.channel, key.public)
    _refuse_doubled(store, [file.name for file in files])
    if (before := newest(store)) is not None:  # now, before anything is sent, and again before the commit
        refuse_unfit(store, before, facts, key.public)
    objects = described(files)
    with announced(store, now) as check_announced:
        uploaded = upload(store, files, objects)
        for _ in range(COMMIT_TRIES):
            before = newest(store)
            if before is not None:
                current = refuse_unfit(store, before, facts, key.public)
                same = _manifest(facts, objects, current.previous_release, current.created)
                if release_id(same) == before.release_id:
                    sign_manifest(store, before.release_id, key)
                    return _published(store, before, objects, uploaded, committed=False)
            manifest = _manifest(facts, objects, None if before is None else before.release_id, now)
            identity = release_id(manifest)
            _store_manifest(store, manifest, identity)
            sign_manifest(store, identity, key)
            check_announced()
            if before_commit is not None:
                before_commit()
            entry = append(
                store, before, identity, action="publish", now=now, key=key, valid_for=valid_for, by=by, reason=reason
            )
            if entry is not None:
                return _published(store, entry, objects, uploaded, committed=True)
        raise DependencyDownError(f"{store.url}: others committed {COMMIT_TRIES} times in between", "run again")


def refuse_demo_key(channel: str, key: PublicKey) -> None:
    """Let no key that was made without being asked for sign for production.

    Raises:
        UsageError: it would.
    """
    if channel == "production" and key.purpose == "demo":
        raise UsageError(
            f"the key {key.key_id} is a demo key; the channel 'production' refuses it",
            "make one with `autodetect release keygen`, keep it safe, and name it in release.key_file",
        )


def _refuse_doubled(store: ObjectStore, names: Sequence[str]) -> None:
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"two files of one release for {store.url} are named '{doubled[0]}'", "rename one")


def refuse_unfit(store: ObjectStore, newest_entry: HistoryEntry, facts: ReleaseFacts, key: PublicKey) -> Manifest:
    """Return the manifest of the release in force, which one with these facts may follow by channel, source and key.

    Raises:
        UsageError: the store is of another channel or source.
        ForgedError: another key signed the newest entry.
        CorruptError: the manifest of the release in force is damaged or missing.
    """
    current = manifest_of(store, newest_entry)
    if (current.channel, current.source) != (facts.channel, facts.source):
        raise UsageError(
            f"{store.url} holds releases of channel '{current.channel}' and source '{current.source}'; this one is of"
            f" channel '{facts.channel}' and source '{facts.source}'",
            "publish to another store (setting `store`), or correct `channel` and `source`",
        )
    refuse_other_key(store, newest_entry, key)
    return current


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
