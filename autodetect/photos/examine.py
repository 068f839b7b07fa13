"""Many photos looked at: read by threads, decoded and hashed by processes, handed on in the order asked for."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from typing import TypeVar

from autodetect.lake.objects import ObjectMissingError
from autodetect.photos.decode import Decoded
from autodetect.photos.first_look import Look, look_at_all
from autodetect.photos.phash import Hashes
from autodetect.photos.texture import Texture
from autodetect.photos.workers import Workers

FEW = 64  # photos that are done before other processes would have started
READERS = 8  # threads that wait for the store while others decode
BLOCK = 8  # photos that a thread reads and holds, and that are looked at together: a fifth quicker than one by one

MISSING = "photo.missing"  # a rule of its own: the photo is looked at once it is there again

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Examined:
    """One photo: `size` in bytes, `decoded` without the image; the rest when it is readable and large enough."""

    sha256: str
    size: int
    decoded: Decoded
    hashes: Hashes | None = None
    texture: Texture | None = None


def examine_all(
    digests: Iterable[str],
    read: Callable[[str], bytes],
    *,
    processes: int,
    max_pixels: int,
    min_side: int,
) -> Iterator[Examined]:
    """Examine photos, in the order asked for.

    Args:
        digests: taken as they are needed; neither they nor any bytes are held all at once.
        read: sha256 -> bytes; called by several threads of this process, so it may hold an open connection.
        processes: how many look at photos; 0: as many as there are cores. With 1, and for few photos, this one does.
        max_pixels: a larger image is refused before it is decoded.
        min_side: pixels; a photo with a shorter side is not hashed.

    Yields:
        One `Examined` for each. A photo that ends the process that looks at it has the rule `photo.decoder_crashed`;
        one that the store no longer holds has `photo.missing`.

    Raises:
        StageFailedError: processes do not start.
        Exception: whatever `read` raises, when the turn of that photo, or of one up to `BLOCK` before it, comes.
    """
    remaining = iter(digests)
    first = list(islice(remaining, FEW))
    blocks, count = _blocks(chain(first, remaining)), processes or cores()

    def fetched(block: list[str]) -> list[tuple[str, bytes | None]]:
        return [(sha256, _read(sha256, read)) for sha256 in block]

    if count == 1 or len(first) < FEW:
        with closing(_ahead(fetched, blocks, threads=READERS, ahead=READERS)) as ready:
            for photos in ready:
                yield from _examined(photos, look_at_all(_bodies(photos), max_pixels=max_pixels, min_side=min_side))
        return

    with Workers(count, max_pixels=max_pixels, min_side=min_side) as workers:

        def examined(block: list[str]) -> list[Examined]:
            photos = fetched(block)
            return _examined(photos, workers.look(_bodies(photos)))

        threads = count + READERS
        with closing(_ahead(examined, blocks, threads=threads, ahead=4 * threads)) as done:
            for block in done:
                yield from block


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _ahead(
    work: Callable[[Item], Result], items: Iterable[Item], *, threads: int, ahead: int
) -> Generator[Result, None, None]:
    """Yield `work(item)` in order; threads do at most `ahead` of them before they are asked for."""
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) == ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _read(sha256: str, read: Callable[[str], bytes]) -> bytes | None:
    try:
        return read(sha256)
    except ObjectMissingError:
        return None


def _bodies(photos: Iterable[tuple[str, bytes | None]]) -> list[bytes]:
    return [data for _, data in photos if data is not None]


def _examined(photos: Iterable[tuple[str, bytes | None]], answers: Iterable[Look]) -> list[Examined]:
    """Return what was seen of each photo; one that the store has lost has the rule `photo.missing`."""
    seen = iter(answers)
    return [
        Examined(sha256, 0, Decoded(None, rule=MISSING)) if data is None else Examined(sha256, len(data), *next(seen))
        for sha256, data in photos
    ]


def _blocks(digests: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(digests)
    while block := list(islice(remaining, BLOCK)):
        yield block
