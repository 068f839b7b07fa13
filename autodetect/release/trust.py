"""From one trusted key to the key in force: the chain of rotations, each signed by the key it displaced."""

from collections.abc import Callable

from autodetect.release.history import HistoryEntry
from autodetect.release.signing import ForgedError, PublicKey

FIRST = 1  # `key_since` of entries signed by the store's first key


def key_in_force(entry: HistoryEntry, read: Callable[[int], HistoryEntry], trusted: PublicKey, place: str) -> PublicKey:
    """Return the key that must have signed what the entry names, once the entry itself is believed.

    Args:
        entry: any entry of the history, say the newest.
        read: gives the entry of a number; asked for rotations alone, newest first.
        trusted: the store's first key, or one that a rotation brought in.
        place: the store, for messages.

    Raises:
        ForgedError: a signature in the chain is missing or wrong, or the chain never meets the trusted key.
    """
    rotations, since = [entry] if entry.action == "rotate" else [], entry.key_since
    while since != FIRST and all(rotation.new_key != trusted for rotation in rotations):
        rotation = read(since)
        if rotation.action != "rotate":
            raise ForgedError(
                f"{place}: entry {since} should have brought in a key, and is no rotation", "trust nothing"
            )
        rotations.insert(0, rotation)
        since = rotation.key_since
    key = trusted
    for rotation in rotations:
        if rotation.new_key is None or rotation.new_key == trusted:
            continue
        if not rotation.is_signed_by(key) or not rotation.is_signed_by(rotation.new_key):
            raise _forged(rotation, key, place)
        key = rotation.new_key
    if not entry.is_signed_by(key):
        raise _forged(entry, key, place)
    return key


def _forged(entry: HistoryEntry, key: PublicKey, place: str) -> ForgedError:
    return ForgedError(
        f"{place}: entry {entry.sequence} is not signed by the key {key.key_id}, which is the one to trust",
        "the entry was forged or changed, or another key is meant to be trusted (release.trusted_key): ask who runs"
        " the store, and take nothing from it until then",
    )
