"""Everything that one look at a photo's bytes yields: facts, hashes and the network's input, from one decode."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from autodetect.embeddings.geometry import to_input
from autodetect.photos.decode import Decoded, decode
from autodetect.photos.phash import Hashes, hashes


@dataclass(frozen=True)
class Examined:
    """One photo: `decoded` without the image; `hashes` and `network_input` (s, s, 3) uint8 when readable."""

    sha256: str
    size: int
    decoded: Decoded
    hashes: Hashes | None = None
    network_input: NDArray[np.uint8] | None = None


def examine(sha256: str, data: bytes, *, max_pixels: int, min_side: int, input_size: int) -> Examined:
    """Look at one photo; what is too small to hash is still described."""
    decoded = decode(data, max_pixels=max_pixels)
    facts = Decoded(None, decoded.format, decoded.width, decoded.height, decoded.rule, decoded.detail)
    if decoded.image is None or min(decoded.width, decoded.height) < min_side:
        return Examined(sha256, len(data), facts)
    return Examined(sha256, len(data), facts, hashes(decoded.image), to_input(decoded.image, input_size))


def examine_all(
    digests: Iterable[str],
    read: Callable[[str], bytes],
    *,
    threads: int,
    max_pixels: int,
    min_side: int,
    input_size: int,
) -> Iterator[Examined]:
    """Examine photos in order, `threads` at a time : decoding and resizing leave the interpreter lock."""

    def one(sha256: str) -> Examined:
        return examine(sha256, read(sha256), max_pixels=max_pixels, min_side=min_side, input_size=input_size)

    remaining = iter(digests)
    with ThreadPoolExecutor(threads) as pool:
        while block := list(islice(remaining, 32 * threads)):  # bounded: inputs are 150 kB each
            yield from pool.map(one, block)
