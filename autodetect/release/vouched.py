"""A release that a person points at, taken only if the store's keys vouch for it."""

from collections.abc import Sequence

from autodetect.errors import UsageError
from autodetect.lake.objects import ObjectMissingError, ObjectStore
from autodetect.release.chain import broken_links
from autodetect.release.history import HistoryEntry
from autodetect.release.layout import history_key
from autodetect.release.manifest import Manifest
from autodetect.release.signed import signed_manifest
from autodetect.release.signing import ForgedError, PublicKey
from autodetect.release.trust import key_in_force


def vouched_manifest(
    store: ObjectStore, history: Sequence[HistoryEntry], release_id: str, trusted: PublicKey
) -> Manifest:
    """Return the manifest of a release that was in force once; its entry, what followed and its signature are checked.

    Args:
        store: the release store.
        history: its whole history, oldest first.
        release_id: the release.
        trusted: the store's first key, or one that a rotation before that entry brought in.

    Raises:
        UsageError: it was never in force, is from before the trusted key, or was collected since.
        ForgedError: entry or manifest were changed, or signed by another key.
        CorruptError: the manifest is damaged.
    """
    named = [entry for entry in history if entry.release_id == release_id]
    if not named:
        raise UsageError(f"the release {release_id} was never in force in {store.url}", "see `autodetect release list`")
    for sequence, words in broken_links(history).items():
        raise ForgedError(
            f"{store.url}/{history_key(sequence)} {words}", "take nothing from this store; restore it from a backup"
        )
    came_in = next((each.sequence for each in history if each.new_key and each.new_key.is_same(trusted)), 1)
    if named[-1].sequence < came_in:
        raise UsageError(
            f"the release {release_id[:16]} is from before entry {came_in} brought in the trusted key {trusted.key_id}",
            "name the store's first key in release.trusted_key: all later ones follow from it",
        )
    for entry in (history[-1], named[-1]):
        key = key_in_force(entry, lambda number: history[number - 1], trusted, store.url)
    try:
        return signed_manifest(store, release_id, key)
    except ObjectMissingError as error:
        raise UsageError(
            f"{store.url} does not hold the release {release_id} any more: it was collected",
            "see `autodetect release list`; `autodetect release pin` keeps one",
        ) from error
