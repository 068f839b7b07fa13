"""Bringing files into a release store: sent where they are not there yet, and always read back.

Hashing, sending and reading back overlap over a few threads; each of them holds one piece of one file at a time.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from autodetect.errors import CorruptError, UsageError
from autodetect.lake.archives import sha256_file
from autodetect.lake.objects import ObjectMissingError, ObjectStore
from autodetect.release.layout import object_key
from autodetect.release.manifest import ManifestObject

THREADS = 4

Item = TypeVar("Item")
Result = TypeVar("Result")


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
    return dict(zip([file.name for file in files], _in_threads(_describe, files), strict=True))


def upload(store: ObjectStore, files: Sequence[ReleaseFile], objects: Mapping[str, ManifestObject]) -> tuple[str, ...]:
    """Make sure that the store holds the files, each read back in full; return the names of those that were sent.

    The largest go first. After a failure nothing more is begun, what is under way comes to its end, and the failure is
    raised; what has arrived by then is found by the next try.

    Args:
        store: the release store.
        files: what it shall hold.
        objects: what `described` says of them.

    Raises:
        CorruptError: an object comes back with another digest.
        DependencyDownError: the store does not answer.
    """
    by_digest = {objects[file.name].sha256: file for file in files}  # two names for the same bytes are one object
    largest_first = sorted(by_digest.values(), key=lambda file: -objects[file.name].size)
    sent = _in_threads(lambda file: _upload(store, file, objects[file.name]), largest_first)
    new = {objects[file.name].sha256 for file, was_sent in zip(largest_first, sent, strict=True) if was_sent}
    return tuple(file.name for file in files if objects[file.name].sha256 in new)


def holds_object(store: ObjectStore, wanted: ManifestObject) -> bool:
    """Read an object back; return whether it is there with its size and digest."""
    digest, left = hashlib.sha256(), wanted.size
    try:
        for chunk in store.chunks(object_key(wanted.sha256)):
            left -= len(chunk)
            if left < 0:
                return False
            digest.update(chunk)
    except ObjectMissingError:
        return False
    return digest.hexdigest() == wanted.sha256


def _describe(file: ReleaseFile) -> ManifestObject:
    try:
        return ManifestObject(sha256=sha256_file(file.path), size=file.path.stat().st_size, media_type=file.media_type)
    except OSError as error:
        raise UsageError(f"{file.path} ('{file.name}') cannot be read: {error.strerror}", "make it first") from error


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


def _in_threads(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return the work's results in the items' order; the first failure is raised, and what has not begun is dropped."""
    pool = ThreadPoolExecutor(THREADS)
    try:
        begun = [pool.submit(work, item) for item in items]
        wait(begun, return_when=FIRST_EXCEPTION)
    finally:
        pool.shutdown(cancel_futures=True)
    return [future.result() for future in begun]  # those that were dropped come after the one that failed
