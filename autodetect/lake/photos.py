"""The photo store: image bytes by their SHA-256, written once and never changed."""

import hashlib
from collections.abc import Iterable

from autodetect.errors import CorruptError
from autodetect.lake.objects import ObjectStore


class PhotoStore:
    """Photos as content-addressed objects `photos/<first two digits>/<sha256>` of the lake."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def put(self, data: bytes) -> str:
        """Keep a photo's bytes (atomic; a photo already held is not written again) and return its SHA-256."""
        sha256 = hashlib.sha256(data).hexdigest()
        if not self._objects.exists(_key(sha256)):
            self._objects.put(_key(sha256), data)
        return sha256

    def read(self, sha256: str) -> bytes:
        """Return a photo's bytes.

        Raises:
            CorruptError: the bytes on disk no longer have that digest.
            ObjectMissingError: no such photo.
        """
        data = self._objects.get(_key(sha256))
        if hashlib.sha256(data).hexdigest() != sha256:
            raise CorruptError(
                f"photo {sha256} has changed on disk", "restore it from a backup, or delete it to crawl it again"
            )
        return data

    def missing(self, digests: Iterable[str]) -> list[str]:
        """Return those digests that the store does not hold."""
        return [sha256 for sha256 in digests if not self._objects.exists(_key(sha256))]


def _key(sha256: str) -> str:
    return f"photos/{sha256[:2]}/{sha256}"
