"""Is everything in a release store what it says it is? Changes nothing."""

import tempfile
from collections.abc import Container, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from autodetect.errors import CorruptError
from autodetect.lake.objects import ObjectMissingError, ObjectStore
from autodetect.records import Record
from autodetect.release.chain import Chain
from autodetect.release.files import fetched
from autodetect.release.history import HistoryEntry, LatestHint, read_entry, sequences
from autodetect.release.kept import collected_for_good
from autodetect.release.layout import (
    COLLECTED,
    HISTORY,
    LATEST,
    MANIFESTS,
    OBJECTS,
    RECORDS,
    history_key,
    manifest_key,
    object_key,
    signatures_key,
)
from autodetect.release.manifest import Manifest, ManifestObject, decode, load_manifest
from autodetect.release.signing import PublicKey
from autodetect.release.upload import holds_object

READERS = 4  # objects are read by so many threads


class Problem(Record):
    """Something in the store that is not as it should be."""

    key: str
    reason: str


class Examination(Record):
    """What a look through a store found.

    `problems` are what is wrong; `notes` what a person may want to know: files that nothing names, releases that were
    collected, signatures that were not judged. `releases` are those whose every byte was read.
    """

    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    releases: tuple[str, ...]


def verify(store: ObjectStore, release_id: str | None = None, *, trusted: PublicKey | None = None) -> list[Problem]:
    """Return what is wrong with the store; an empty list if nothing is. See `examined`."""
    return list(examined(store, release_id, trusted=trusted).problems)


def examined(store: ObjectStore, release_id: str | None = None, *, trusted: PublicKey | None = None) -> Examination:
    """Look through the store.

    Checked are the hint, the whole history (no number missing, every entry sound, signed and naming a sound and signed
    manifest), and of the release asked for every byte, and whether its files say the same as its manifest. Of releases
    that were collected, entries are all that is left, and all that is asked for.

    Args:
        store: the release store.
        release_id: the release whose objects are read; None reads those of every release in the history.
        trusted: the store's first key, or one that a rotation brought in. None: signatures are looked for, and not
            judged.

    Raises:
        DependencyDownError: the store does not answer.
    """
    try:
        numbers = sequences(store)
    except CorruptError as error:
        return Examination(problems=(Problem(key=HISTORY, reason=error.what),), notes=(), releases=())
    problems: list[Problem] = []
    history = list(_sound_entries(store, numbers, problems))
    problems += _hint_problems(store, history)
    chain = Chain.of(history, trusted, store.url)
    problems += [Problem(key=history_key(number), reason=reason) for number, reason in chain.problems.items()]
    gone = _gone(store, history, problems)
    wanted = dict.fromkeys(entry.release_id for entry in history if entry.release_id not in gone)
    if release_id is not None:
        wanted |= {release_id: None}
    manifests = dict(_sound_manifests(store, wanted, problems))
    problems += _signature_problems(store, manifests, chain)
    problems += _order_problems(manifests, {entry.release_id for entry in history})
    asked = {key: manifests[key] for key in manifests if release_id in (None, key)}
    broken = {problem.key: problem for problem in _object_problems(store, asked.values())}
    problems += broken.values()
    for each, manifest in asked.items():
        problems += _contradictions(store, each, manifest, broken.keys())
    legible = len(history) == len(numbers) and manifests.keys() == wanted.keys()
    notes = [*chain.notes, *_notes(store, manifests, gone, legible=legible)]
    return Examination(problems=tuple(problems), notes=tuple(notes), releases=tuple(asked))


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
    known = {entry.sequence: entry for entry in history}
    try:
        named = known.get(hint.sequence) or read_entry(store, hint.sequence)  # committed since the history was listed
    except CorruptError:
        named = None
    if named is not None and named.release_id == hint.release_id:
        return []
    return [Problem(key=LATEST, reason=f"names entry {hint.sequence} with another release than the history")]


def _gone(store: ObjectStore, history: list[HistoryEntry], problems: list[Problem]) -> set[str]:
    try:
        return collected_for_good(store, history)
    except CorruptError as error:
        problems.append(Problem(key=COLLECTED, reason=error.what))
        return set()


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


def _signature_problems(store: ObjectStore, manifests: Mapping[str, Manifest], chain: Chain) -> Iterator[Problem]:
    for release_id, manifest in manifests.items():
        if words := chain.manifest_problem(store, release_id, manifest.channel):
            yield Problem(key=signatures_key(release_id), reason=words)


def _order_problems(manifests: Mapping[str, Manifest], committed: set[str]) -> Iterator[Problem]:
    """Yield the releases that follow one which never was in force."""
    for release_id, manifest in manifests.items():
        before = manifest.previous_release
        if before is not None and before not in committed:
            reason = f"follows the release {before[:16]}, which is not in the history"
            yield Problem(key=manifest_key(release_id), reason=reason)


def _object_problems(store: ObjectStore, manifests: Iterable[Manifest]) -> Iterator[Problem]:
    wanted = {each: name for manifest in manifests for name, each in manifest.objects.items()}
    with ThreadPoolExecutor(READERS) as pool:
        for (each, name), flaw in zip(wanted.items(), pool.map(partial(_flaw, store), wanted), strict=True):
            if flaw:
                yield Problem(key=object_key(each.sha256), reason=f"'{name}' {flaw}")


def _flaw(store: ObjectStore, wanted: ManifestObject) -> str:
    """Read an object in full; return what is wrong with it, in words, or an empty text."""
    if holds_object(store, wanted):
        return ""
    try:
        size = store.size(object_key(wanted.sha256))
    except ObjectMissingError:
        return "is missing"
    if size != wanted.size:
        return f"has {size:,} bytes instead of {wanted.size:,}"
    return f"is damaged: its {size:,} bytes are not those that its digest names"


def _contradictions(
    store: ObjectStore, release_id: str, manifest: Manifest, broken: Container[str]
) -> Iterator[Problem]:
    """Yield the sound files of a release that say otherwise than its manifest."""
    from autodetect.release.consistency import READ, contradictions  # the readers of its files bring pyarrow along

    keys = {name: object_key(each.sha256) for name, each in manifest.objects.items() if name in READ}
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for name in (name for name, key in keys.items() if key not in broken):
            try:
                files[name] = fetched(store, manifest, name, Path(folder))
            except CorruptError as error:  # it went or changed since it was read
                yield Problem(key=keys[name], reason=error.what)
        for name, words in contradictions(manifest, files).items():
            yield Problem(key=keys[name], reason=f"'{name}' of the release {release_id[:16]}: {words}")


def _notes(store: ObjectStore, manifests: Mapping[str, Manifest], gone: set[str], *, legible: bool) -> Iterator[str]:
    """Yield what is in the store besides what the history names, as far as it and its manifests can be read."""
    named = {object_key(each.sha256) for manifest in manifests.values() for each in manifest.objects.values()}
    named |= {LATEST, *map(manifest_key, {*manifests, *gone}), *map(signatures_key, {*manifests, *gone})}
    unnamed = [key for key in store.list() if key not in named and not key.startswith(RECORDS)]
    leftovers = [key for key in unnamed if key.startswith((OBJECTS, MANIFESTS))]
    if gone:
        yield f"{len(gone)} earlier releases were collected; their entries are all that is left of them"
    if leftovers and legible:
        yield f"{len(leftovers)} objects or manifests belong to no release that is kept, such as {leftovers[0]}"
    yield from (f"{key} is nothing that a release store has" for key in unnamed if key not in leftovers)
