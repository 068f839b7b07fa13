"""One immutable part of the hash index: filed 64-bit hashes, sorted so that those close to a query lie in few places.

Multi-index hashing (Norouzi, Punjani, Fleet: Fast Search in Hamming Space with Multi-Index Hashing, CVPR 2012): a hash
is cut into three chunks, and the filed hashes are sorted by each of them. The first order is that of the hashes
themselves; the other two are kept as permutations. Where a bucket of a chunk starts is looked up, not searched for: a
bucket holds the hashes that agree in the chunk's leading bits, as many bits as make more buckets than hashes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

CHUNK_BITS = (22, 21, 21)  # from the most significant bit on; together 64
CHUNK_SHIFTS = (42, 21, 0)  # how far a chunk lies from the least significant bit
NAME_BYTES = 32  # of a SHA-256
MAX_ROWS = 2**32 - 1  # rows and owners are numbered in 32 bits

Array = TypeVar("Array", NDArray[np.uint8], NDArray[np.uint32], NDArray[np.uint64])


@dataclass(frozen=True, eq=False)
class Segment:
    """Filed hashes of p photos, r in all; the arrays are read-only, and may lie in a mapped file.

    The same photos with the same hashes make the same arrays, whatever the order they came in. A photo keeps one row
    for each different hash.

    Attributes:
        names: their SHA-256, (p, 32) uint8, ascending.
        hashes: (r,) uint64, ascending.
        owners: (r,) uint32: position in `names` of the photo that is filed under the hash; ascending for equal hashes.
        orders: for the second and third chunk, (r,) uint32: rows of `hashes` by that chunk, equal ones by row.
        starts: for each chunk, (2**b + 1,) uint32: where each bucket starts in that chunk's order; `b` is the number of
            leading bits of the chunk that choose a bucket (`bucket_bits`).
        digest: SHA-256 (hex) of the file that it was read from; '' if it was made in memory.
    """

    names: NDArray[np.uint8]
    hashes: NDArray[np.uint64]
    owners: NDArray[np.uint32]
    orders: tuple[NDArray[np.uint32], NDArray[np.uint32]]
    starts: tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint32]]
    digest: str = ""

    @property
    def photos(self) -> int:
        """Return the number of photos."""
        return len(self.names)

    @property
    def rows(self) -> int:
        """Return the number of filed hashes."""
        return len(self.hashes)

    @property
    def nbytes(self) -> int:
        """Return the bytes of all arrays."""
        return sum(array.nbytes for array in (self.names, self.hashes, self.owners, *self.orders, *self.starts))

    def find(self, names: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Return which of the names (m, 32) uint8 are filed here, (m,); few pages of the names are touched."""
        wanted, ours = _comparable(names), _comparable(self.names)
        low, high = np.zeros(len(wanted), np.int64), np.full(len(wanted), len(ours), np.int64)
        while np.any(open_ := low < high):
            middle = (low + high) // 2
            later = np.zeros(len(wanted), np.bool_)
            later[open_] = ours[middle[open_]] < wanted[open_]
            low, high = np.where(open_ & later, middle + 1, low), np.where(open_ & ~later, middle, high)
        inside = low < len(ours)
        inside[inside] = ours[low[inside]] == wanted[inside]
        return inside


def bucket_bits(rows: int) -> tuple[int, int, int]:
    """Return how many leading bits of each chunk choose a bucket: 2 to 4 buckets a hash, while the chunk has bits."""
    needed = max(rows - 1, 0).bit_length() + 1
    return (min(CHUNK_BITS[0], needed), min(CHUNK_BITS[1], needed), min(CHUNK_BITS[2], needed))


def buckets(hashes: NDArray[np.uint64], chunk: int, bits: int) -> NDArray[np.int64]:
    """Return the bucket of each hash, (r,) int64: the leading `bits` bits of one of its chunks."""
    shift = CHUNK_SHIFTS[chunk] + CHUNK_BITS[chunk] - bits
    return ((hashes >> np.uint64(shift)) & np.uint64(2**bits - 1)).view(np.int64)


def build(names: NDArray[np.uint8], hashes: NDArray[np.uint64], owners: NDArray[np.int64]) -> Segment:
    """Return a segment of new photos.

    Args:
        names: SHA-256 of the photos, (p, 32) uint8, in any order.
        hashes: the hashes by which they are filed, (r,) uint64; a photo may have any number, equal ones count once.
        owners: (r,) position in `names` of each hash's photo.

    Raises:
        ValueError: a name comes twice, or there are more rows than 32 bits can number.
    """
    if max(len(names), len(hashes)) > MAX_ROWS:
        raise ValueError(f"a segment holds at most {MAX_ROWS:,} hashes, not {len(hashes):,}")
    by_name = np.argsort(_comparable(names), kind="stable")
    names = names.take(by_name, axis=0)
    sorted_names = _comparable(names)
    if twice := np.flatnonzero(sorted_names[1:] == sorted_names[:-1]).tolist():
        raise ValueError(f"photo {names[twice[0]].tobytes().hex()} is filed twice")
    rank = np.empty(len(by_name), np.int64)
    rank[by_name] = np.arange(len(by_name))
    return _filed(names, hashes, rank.take(owners))


def merge(segments: Sequence[Segment]) -> Segment:
    """Return one segment with the photos of all, as if they had come at once; raises as `build` does."""
    firsts = np.cumsum([0, *(segment.photos for segment in segments)])
    return build(
        np.concatenate([segment.names for segment in segments]),
        np.concatenate([segment.hashes for segment in segments]),
        np.concatenate([segment.owners + first for segment, first in zip(segments, firsts[:-1], strict=True)]),
    )


def _filed(names: NDArray[np.uint8], hashes: NDArray[np.uint64], owners: NDArray[np.int64]) -> Segment:
    """Return the segment of sorted names. Sorts are stable: what comes in sorted runs, as in a merge, is merged."""
    order = np.argsort(hashes, kind="stable")
    hashes = hashes.take(order)
    # Equal hashes by owner, and each owner once: the number of the hash above the owner's in one word, sorted.
    words = owners.take(order).view(np.uint64)
    del order
    if len(hashes):
        number = np.cumsum(np.concatenate([[False], hashes[1:] != hashes[:-1]]), dtype=np.uint64)
        words |= number << np.uint64(32)
        del number
        words.sort(kind="stable")
        first = np.concatenate([[True], words[1:] != words[:-1]])
        if not first.all():
            hashes, words = hashes[first], words[first]
    bits = bucket_bits(len(hashes))
    return Segment(
        names=_frozen(names),
        hashes=_frozen(hashes),
        owners=_frozen(words.astype(np.uint32)),  # the low half
        orders=(_order(hashes, 1), _order(hashes, 2)),
        starts=(_starts(hashes, 0, bits[0]), _starts(hashes, 1, bits[1]), _starts(hashes, 2, bits[2])),
    )


def _order(hashes: NDArray[np.uint64], chunk: int) -> NDArray[np.uint32]:
    """Return the rows by a whole chunk, equal ones by row: chunk and row sorted as one word, quicker than by index."""
    words = buckets(hashes, chunk, CHUNK_BITS[chunk]) << 32
    words |= np.arange(len(hashes))
    words.sort()
    return _frozen(words.astype(np.uint32))


def _starts(hashes: NDArray[np.uint64], chunk: int, bits: int) -> NDArray[np.uint32]:
    starts = np.zeros(2**bits + 1, np.uint32)
    np.cumsum(np.bincount(buckets(hashes, chunk, bits), minlength=2**bits), out=starts[1:])
    return _frozen(starts)


def _comparable(names: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    """Return names (p, 32) as (p,) byte strings. For comparing alone: an element read out lacks its trailing zeros."""
    return np.ascontiguousarray(names).view(f"S{NAME_BYTES}").reshape(-1)


def _frozen(array: Array) -> Array:
    array.flags.writeable = False
    return array
