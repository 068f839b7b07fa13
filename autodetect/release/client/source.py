"""What a client reads from: any object store, or a plain web server in front of one."""

from collections.abc import Iterator
from typing import Protocol

from autodetect.errors import CorruptError


class Source(Protocol):
    """What a client asks for. Every `ObjectStore` is one; nobody vouches for what it gives.

    Besides what a method lists, both raise `UsageError` (no access, a request that cannot be answered) and
    `DependencyDownError` (no answer, or one that breaks off).

    Attributes:
        url: where it is, as a person would write it.
    """

    url: str

    def chunks(self, key: str) -> Iterator[bytes]:
        """Yield the object's bytes in pieces.

        Raises:
            ObjectMissingError: nothing is there; raised at the first piece.
        """
        ...

    def get_if_changed(self, key: str, etag: str | None) -> tuple[bytes, str] | None:
        """Return a small object's bytes and its ETag; None if it still has the ETag given.

        Raises:
            ObjectMissingError: nothing is there.
            CorruptError: it is too long to be asked for in this way.
        """
        ...


def read(source: Source, key: str, limit: int) -> bytes:
    """Return an object's bytes, `limit` of them at most.

    Raises:
        ObjectMissingError: nothing is there.
        CorruptError: it is longer.
    """
    return b"".join(bounded(source.chunks(key), limit, f"{source.url}/{key}"))


def bounded(chunks: Iterator[bytes], limit: int, place: str) -> Iterator[bytes]:
    """Yield the pieces until they come to more than `limit` bytes.

    Raises:
        CorruptError: they do; what is too much is not given on.
    """
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > limit:
            raise CorruptError(
                f"{place} is longer than the {limit:,} bytes that it may have", "tell who runs the store"
            )
        yield chunk
