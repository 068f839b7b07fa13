"""The history of a release store: numbered entries, each made once. Making one is the commit of a release."""

from datetime import datetime, timedelta
from typing import Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from autodetect.errors import CorruptError, UsageError
from autodetect.lake.archives import sha256_bytes
from autodetect.lake.objects import ObjectMissingError, ObjectStore
from autodetect.records import Record, canonical_json
from autodetect.release.layout import HISTORY, LATEST, history_key
from autodetect.release.manifest import Digest, Manifest, decode, encode, load_manifest, utc
from autodetect.release.signing import ForgedError, PrivateKey, PublicKey, Signature

VALID_FOR = timedelta(days=30)
COMMIT_TRIES = 100
MOST_BYTES = 1 << 14  # of an entry, made once and for ever; clients read no more than 64 KiB

Action = Literal["publish", "rollback", "rotate"]


class HistoryEntry(Record):
    """Release `release_id` is in force from this number on, until a higher one.

    `follows` is the SHA-256 of the entry before; None in the first. No entry can change once another was made after it.

    `key_since` is the number of the entry that brought in the key which had to sign this one: that of a rotation, or 1.
    A rotation names the `new_key` and is signed by the old and the new one; entries after it by the new one alone.
    `by` and `reason` are a person's, where one decided.

    The signatures cover the canonical text without them; they sort last, so that it is this text cut short.
    """

    schema_version: Literal[2] = 2
    sequence: int = Field(ge=1)
    release_id: Digest
    action: Action
    created: AwareDatetime
    expires: AwareDatetime
    follows: Digest | None = None
    key_since: int = Field(ge=1)
    new_key: PublicKey | None = None
    by: str = ""
    reason: str = ""
    signatures: tuple[Signature, ...] = ()

    @model_validator(mode="after")
    def _of_its_action(self) -> Self:
        if (self.action == "rotate") != (self.new_key is not None):
            raise ValueError("a rotation, and nothing else, names a new key")
        if self.key_since > self.sequence or (self.key_since == self.sequence and self.sequence != 1):
            raise ValueError("key_since is the number of an earlier entry")
        return self

    @property
    def signed_bytes(self) -> bytes:
        """Return what the signatures cover."""
        return canonical_json(self.model_dump(mode="json", exclude={"signatures"}))

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the entry's file."""
        return sha256_bytes(encode(self))

    @property
    def next_key_since(self) -> int:
        """Return what an entry after this one says in `key_since`."""
        return self.sequence if self.action == "rotate" else self.key_since

    def signed(self, *keys: PrivateKey) -> "HistoryEntry":
        """Return the entry with the keys' signatures."""
        made = tuple(key.sign("history entry", self.signed_bytes) for key in keys)
        return self.model_copy(update={"signatures": made})

    def is_signed_by(self, key: PublicKey) -> bool:
        """Return whether the key has signed this entry."""
        return key.has_signed("history entry", self.signed_bytes, self.signatures)

    def hands_on_to(self, key: PublicKey) -> bool:
        """Return whether the key may sign the entry after this one: it has signed this one, and none displaced it."""
        return self.is_signed_by(key) and (self.new_key is None or self.new_key.is_same(key))

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
    key: PrivateKey,
    new_key: PrivateKey | None = None,
    valid_for: timedelta = VALID_FOR,
    by: str = "",
    reason: str = "",
) -> HistoryEntry | None:
    """Make the entry that follows `after`: the commit. None if somebody else made it first.

    Args:
        store: the release store.
        after: the entry that was newest when the caller decided; None for the first.
        release_id: the release that is in force from now on; its manifest, signed by this key, and objects are there.
        action: how it came into force.
        now: the time of the commit.
        key: signs the entry; must have signed `after`, and not have been displaced by it.
        new_key: of a rotation: signs too, and alone from the next entry on.
        valid_for: how long a client may take it for the newest.
        by: who decided so, where a person did.
        reason: why.

    Raises:
        ForgedError: the key may not sign what follows `after`.
        UsageError: the entry would be longer than clients read.
    """
    if after is not None:
        refuse_other_key(store, after, key.public)
    moment = utc(now)
    entry = HistoryEntry(
        sequence=1 if after is None else after.sequence + 1,
        release_id=release_id,
        action=action,
        created=moment,
        expires=utc(moment + valid_for),
        follows=None if after is None else after.digest,
        key_since=1 if after is None else after.next_key_since,
        new_key=None if new_key is None else new_key.public,
        by=by,
        reason=reason,
    ).signed(key, *(() if new_key is None else (new_key,)))
    data = encode(entry)
    if len(data) > MOST_BYTES:
        raise UsageError(f"the history's entry would have {len(data):,} bytes", "give a shorter name and reason")
    return entry if store.put_if_absent(history_key(entry.sequence), data) else None


def refuse_other_key(store: ObjectStore, after: HistoryEntry, key: PublicKey) -> None:
    """Let no key continue a history that is not in its hands.

    Raises:
        ForgedError: the key has not signed the entry, or the entry is the rotation that displaced it.
    """
    if after.hands_on_to(key):
        return
    place = f"{store.url}/{history_key(after.sequence)}"
    if after.new_key is not None:
        what = f"{place} is a rotation to the key {after.new_key.key_id}; the key here is {key.key_id}"
    else:
        signers = ", ".join(each.key_id for each in after.signatures) or "nobody"
        what = f"{place} is signed by {signers}, not by {key.key_id}, the key here"
    raise ForgedError(
        what, "use the store's own key (release.key_file), rotate to this one, or publish into a new store"
    )


def _hinted(store: ObjectStore) -> HistoryEntry | None:
    try:
        hint = decode(LatestHint, store.get(LATEST), f"{store.url}/{LATEST}")
    except (ObjectMissingError, CorruptError):
        return None
    return read_entry(store, hint.sequence)
