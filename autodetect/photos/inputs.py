"""Photos on their way into the network: read and decoded by threads, a little ahead of whoever embeds them."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from autodetect.embeddings.geometry import Geometry, to_input
from autodetect.errors import CorruptError
from autodetect.photos.decode import decode
from autodetect.photos.street import STREET, street

PLAIN, MIRROR = "plain", "mirror"  # the third `view` is `STREET`
VIEWS = (PLAIN, MIRROR, STREET)
AHEAD = 3  # batches that wait at most: 32 inputs of 299 px are 9 MB


def network_inputs(
    digests: Sequence[str],
    read: Callable[[str], bytes],
    *,
    input_size: int,
    max_pixels: int,
    threads: int,
    batch_size: int,
    geometry: Geometry = "squash",
    view: str = PLAIN,
) -> Iterator[NDArray[np.uint8]]:
    """Yield network inputs in the order of `digests`, uint8 (n, input_size, input_size, 3), `batch_size` at a time.

    Args:
        digests: photos that were found sound.
        read: sha256 -> bytes; called by several threads.
        input_size: side of the square, pixels.
        max_pixels: as they were examined with.
        threads: decoding and resizing leave the interpreter lock.
        batch_size: photos per yield; the last one may be smaller.
        geometry: the backbone's.
        view: `plain`; `mirror`, left and right exchanged; or `STREET`, as a phone would see the photo.

    Raises:
        CorruptError: a photo that was sound cannot be decoded any more.
        ValueError: no such view.
    """
    if view not in VIEWS:
        raise ValueError(f"no view is called {view!r}; there are {', '.join(VIEWS)}")

    def one(sha256: str) -> NDArray[np.uint8]:
        decoded = decode(read(sha256), max_pixels=max_pixels)
        if decoded.image is None:
            raise CorruptError(f"photo {sha256} was sound and is now {decoded.rule}", "restore it from a backup")
        return to_input(seen(decoded.image, view, sha256), input_size, geometry)

    return _in_batches(digests, one, threads=threads, batch_size=batch_size)


def seen(image: Image.Image, view: str, sha256: str) -> Image.Image:
    """Return a decoded photo in one of the `VIEWS`, the same for the same photo."""
    if view == STREET:
        return street(image, sha256)
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if view == MIRROR else image


def _in_batches(
    digests: Sequence[str], one: Callable[[str], NDArray[np.uint8]], *, threads: int, batch_size: int
) -> Iterator[NDArray[np.uint8]]:
    waiting: deque[Future[NDArray[np.uint8]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for sha256 in digests:
            waiting.append(pool.submit(one, sha256))
            if len(waiting) == AHEAD * batch_size:
                yield np.stack([waiting.popleft().result() for _ in range(batch_size)])
        while waiting:
            yield np.stack([waiting.popleft().result() for _ in range(min(batch_size, len(waiting)))])
