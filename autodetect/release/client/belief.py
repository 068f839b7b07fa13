"""From an entry of the history to a manifest that may be believed: the signatures between them and one trusted key."""

from collections.abc import Callable
from dataclasses import dataclass

from autodetect.errors import CorruptError, UsageError
from autodetect.lake.objects import ObjectMissingError
from autodetect.release.history import HistoryEntry
from autodetect.release.layout import history_key, manifest_key, signatures_key
from autodetect.release.manifest import Manifest
from autodetect.release.signed import believed_manifest
from autodetect.release.signing import ForgedError, PublicKey
from autodetect.release.trust import key_in_force

MAX_MANIFEST_BYTES = 4 << 20
MAX_SIGNATURES_BYTES = 1 << 16


@dataclass(frozen=True)
class Believed:
    """A release that the trusted key vouches for.

    Attributes:
        entry: puts it into force.
        key: has signed the entry and the manifest. Whatever comes next must rest on it: an earlier key may be stolen.
        manifest: what is in it.
        data, signatures: the manifest's bytes and those of the signatures beside it.
        rotations: the entries that led from the trusted key to the one that signed.
    """

    entry: HistoryEntry
    key: PublicKey
    manifest: Manifest
    data: bytes
    signatures: bytes
    rotations: tuple[HistoryEntry, ...]


def believe(
    entry: HistoryEntry,
    *,
    rotation: Callable[[int], HistoryEntry | None],
    read: Callable[[str, int], bytes],
    trusted: PublicKey,
    place: str,
) -> Believed:
    """Check the entry's signature, then the manifest's; nothing in the manifest is read before.

    Args:
        entry: the entry to believe.
        rotation: gives the entry of a number, None if there is none.
        read: gives the bytes under a key of the store, at most as many as said.
        trusted: the key that all belief rests on.
        place: where all this comes from, for messages.

    Raises:
        ForgedError: a signature is missing or wrong, or a demo key would vouch for production.
        CorruptError: the manifest is missing or damaged.
        UsageError: a newer AutoDetect wrote it.
    """
    chain = [entry] if entry.action == "rotate" else []

    def rotation_of(sequence: int) -> HistoryEntry:
        found = rotation(sequence)
        if found is None:
            raise ForgedError(
                f"{place}/{history_key(sequence)}, which should have brought in the key of entry {entry.sequence}, is"
                " missing",
                "take nothing from this store; ask who runs it",
            )
        chain.append(found)
        return found

    key = key_in_force(entry, rotation_of, trusted, place)
    try:
        data = read(manifest_key(entry.release_id), MAX_MANIFEST_BYTES)
    except ObjectMissingError as error:
        raise CorruptError(
            f"{place}/{manifest_key(entry.release_id)}, named by entry {entry.sequence}, is missing",
            "tell who runs the store",
        ) from error
    try:
        signatures = read(signatures_key(entry.release_id), MAX_SIGNATURES_BYTES)
    except ObjectMissingError as error:
        raise ForgedError(
            f"{place}/{signatures_key(entry.release_id)}, the manifest's signature, is missing",
            "take nothing from this store; ask who runs it",
        ) from error
    manifest = believed_manifest(data, signatures, entry.release_id, key, f"{place}/{manifest_key(entry.release_id)}")
    if manifest.channel == "production" and "demo" in {trusted.purpose, key.purpose}:
        raise ForgedError(
            f"{place}: a release of the channel 'production' rests on a demo key ({trusted.key_id}, {key.key_id}),"
            " which anyone may have made",
            "trust the production key (release.trusted_key)",
        )
    return Believed(entry, key, manifest, data, signatures, tuple(sorted(chain, key=lambda each: each.sequence)))


def check_follows(new: Believed, held: Believed, place: str) -> None:
    """Compare what would come into force with what is.

    Raises:
        ForgedError: it is signed by a key that was displaced before, or of another channel.
    """
    if new.entry.key_since < held.entry.next_key_since:
        raise ForgedError(
            f"{place}: entry {new.entry.sequence} is signed by a key of entry {new.entry.key_since}, which entry"
            f" {held.entry.next_key_since} displaced: whoever made it has a key that is no longer trusted",
            "take nothing from this store; ask who runs it",
        )
    if new.manifest.channel != held.manifest.channel:
        raise ForgedError(
            f"{place} offers a release of the channel '{new.manifest.channel}'; the one in force is of"
            f" '{held.manifest.channel}'",
            "check the address of the store; another channel goes into a folder of its own",
        )


def check_fit(manifest: Manifest, *, app_version: str | None, channel: str | None) -> None:
    """Compare a release with what the caller can use.

    Raises:
        UsageError: it needs a newer app, or is of another channel than the one asked for.
    """
    if channel is not None and manifest.channel != channel:
        raise UsageError(
            f"the release is of the channel '{manifest.channel}', not '{channel}'", "check the address of the store"
        )
    if app_version is not None and _numbers(app_version) < _numbers(manifest.minimum_app_version):
        raise UsageError(
            f"the release needs version {manifest.minimum_app_version} of the app; this is {app_version}",
            "update the app; until then the release that is here stays in force",
        )


def _numbers(version: str) -> tuple[int, ...]:
    """Return '1.10.0' as (1, 10): zeros at the end count for nothing."""
    parts = version.split(".")
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise UsageError(f"{version!r} is no version of an app", "write numbers with dots between them, such as 1.2")
    numbers = [int(part) for part in parts]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
