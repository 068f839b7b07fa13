"""A release that lies in a cache folder, checked."""

from dataclasses import dataclass
from pathlib import Path

from autodetect.errors import UsageError
from autodetect.lake.archives import sha256_file
from autodetect.release.history import HistoryEntry
from autodetect.release.manifest import Manifest, ManifestObject


@dataclass(frozen=True)
class SyncedRelease:
    """A release on this machine, every wanted file of it checked.

    Attributes:
        folder: the cache folder.
        manifest: what the release says about itself; signed.
        entry: the history's entry that put it into force; signed.
        fetched: names of the files that were downloaded this time.
        fetched_bytes: their sizes together.
        offline: the store could not be read, so this is the last release that was fetched.
        expired: the entry is past its time: nothing was published since, or the store is kept from telling.
        warnings: what a person should know about this sync, in words.
    """

    folder: Path
    manifest: Manifest
    entry: HistoryEntry
    fetched: tuple[str, ...] = ()
    fetched_bytes: int = 0
    offline: bool = False
    expired: bool = False
    warnings: tuple[str, ...] = ()

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
        path = object_path(self.folder, described(self.manifest, name))
        if not path.is_file():
            raise UsageError(f"'{name}' of release {self.release_id} was not fetched into {self.folder}", "sync it")
        return path


def described(manifest: Manifest, name: str) -> ManifestObject:
    """Return what the manifest says of a file.

    Raises:
        UsageError: the release has no such file.
    """
    if name not in manifest.objects:
        raise UsageError(f"the release has no file '{name}'", f"it has: {', '.join(sorted(manifest.objects))}")
    return manifest.objects[name]


def object_path(folder: Path, wanted: ManifestObject) -> Path:
    """Return where an object lies in a cache folder."""
    return folder / "objects" / wanted.sha256


def is_sound(path: Path, wanted: ManifestObject) -> bool:
    """Return whether the file is there with its size and digest."""
    return path.is_file() and path.stat().st_size == wanted.size and sha256_file(path) == wanted.sha256
