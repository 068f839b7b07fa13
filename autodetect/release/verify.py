"""Is everything in a release store what it says it is? Changes nothing."""

from collections.abc import Iterable, Iterator

from autodetect.errors import CorruptError
from autodetect.lake.objects import ObjectMissingError, ObjectStore
from autodetect.records import Record
from autodetect.release.history import HistoryEntry, LatestHint, read_entry, sequences
from autodetect.release.layout import LATEST, history_key, manifest_key, object_key
from autodetect.release.manifest import Manifest, ManifestObject, decode, load_manifest
from autodetect.release.upload import holds_object


class Problem(Record):
    """Something in the store that is not as it should be."""

    key: str
    reason: str


def verify(store: ObjectStore, release_id: str | None = None) -> list[Problem]:
    """Return what is wrong with the store; an empty list if nothing is.

    Checked are the hint, the whole history (no number missing, every entry sound and naming a sound manifest), and by
    size and digest the objects of the release asked for.

    Args:
        store: the release store.
        release_id: the release whose objects are read; None reads those of every release in the history.

    Raises:
        DependencyDownError: the store does not answer.
    """
    try:
        numbers = sequences(store)
    except CorruptError as error:
        return [Problem(key="history", reason=error.what)]
    problems: list[Problem] = []
    history = list(_sound_entries(store, numbers, problems))
    problems += _hint_problems(store, history)
    wanted = dict.fromkeys(entry.release_id for entry in history)
    if release_id is not None:
        wanted |= {release_id: None}
    manifests = dict(_sound_manifests(store, wanted, problems))
    asked = manifests if release_id is None else {key: manifests[key] for key in manifests if key == release_id}
    return problems + list(_object_problems(store, asked.values()))


def _sound_entries(store: ObjectStore, numbers: list[int], problems: list[Problem]) -> Iterator[HistoryEntry]:
    present = set(numbers)
    for sequence in range(1, max(numbers, default=0) + 1):
        if sequence not in present:
            problems.append(Problem(key=history_key(sequence), reason="missing, though later entries exist"))
            continue
        try:
            entry = read_entry(store, sequence)
        except CorruptError as error:
            problems.append(Problem(key=history_key(sequence), reason=error.what))
            continue
        if entry is not None:
            yield entry


def _hint_problems(store: ObjectStore, history: list[HistoryEntry]) -> list[Problem]:
    """A hint behind the history is harmless; one that is ahead of it or contradicts it is not."""
    try:
        hint = decode(LatestHint, store.get(LATEST), f"{store.url}/{LATEST}")
    except ObjectMissingError:
        return []
    except CorruptError as error:
        return [Problem(key=LATEST, reason=error.what)]
    if any(entry.sequence == hint.sequence and entry.release_id == hint.release_id for entry in history):
        return []
    return [Problem(key=LATEST, reason=f"names entry {hint.sequence} with another release than the history")]


def _sound_manifests(
    store: ObjectStore, release_ids: Iterable[str], problems: list[Problem]
) -> Iterator[tuple[str, Manifest]]:
    for release_id in release_ids:
        try:
            yield release_id, load_manifest(store, release_id)
        except ObjectMissingError:
            problems.append(Problem(key=manifest_key(release_id), reason="missing"))
        except CorruptError as error:
            problems.append(Problem(key=manifest_key(release_id), reason=error.what))


def _object_problems(store: ObjectStore, manifests: Iterable[Manifest]) -> Iterator[Problem]:
    checked: dict[ManifestObject, bool] = {}
    for manifest in manifests:
        for name, wanted in manifest.objects.items():
            if wanted not in checked:
                checked[wanted] = holds_object(store, wanted)
                if not checked[wanted]:
                    reason = f"'{name}' is missing or not the {wanted.size:,} bytes that its digest names"
                    yield Problem(key=object_key(wanted.sha256), reason=reason)
