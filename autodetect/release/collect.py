"""Collecting garbage: what no kept release names is removed from a store, beside publishers that go on.

Files go in the order manifests, signatures, objects: a manifest that is there has all its files, whenever this is
killed, and what is left of a release without a manifest is garbage to the next collection. Before a manifest
goes, a note that it was collected is written, so that a missing one is never taken for a lost one. The history stays.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from autodetect.errors import CorruptError
from autodetect.lake.objects import ObjectMissingError, ObjectStore
from autodetect.release.history import entries
from autodetect.release.kept import kept_releases, note_collected
from autodetect.release.layout import LATEST, MANIFESTS, OBJECTS, RECORDS, manifest_key
from autodetect.release.manifest import ManifestObject, load_manifest
from autodetect.release.under_way import collecting

_MANIFEST = re.compile(rf"{MANIFESTS}([0-9a-f]{{64}})\.json")
_SIGNATURES = re.compile(rf"{MANIFESTS}([0-9a-f]{{64}})\.sig")
_OBJECT = re.compile(rf"{OBJECTS}([0-9a-f]{{64}})")


@dataclass(frozen=True)
class Garbage:
    """What nothing kept names.

    Attributes:
        kept: ids of the releases that stay.
        sequence: the number of the entry in force; 0 in a store without history.
        releases: ids of those that were in force once and go.
        sizes: bytes of each file that goes, by key, in the order in which they go.
        unknown: keys that are named like nothing that a release store holds; they stay.
    """

    kept: frozenset[str]
    sequence: int
    releases: tuple[str, ...]
    sizes: dict[str, int]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Collected:
    """What a collection did.

    Attributes:
        garbage: what there was.
        removed: how many files of it are gone; fewer than there were, if it had to stop.
        unfinished: how many uploads that died halfway were dropped.
    """

    garbage: Garbage
    removed: int
    unfinished: int


def survey(store: ObjectStore, keep: int) -> Garbage:
    """Return what a collection would remove now; writes nothing.

    Beside a publisher, what it has sent and not yet committed is among it.

    Args:
        store: the release store.
        keep: as for `kept_releases`.

    Raises:
        CorruptError: the history is damaged, or the manifest of a kept release is damaged or missing: what it names
            cannot be told from garbage.
    """
    history = entries(store)
    kept = kept_releases(store, history, keep)
    named = {wanted.sha256 for release_id in sorted(kept) for wanted in _objects_of(store, release_id)}
    keys = list(store.list())
    manifests = _matching(_MANIFEST, keys)
    signatures = _matching(_SIGNATURES, keys)
    objects = _matching(_OBJECT, keys)
    doomed = [key for found in (manifests, signatures) for key, release_id in found.items() if release_id not in kept]
    doomed += [key for key, digest in objects.items() if digest not in named]
    known = manifests.keys() | signatures.keys() | objects.keys()
    return Garbage(
        kept=frozenset(kept),
        sequence=len(history),
        releases=tuple(sorted({entry.release_id for entry in history}.intersection(manifests.values()) - kept)),
        sizes={key: size for key in doomed if (size := _size(store, key)) is not None},
        unknown=tuple(key for key in keys if key not in known and not key.startswith((*RECORDS, LATEST))),
    )


def collect(store: ObjectStore, *, keep: int, grace: timedelta, clock: Callable[[], datetime]) -> Collected:
    """Remove from the store what no kept release names. Killed or stopped, it is run again for the rest.

    Args:
        store: the release store.
        keep: as for `kept_releases`.
        grace: what a publisher left unfinished longer ago is garbage; a younger one holds the collection back.
        clock: gives the time.

    Raises:
        CorruptError: as `survey` does; nothing was removed.
        DependencyDownError: somebody publishes or collects (nothing was removed), or the store does not answer.
    """
    with collecting(store, grace, clock) as may_go_on:
        garbage = survey(store, keep)
        given_up = {manifest_key(release_id): release_id for release_id in garbage.releases}
        removed = 0
        for key in garbage.sizes:
            if not may_go_on():
                break
            if key in given_up:
                note_collected(store, given_up[key], garbage.sequence)
            store.delete(key)
            removed += 1
        return Collected(garbage, removed, store.abort_unfinished(grace))


def _objects_of(store: ObjectStore, release_id: str) -> Iterable[ManifestObject]:
    try:
        return load_manifest(store, release_id).objects.values()
    except ObjectMissingError as error:
        raise CorruptError(
            f"{store.url}: the manifest of the release {release_id}, which is kept, is missing; nothing was removed",
            "restore it from a backup; if it is not in force, unpin it or keep fewer (--keep)",
        ) from error


def _matching(pattern: re.Pattern[str], keys: Iterable[str]) -> dict[str, str]:
    """Return the keys of this form with the digest in each."""
    return {key: match[1] for key in keys if (match := pattern.fullmatch(key))}


def _size(store: ObjectStore, key: str) -> int | None:
    """Return the file's size in bytes; None if it is gone meanwhile."""
    try:
        return store.size(key)
    except ObjectMissingError:
        return None
