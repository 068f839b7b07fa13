"""Photos on their way into the network: read and decoded by threads, a little ahead of whoever embeds them."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from autodetect.embeddings.geometry import to_input
from autodetect.errors import CorruptError
from autodetect.photos.decode import decode

AHEAD = 3  # batches that wait at most: 32 inputs of 299 px are 9 MB


def network_inputs(
    digests: Sequence[str],
    read: Callable[[str], bytes],
    *,
    input_size: int,
    max_pixels: int,
    threads: int,
    batch_size: int,
) -> Iterator[NDArray[np.uint8]]:
    """Yield network inputs in the order of `digests`, uint8 (n, input_size, input_size, 3), `batch_size` at a time.

    Args:
        digests: photos that were found sound.
        read: sha256 -> bytes; called by several threads.
        input_size: side of the square, pixels.
        max_pixels: as they were examined with.
        threads: decoding and resizing leave the interpreter lock.
        batch_size: photos per yield; the last one may be smaller.

    Raises:
        CorruptError: a photo that was sound cannot be decoded any more.
    """

    def one(sha256: str) -> NDArray[np.uint8]:
        decoded = decode(read(sha256), max_pixels=max_pixels)
        if decoded.image is None:
            raise CorruptError(f"photo {sha256} was sound and is now {decoded.rule}", "restore it from a backup")
        return to_input(decoded.image, input_size)

    waiting: deque[Future[NDArray[np.uint8]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for sha256 in digests:
            waiting.append(pool.submit(one, sha256))
            if len(waiting) == AHEAD * batch_size:
                yield np.stack([waiting.popleft().result() for _ in range(batch_size)])
        while waiting:
            yield np.stack([waiting.popleft().result() for _ in range(min(batch_size, len(waiting)))])
