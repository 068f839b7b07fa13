"""From one trusted key to the key in force: the chain of rotations, each signed by the key it displaced."""

from collections.abc import Callable, Iterator

from autodetect.release.history import HistoryEntry
from autodetect.release.signing import ForgedError, PublicKey

FIRST = 1  # `key_since` of entries signed by the store's first key
MOST_ROTATIONS = 1000  # read in one walk: nobody keeps a client busy for ever


def key_in_force(entry: HistoryEntry, read: Callable[[int], HistoryEntry], trusted: PublicKey, place: str) -> PublicKey:
    """Return the key that must have signed what the entry names, once the entry itself is believed.

    A key that was stolen and displaced can still sign a history of its own, with rotations to go with it. Whoever has
    taken a release before therefore trusts the key that this one returned then, no longer the one it began with.

    Args:
        entry: any entry of the history, say the newest.
        read: gives the entry of a number; asked for rotations alone, newest first.
        trusted: the store's first key, or one that a rotation brought in.
        place: the store, for messages.

    Raises:
        ForgedError: a signature in the chain is missing or wrong, or the chain never meets the trusted key.
    """
    key = trusted
    for rotation in _since(trusted, rotations(entry, read, place)):
        if rotation.new_key is None or not rotation.is_signed_by(rotation.new_key):
            raise _forged(rotation, key if rotation.new_key is None else rotation.new_key, place)
        if not rotation.new_key.is_same(trusted):
            if not rotation.is_signed_by(key):
                raise _forged(rotation, key, place)
            key = rotation.new_key
    if not entry.is_signed_by(key):
        raise _forged(entry, key, place)
    return key


def rotations(entry: HistoryEntry, read: Callable[[int], HistoryEntry], place: str) -> Iterator[HistoryEntry]:
    """Yield the rotations up to an entry, unchecked, newest first; the store's first key came without one.

    Raises:
        ForgedError: an entry that should be a rotation is none, or there is no end of them.
    """
    if entry.action == "rotate":
        yield entry
    since, walked = entry.key_since, 0
    while since != FIRST:
        if walked == MOST_ROTATIONS:
            what = f"{place}: more than {MOST_ROTATIONS} rotations lead to entry {entry.sequence}"
            raise ForgedError(what, "trust a newer key (release.trusted_key)")
        rotation = read(since)
        if rotation.action != "rotate" or rotation.sequence != since:
            what = f"{place}: entry {since} should have brought in a key, and is no rotation"
            raise ForgedError(what, "take nothing from this store; ask who runs it")
        yield rotation
        since, walked = rotation.key_since, walked + 1


def _since(trusted: PublicKey, newest_first: Iterator[HistoryEntry]) -> list[HistoryEntry]:
    """Return the rotations, oldest first, from that of the trusted key on; all where none brought it in."""
    found: list[HistoryEntry] = []
    for rotation in newest_first:
        found.insert(0, rotation)
        if rotation.new_key and rotation.new_key.is_same(trusted):
            break
    return found


def _forged(entry: HistoryEntry, key: PublicKey, place: str) -> ForgedError:
    return ForgedError(
        f"{place}: entry {entry.sequence} is not signed by the key {key.key_id}, which is the one to trust",
        "the entry was forged or changed, or another key is meant to be trusted (release.trusted_key): ask who runs"
        " the store, and take nothing from it until then",
    )
