"""Bringing files into a release store: sent where they are not there yet, and always read back."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autodetect.errors import CorruptError, UsageError
from autodetect.lake.archives import sha256_file
from autodetect.lake.objects import ObjectMissingError, ObjectStore
from autodetect.release.layout import object_key
from autodetect.release.manifest import ManifestObject


@dataclass(frozen=True)
class ReleaseFile:
    """A file that goes into a release under `name`."""

    name: str
    path: Path
    media_type: str


def described(files: Sequence[ReleaseFile]) -> dict[str, ManifestObject]:
    """Return what a manifest says of the files, by name.

    Raises:
        UsageError: a file cannot be read.
    """
    found = {}
    for file in files:
        try:
            found[file.name] = ManifestObject(
                sha256=sha256_file(file.path), size=file.path.stat().st_size, media_type=file.media_type
            )
        except OSError as error:
            raise UsageError(
                f"{file.path} ('{file.name}') cannot be read: {error.strerror}", "make it first"
            ) from error
    return found


def upload(store: ObjectStore, files: Sequence[ReleaseFile], objects: Mapping[str, ManifestObject]) -> tuple[str, ...]:
    """Make sure that the store holds the files, each read back in full; return the names of those that were sent.

    Args:
        store: the release store.
        files: what it shall hold.
        objects: what `described` says of them.

    Raises:
        CorruptError: an object comes back with another digest.
        DependencyDownError: the store does not answer.
    """
    return tuple(file.name for file in files if _upload(store, file, objects[file.name]))


def holds_object(store: ObjectStore, wanted: ManifestObject) -> bool:
    """Read an object back; return whether it is there with its size and digest."""
    key = object_key(wanted.sha256)
    try:
        if store.size(key) != wanted.size:
            return False
        digest = hashlib.sha256()
        for chunk in store.chunks(key):
            digest.update(chunk)
    except ObjectMissingError:
        return False
    return digest.hexdigest() == wanted.sha256


def _upload(store: ObjectStore, file: ReleaseFile, wanted: ManifestObject) -> bool:
    """Make sure that the store holds the file; return whether it had to be sent."""
    if holds_object(store, wanted):
        return False
    store.put_file(object_key(wanted.sha256), file.path)
    if not holds_object(store, wanted):
        raise CorruptError(
            f"{store.url} gave back other bytes than were sent for '{file.name}', or {file.path} changed meanwhile",
            "run again; if it happens again, check the store's disks and the network",
        )
    return True
