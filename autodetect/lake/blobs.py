"""Content-addressed bytes of the lake: photos and model files by their SHA-256, written once and never changed."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from autodetect.errors import CorruptError
from autodetect.lake.archives import sha256_file
from autodetect.lake.objects import ObjectStore


class BlobStore:
    """Blobs as objects `<room>/<first two digits>/<sha256>`.

    Args:
        objects: where they are kept.
        room: `photos` or `artifacts` (models, packages, price files: what a release is made of).
    """

    def __init__(self, objects: ObjectStore, room: str) -> None:
        self._objects = objects
        self._room = room

    def put(self, data: bytes) -> str:
        """Keep bytes (atomic; what is held is not written again) and return their SHA-256."""
        sha256 = hashlib.sha256(data).hexdigest()
        if not self.has(sha256):
            self._objects.put(self._key(sha256), data)
        return sha256

    def put_file(self, path: Path) -> str:
        """Keep a file's content and return its SHA-256."""
        sha256 = sha256_file(path)
        if not self.has(sha256):
            self._objects.put_file(self._key(sha256), path)
        return sha256

    def has(self, sha256: str) -> bool:
        """Return whether the store holds it."""
        return self._objects.exists(self._key(sha256))

    def missing(self, digests: Iterable[str]) -> list[str]:
        """Return those digests that the store does not hold."""
        return [sha256 for sha256 in digests if not self.has(sha256)]

    def read(self, sha256: str) -> bytes:
        """Return the bytes.

        Raises:
            CorruptError: the bytes on disk no longer have that digest.
            ObjectMissingError: the store does not hold it.
        """
        data = self._objects.get(self._key(sha256))
        self._check(sha256, hashlib.sha256(data).hexdigest())
        return data

    def fetch(self, sha256: str, path: Path) -> Path:
        """Copy the content to a local file, checked; raises as `read` does."""
        self._objects.download(self._key(sha256), path)
        try:
            self._check(sha256, sha256_file(path))
        except CorruptError:
            path.unlink()  # nobody may take it for the content
            raise
        return path

    def _key(self, sha256: str) -> str:
        return f"{self._room}/{sha256[:2]}/{sha256}"

    def _check(self, sha256: str, found: str) -> None:
        if found != sha256:
            raise CorruptError(
                f"{self._objects.url}/{self._key(sha256)} has changed: its SHA-256 is now {found}",
                "restore it from a backup",
            )
