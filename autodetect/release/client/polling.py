"""Is there something newer? One conditional request where there is not; the history, entry by entry, where there is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from autodetect.errors import CorruptError, DependencyDownError, UsageError
from autodetect.lake.objects import ObjectMissingError
from autodetect.release.client.errors import OlderReleaseError
from autodetect.release.client.source import Source, read
from autodetect.release.history import HistoryEntry, LatestHint
from autodetect.release.layout import LATEST, history_key
from autodetect.release.manifest import decode

HINT_MAY_LAG = timedelta(hours=36)  # a night and a half: by then there should be a newer release
MAX_ENTRY_BYTES = 1 << 16
MOST_STEPS = 10_000  # entries looked at in one poll: nobody keeps a client busy for ever


@dataclass(frozen=True)
class Polled:
    """The store's newest entry, not believed yet; `etag` is that of the hint which led to it."""

    entry: HistoryEntry
    etag: str = ""
    warning: str = ""


def poll(source: Source, held: HistoryEntry | None, etag: str, now: datetime) -> Polled:
    """Return the newest entry of the store: `held` itself where there is nothing newer.

    The hint `latest.json` is not signed. It saves requests and decides nothing: one that lags, lies or is missing leads
    to the same entry by a longer way.

    Args:
        source: the store.
        held: the entry in force here, which was believed.
        etag: what the hint had when `held` was taken; empty: not known.
        now: the time of the poll.

    Raises:
        UsageError: the store holds no release, or a newer AutoDetect wrote it.
        OlderReleaseError: its history ends before `held`, or has another entry in its place.
        CorruptError: an entry is damaged.
        DependencyDownError: the store does not answer.
    """
    try:
        answer = source.get_if_changed(LATEST, etag or None)
    except (ObjectMissingError, CorruptError):
        answer = b"", ""
    data, etag = answer or (b"", etag)
    hint = _hint(data)
    if held is None:
        return Polled(_first(source, hint), etag)
    if answer is None or (hint and (hint.sequence, hint.release_id) == (held.sequence, held.release_id)):
        return Polled(_climbed(source, held) if now - held.created > HINT_MAY_LAG else held, etag)
    if hint and hint.sequence > held.sequence and (entry := read_entry(source, hint.sequence)):
        return Polled(_climbed(source, entry), etag)
    return Polled(_climbed(source, _still_there(source, held, hint)), etag, _backward(source, hint, held))


def read_entry(source: Source, sequence: int) -> HistoryEntry | None:
    """Return the entry with this number, None if there is none.

    Raises:
        CorruptError: it is damaged, or carries another number.
        UsageError: a newer AutoDetect wrote it.
    """
    key = history_key(sequence)
    place = f"{source.url}/{key}"
    try:
        entry = decode(HistoryEntry, read(source, key, MAX_ENTRY_BYTES), place)
    except ObjectMissingError:
        return None
    if entry.sequence != sequence:
        raise CorruptError(f"{place} carries the number {entry.sequence}", "tell who runs the store")
    return entry


def _hint(data: bytes) -> LatestHint | None:
    try:
        return decode(LatestHint, data, LATEST)
    except CorruptError:
        return None


def _first(source: Source, hint: LatestHint | None) -> HistoryEntry:
    entry = (read_entry(source, hint.sequence) if hint else None) or read_entry(source, 1)
    if entry is None:
        raise UsageError(f"{source.url} holds no release", "publish one first: `autodetect nightly`")
    return _climbed(source, entry)


def _climbed(source: Source, entry: HistoryEntry) -> HistoryEntry:
    """Return the last entry above this one without a gap."""
    for _ in range(MOST_STEPS):
        above = read_entry(source, entry.sequence + 1)
        if above is None:
            return entry
        entry = above
    raise CorruptError(
        f"{source.url} has more entries than {entry.sequence:,} without an end", "tell who runs the store"
    )


def _still_there(source: Source, held: HistoryEntry, hint: LatestHint | None) -> HistoryEntry:
    """Return the store's entry of the number held, which must be the one held."""
    found = read_entry(source, held.sequence)
    if found == held:
        return found
    if found is None and hint is None:  # a wall that answers 403 or 404 to everything looks like this, too
        raise DependencyDownError(
            f"{source.url} shows neither {LATEST} nor entry {held.sequence}, which was seen here",
            "check the address, and what stands between here and the store",
        )
    offered = "nothing" if found is None else f"another entry, for release {found.release_id},"
    raise OlderReleaseError(
        f"{source.url} has {offered} where entry {held.sequence}, for release {held.release_id}, was already seen here:"
        " an old copy was replayed, or the history was rewritten",
        "ask who runs the store; what is here stays in force",
    )


def _backward(source: Source, hint: LatestHint | None, held: HistoryEntry) -> str:
    if hint is None or hint.sequence >= held.sequence:
        return ""
    return (
        f"{source.url}/{LATEST} points back to entry {hint.sequence}, and {held.sequence} was already seen here: it"
        " lags or was replayed, and was not followed"
    )
