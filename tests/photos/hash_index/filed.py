"""Photos for the hash index: names, hashes in tight clusters, and the pairs that comparing all with all finds."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from autodetect.photos.hash_index.index import HashIndex

PIPELINE = "hashes-of-a-test"


def names_of(numbers: range) -> list[str]:
    """SHA-256 digests."""
    return [hashlib.sha256(b"%d" % number).hexdigest() for number in numbers]


def hashes_of(random: np.random.Generator, photos: int, each: int, spread: int) -> NDArray[np.int64]:
    """Hashes (photos, each): around few centres with up to `spread` of their bits turned; uniform for spread 64."""
    if spread == 64:
        return random.integers(-(2**63), 2**63, size=(photos, each), dtype=np.int64)
    centres = random.integers(-(2**63), 2**63, size=3, dtype=np.int64)
    turned = np.zeros((photos, each), np.uint64)
    for _ in range(spread):
        turned |= np.uint64(1) << random.integers(0, 64, size=(photos, each), dtype=np.uint64)
    return random.choice(centres, size=(photos, each)) ^ turned.view(np.int64)


def grown(names: list[str], hashes: NDArray[np.int64], cuts: list[int]) -> HashIndex:
    """An index to which the photos were added in parts that end at the cuts."""
    index = HashIndex.empty(PIPELINE)
    for start, stop in zip([0, *cuts], [*cuts, len(names)], strict=True):
        index = index.add(names[start:stop], hashes[start:stop])
    return index


def by_comparison(
    queries: NDArray[np.int64], names: list[str], hashes: NDArray[np.int64], radius: int
) -> list[tuple[int, str]]:
    """Every (new photo, name of a known photo) with some query within the radius of some hash, sorted."""
    close = np.zeros((len(queries), len(names)), np.bool_)
    for query in queries.T:
        for filed in hashes.T:
            close |= np.bitwise_count((query[:, None] ^ filed[None, :]).view(np.uint64)) <= radius
    return sorted((int(i), names[j]) for i, j in np.argwhere(close))
