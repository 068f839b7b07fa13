"""Near-duplicate search: which photos are copies of one picture, however re-encoded, mirrored, framed, cut or tilted.

Three steps. Candidates are photos of which some hash lies within a Hamming radius of some hash of the other, its own
or its mirrored picture's; `photos.hash_index` finds them. Most of those met by chance have that one near hash, where
copies have several: the sum over the nearest few tells. What is left is a copy if the thumbnails, one laid over the
other as well as they go, agree in their fine structure. Whether two photos are copies does not depend on which came
first.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from autodetect.photos.alignment import align, detail_of
from autodetect.photos.hash_index.index import HashIndex
from autodetect.photos.phash import MIRROR, THUMBNAIL_SIDE

Pair = tuple[str, str]

AT_ONCE = 128  # pairs: their arrays stay in the processor's cache
# Of real photos this leaves 97 in 100 of the copies that are hardest to find, and a third of the chance candidates.
NEAREST, FARTHEST_SUM = 4, 56
# Below this standard deviation of its fine structure, grey levels, a thumbnail is mostly sky, fog or night: two of them
# agree by chance or by JPEG noise. Such photos are copies only if the thumbnails are equal but for such noise.
LEAST_DETAIL = 2.0
LARGEST_DIFFERENCE = 2.0  # mean absolute one, grey levels, of thumbnails of little detail


@dataclass(frozen=True)
class Details:
    """What is kept of n photos: `entries` (n, k) int64 and `thumbnails` (n, 48, 48) uint8 (see `Hashes`)."""

    entries: NDArray[np.int64]
    thumbnails: NDArray[np.uint8]

    @classmethod
    def of(cls, entries: Sequence[Sequence[int]], thumbnails: Sequence[bytes]) -> "Details":
        """Return the details of photos from the columns `phash_entries` and `thumbnail` of the photos table."""
        pictures = np.frombuffer(b"".join(thumbnails), np.uint8)
        return cls(np.array(entries, np.int64), pictures.reshape(-1, THUMBNAIL_SIDE, THUMBNAIL_SIDE))


Lookup = Callable[[Sequence[str]], Details]


@dataclass(frozen=True, order=True)
class Copy:
    """Two photos (SHA-256, `one` < `other`) that are copies of one picture, and how well they agree, up to 1."""

    one: str
    other: str
    agreement: float


def candidates(index: HashIndex, new: Sequence[str], queries: NDArray[np.int64], radius: int) -> Iterator[Pair]:
    """Yield pairs of photos, at least one of each new, with hashes near each other: each once, smaller name first.

    Args:
        index: all photos that may be copies, the new ones among them, filed by `Hashes.entries`.
        new: names of the photos to search for, each once.
        queries: their `Hashes.queries`, (len(new), q) int64.
        radius: Hamming distance within which a pair is a candidate.
    """
    arrived = set(new)
    for asking, found in index.search_blocks(queries, radius):
        for position, other in zip(asking.tolist(), index.names(found), strict=True):
            one = new[position]
            if one < other or (one > other and other not in arrived):  # two new ones find each other: once is enough
                yield min(one, other), max(one, other)


def confirm(pairs: Iterable[Pair], details: Lookup, *, min_correlation: float) -> Iterator[Copy]:
    """Yield the pairs that are copies, as they come; which photo of a pair is named first does not matter.

    Args:
        pairs: names of candidates.
        details: gives what is kept of photos, in the order asked for.
        min_correlation: agreement from which a candidate is a copy.
    """
    remaining = iter(pairs)
    while block := [(min(pair), max(pair)) for pair in islice(remaining, AT_ONCE)]:
        ones, others = (details([pair[side] for pair in block]) for side in (0, 1))
        likely = np.flatnonzero(distances(ones.entries, others.entries) <= FARTHEST_SUM)
        if not len(likely):
            continue
        reached = agreement(ones.thumbnails[likely], others.thumbnails[likely])
        for place, correlation in zip(likely.tolist(), reached.tolist(), strict=True):
            if correlation >= min_correlation:
                yield Copy(*block[place], correlation)


def distances(ones: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how far the hashes of pairs of photos, (n, k) each, lie apart: (n,) bits, 0 to 64 * `NEAREST`.

    It is the sum over those `NEAREST` hashes of one photo that lie nearest to some hash of the other, whichever of the
    two is the one, and mirrored or not: the least of the four.
    """
    sums = []
    for turned in (others, others ^ MIRROR):
        apart = np.bitwise_count((ones[:, :, None] ^ turned[:, None, :]).view(np.uint64))
        for axis in (1, 2):
            nearest = np.partition(apart.min(axis=axis), NEAREST - 1, axis=1)[:, :NEAREST]
            sums.append(nearest.sum(axis=1, dtype=np.int64))
    return np.min(sums, axis=0)


def agreement(ones: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return how well thumbnails (n, 48, 48) agree: the correlation of what is fine in them, (n,), -1 to 1.

    Where either has little detail it is 1 if they are equal but for noise, mirrored or not, and -1 otherwise.
    """
    reached = align(ones, others).detail
    plain = np.flatnonzero(np.minimum(detail_of(ones), detail_of(others)) < LEAST_DETAIL)
    one, other = ones[plain].astype(np.int16), others[plain].astype(np.int16)
    apart = [np.abs(one - turned).mean(axis=(1, 2)) for turned in (other, other[:, :, ::-1])]
    reached[plain] = np.where(np.minimum(*apart) <= LARGEST_DIFFERENCE, np.float32(1), np.float32(-1))
    return reached
