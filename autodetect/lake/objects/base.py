"""What every object store does, and what it raises."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from autodetect.errors import AutoDetectError, CorruptError, UsageError
from autodetect.lake.objects.durable import PARTIAL_PREFIX, write_file

MAX_KEY_BYTES = 900  # S3 allows 1,024 with the store's prefix
MAX_NAME_BYTES = 240  # common file systems allow 255
MAX_POLLED_BYTES = 1 << 16  # nobody fills the memory of whoever asks for news


class ObjectMissingError(AutoDetectError):
    """The store answers, but has nothing under this key."""

    exit_code = 1


class ObjectStore(ABC):
    """Bytes under keys such as `history/7.json`, in a folder or in an S3 bucket.

    A write is whole or absent. Besides what a method lists, every method raises `UsageError` (a key that could leave
    the store, no access, no such bucket) and `DependencyDownError` (the store does not answer, or the disk failed).

    Attributes:
        url: where the store is, as a person would write it.
    """

    url: str

    @abstractmethod
    def chunks(self, key: str) -> Iterator[bytes]:
        """Yield the object's bytes in pieces.

        Raises:
            ObjectMissingError: nothing is there; raised at the first piece.
        """

    @abstractmethod
    def put(self, key: str, data: bytes) -> None:
        """Store the bytes, replacing what was there in one step."""

    @abstractmethod
    def put_file(self, key: str, path: Path) -> None:
        """Store the file's bytes, replacing what was there in one step."""

    @abstractmethod
    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Store the bytes unless the key exists; True for the one caller whose bytes are there now."""

    @abstractmethod
    def size(self, key: str) -> int:
        """Return the object's size in bytes.

        Raises:
            ObjectMissingError: nothing is there.
        """

    @abstractmethod
    def list(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys that start with the prefix, in order of their code points."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove the object; it is fine if nothing is there."""

    def get(self, key: str) -> bytes:
        """Return the object's bytes.

        Raises:
            ObjectMissingError: nothing is there.
        """
        return b"".join(self.chunks(key))

    def get_if_changed(self, key: str, etag: str | None) -> tuple[bytes, str] | None:
        """Return a small object's bytes and their tag; None if the tag is still `etag`.

        A tag means something only to the store that gave it. None asks for the bytes in any case.

        Raises:
            ObjectMissingError: nothing is there.
            CorruptError: it is longer than `MAX_POLLED_BYTES`.
        """
        data = polled(self.chunks(key), f"{self.url}/{key}")
        tag = hashlib.sha256(data).hexdigest()
        return None if tag == etag else (data, tag)

    def exists(self, key: str) -> bool:
        """Return whether something is stored under the key."""
        try:
            self.size(key)
        except ObjectMissingError:
            return False
        return True

    def download(self, key: str, path: Path) -> None:
        """Put the object's bytes into a file, which is whole or as it was.

        Raises:
            ObjectMissingError: nothing is there.
            OSError: the file cannot be written.
        """
        write_file(path, self.chunks(key))

    def abort_unfinished(self, older_than: timedelta) -> int:  # noqa: ARG002 - a store that leaves something behind looks
        """Remove what writers that died longer ago left unfinished; return how much there was of it.

        A writer that still works on something older loses it: give more time than the longest upload takes.
        """
        return 0

    def local_path(self, key: str) -> Path | None:  # noqa: ARG002 - a store on this machine answers
        """Return where the object lies on this machine, for reading without a copy; None if it is elsewhere."""
        return None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"


def polled(chunks: Iterator[bytes], place: str) -> bytes:
    """Return the bytes in these pieces.

    Raises:
        CorruptError: they come to more than `MAX_POLLED_BYTES`.
    """
    data = b""
    for chunk in chunks:
        data += chunk
        if len(data) > MAX_POLLED_BYTES:
            raise CorruptError(
                f"{place} is longer than the {MAX_POLLED_BYTES:,} bytes that it may have", "tell who runs the store"
            )
    return data


def checked_key(key: str) -> str:
    """Return the key as it is.

    Raises:
        UsageError: it is empty, too long, could leave the store, or would be hidden from `list`.
    """
    names = key.split("/")
    if not key or any(name in {"", ".", ".."} for name in names):
        raise _refused(key, "it is empty, absolute, or has an empty, '.' or '..' part")
    if any(name.startswith(PARTIAL_PREFIX) for name in names):
        raise _refused(key, f"names that start with '{PARTIAL_PREFIX}' belong to unfinished writes")
    if not key.isprintable() or "\\" in key:
        raise _refused(key, "it holds a backslash or an unprintable character")
    if len(key.encode()) > MAX_KEY_BYTES or any(len(name.encode()) > MAX_NAME_BYTES for name in names):
        raise _refused(key, f"it is longer than {MAX_KEY_BYTES} bytes, or a part of it than {MAX_NAME_BYTES}")
    return key


def checked_prefix(prefix: str) -> str:
    """Return the prefix as it is.

    Raises:
        UsageError: no key could start with it.
    """
    if prefix.rstrip("/"):
        checked_key(prefix.rstrip("/"))
    return prefix


def _refused(key: str, why: str) -> UsageError:
    return UsageError(f"{key[:200]!r} cannot be an object's key: {why}", "use names joined by '/', such as 'a/b.json'")
