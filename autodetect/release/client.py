"""What a phone does to get a release: fetch what is new, check every byte, switch in one step, never go back in time.

Layout of the cache folder: `objects/<sha256>`, `manifests/<release_id>.json`, `current.json`, the history's entry that
is in force here, and `sync.lock`, which lets one process at a time bring in a release.
"""

import fcntl
import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autodetect.errors import CorruptError, DependencyDownError, UsageError
from autodetect.lake.archives import sha256_file
from autodetect.lake.objects import ObjectMissingError, ObjectStore
from autodetect.lake.objects.durable import make_folder, partial_file, sync_file, sync_folder, write_file
from autodetect.release.history import HistoryEntry, manifest_of, newest
from autodetect.release.layout import object_key
from autodetect.release.manifest import Manifest, ManifestObject, decode, encode, release_id


class OlderReleaseError(CorruptError):
    """The store shows an older or other history than this client has seen: it was replayed or rewritten."""


@dataclass(frozen=True)
class SyncedRelease:
    """A release on this machine, every wanted file of it checked.

    Attributes:
        folder: the cache folder.
        manifest: what the release says about itself.
        entry: the history's entry that put it into force; `entry.expired(now)` tells one that has become too old.
        fetched: names of the files that were downloaded this time.
        offline: the store did not answer, so this is the last release that was fetched.
    """

    folder: Path
    manifest: Manifest
    entry: HistoryEntry
    fetched: tuple[str, ...] = ()
    offline: bool = False

    @property
    def sequence(self) -> int:
        """Return the number of the release in the store's history."""
        return self.entry.sequence

    @property
    def release_id(self) -> str:
        """Return the release's identity."""
        return self.entry.release_id

    def path(self, name: str) -> Path:
        """Return where the file of this name is on this machine.

        Raises:
            UsageError: the release has no such file, or it was not among those wanted.
        """
        wanted = _object(self.manifest, name)
        path = _object_path(self.folder, wanted)
        if not path.is_file():
            raise UsageError(f"'{name}' of release {self.release_id} was not fetched into {self.folder}", "sync it")
        return path


def sync(
    store: ObjectStore, folder: Path, wanted: Collection[str] | None = None, *, optional: Collection[str] = ()
) -> SyncedRelease:
    """Bring the newest release into `folder` and return it; files that are there already are not fetched again.

    Args:
        store: the release store.
        folder: the cache folder; several processes may share one.
        wanted: names of the files to fetch; None fetches all.
        optional: names of files to fetch where the release has them.

    Raises:
        DependencyDownError: the store does not answer and no release was fetched before.
        OlderReleaseError: the store's newest release is older than the one here, which stays in force.
        CorruptError: something in the store or the cache is not what its digest says; what was in force stays so.
        UsageError: the store holds no release, or the release has no file of a wanted name.
    """
    with _alone(folder):
        return _sync(store, folder, wanted, optional)


def _sync(store: ObjectStore, folder: Path, wanted: Collection[str] | None, optional: Collection[str]) -> SyncedRelease:
    held = current(folder)
    try:
        entry = newest(store)
        if entry is None or (held is not None and _is_older(entry, held.entry)):
            raise _older(store, entry, held)
        manifest = manifest_of(store, entry)
        fetched = _fetch(store, folder, manifest, _names(manifest, wanted, optional))
    except DependencyDownError:
        if held is None or not _complete(held, _names(held.manifest, wanted, optional)):
            raise
        return SyncedRelease(folder, held.manifest, held.entry, offline=True)
    write_file(_manifest_path(folder, entry), [encode(manifest)])
    write_file(folder / "current.json", [encode(entry)])
    synced = SyncedRelease(folder, manifest, entry, fetched)
    _forget_others(folder, [synced] if held is None else [synced, held])
    return synced


def current(folder: Path) -> SyncedRelease | None:
    """Return the release in force in a cache folder without asking any store; None if there is none.

    Raises:
        CorruptError: the cache is damaged.
    """
    try:
        entry = decode(HistoryEntry, (folder / "current.json").read_bytes(), str(folder / "current.json"))
    except FileNotFoundError:
        return None
    path = _manifest_path(folder, entry)
    try:
        manifest = decode(Manifest, path.read_bytes(), str(path))
    except FileNotFoundError as error:
        raise CorruptError(f"{path} is missing", f"remove {folder} and sync again") from error
    if release_id(manifest) != entry.release_id:
        raise CorruptError(f"{path} is not what its name says", f"remove {folder} and sync again")
    return SyncedRelease(folder, manifest, entry)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the cache's lock; the system frees it when the process ends, however it ends."""
    make_folder(folder)
    with (folder / "sync.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_older(entry: HistoryEntry, held: HistoryEntry) -> bool:
    rewritten = entry.sequence == held.sequence and entry.release_id != held.release_id
    return entry.sequence < held.sequence or rewritten


def _older(
    store: ObjectStore, entry: HistoryEntry | None, held: SyncedRelease | None
) -> UsageError | OlderReleaseError:
    if held is None:
        return UsageError(f"{store.url} holds no release", "publish one first: `autodetect nightly`")
    offered = "no release" if entry is None else f"release {entry.release_id} as entry {entry.sequence}"
    return OlderReleaseError(
        f"{store.url} offers {offered}, but {held.release_id} was already seen here as entry {held.sequence}",
        f"ask who runs the store; to start over with it, remove {held.folder}",
    )


def _names(manifest: Manifest, wanted: Collection[str] | None, optional: Collection[str]) -> list[str]:
    if wanted is None:
        return sorted(manifest.objects)
    return sorted({*wanted, *(name for name in optional if name in manifest.objects)})


def _fetch(store: ObjectStore, folder: Path, manifest: Manifest, names: list[str]) -> tuple[str, ...]:
    fetched = []
    for name in names:
        described = _object(manifest, name)
        path = _object_path(folder, described)
        if not _is_sound(path, described):
            _fetch_one(store, name, described, path)
            fetched.append(name)
    return tuple(fetched)


def _fetch_one(store: ObjectStore, name: str, described: ManifestObject, path: Path) -> None:
    """Download an object and put it in place once its digest is right; at most its size is written."""
    digest, size = hashlib.sha256(), 0
    try:
        with partial_file(path.parent) as (partial, file):
            for chunk in store.chunks(object_key(described.sha256)):
                digest.update(chunk)
                size += len(chunk)
                if size > described.size:
                    break
                file.write(chunk)
            if (size, digest.hexdigest()) != (described.size, described.sha256):
                raise CorruptError(
                    f"{store.url} gave other bytes for '{name}' than its digest names", "sync again later"
                )
            sync_file(file)
            partial.replace(path)
    except ObjectMissingError as error:
        raise CorruptError(f"{store.url} lacks '{name}' of its newest release", "tell who runs the store") from error
    sync_folder(path.parent)


def _complete(held: SyncedRelease, names: list[str]) -> bool:
    described = [held.manifest.objects.get(name) for name in names]
    return all(each is not None and _is_sound(_object_path(held.folder, each), each) for each in described)


def _forget_others(folder: Path, releases: list[SyncedRelease]) -> None:
    """Remove what neither the new nor the replaced release names; readers of the replaced one may still run."""
    kept = {_object_path(folder, each) for release in releases for each in release.manifest.objects.values()}
    kept |= {_manifest_path(folder, release.entry) for release in releases}
    for path in sorted([*(folder / "objects").glob("*"), *(folder / "manifests").glob("*")]):
        if path not in kept:
            path.unlink(missing_ok=True)


def _is_sound(path: Path, wanted: ManifestObject) -> bool:
    return path.is_file() and path.stat().st_size == wanted.size and sha256_file(path) == wanted.sha256


def _object(manifest: Manifest, name: str) -> ManifestObject:
    if name not in manifest.objects:
        raise UsageError(f"the release has no file '{name}'", f"it has: {', '.join(sorted(manifest.objects))}")
    return manifest.objects[name]


def _object_path(folder: Path, wanted: ManifestObject) -> Path:
    return folder / "objects" / wanted.sha256


def _manifest_path(folder: Path, entry: HistoryEntry) -> Path:
    return folder / "manifests" / f"{entry.release_id}.json"
