"""Exact near-duplicate search: which known photos are filed under a hash within a Hamming radius of a new photo's.

The index is a row of immutable segments, each at least twice as large as the next (the logarithmic method: Bentley,
Saxe: Decomposable Searching Problems I, Journal of Algorithms 1, 1980). Adding photos makes one new segment that takes
in those which it outgrows. So a photo moves only into a segment at least half as large again as its own: n photos are
moved O(n log n) times in all, however they come, and a search asks O(log n) segments.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from autodetect.photos.hash_index.probes import HASH_BITS, near
from autodetect.photos.hash_index.segment import NAME_BYTES, Segment, build, merge

GROWTH = 2  # a segment is at least this many times as large as the next
QUERIES_AT_ONCE = 4096  # query hashes of one block
PAIRS_AT_ONCE = 1 << 20  # pairs of one block, unless a single photo has more

_DIGEST = re.compile("[0-9a-fA-F]{64}")

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class HashIndex:
    """Photos by the 64-bit hashes under which they are filed; immutable.

    Positions number the photos 0 to `len(index) - 1`; they hold for this index alone, `add` renumbers.

    Attributes:
        pipeline: what made the hashes; bits of different pipelines must not be compared.
        segments: each at least `GROWTH` times as large as the next, in photos.
    """

    pipeline: str
    segments: tuple[Segment, ...] = ()

    @classmethod
    def empty(cls, pipeline: str) -> "HashIndex":
        """Return an index without photos."""
        return cls(pipeline)

    def __len__(self) -> int:
        return int(self._firsts[-1])

    @property
    def nbytes(self) -> int:
        """Return the bytes of all arrays."""
        return sum(segment.nbytes for segment in self.segments)

    def add(self, names: Sequence[str], hashes: NDArray[np.int64]) -> "HashIndex":
        """Return an index that holds these photos too.

        Args:
            names: their SHA-256, n times 64 hexadecimal digits.
            hashes: the hashes by which each is filed, (n, k) int64; equal ones of one photo count once.

        Raises:
            ValueError: a name comes twice or is filed already (under which hashes would it be found?), is no SHA-256,
                or the shapes do not match.
        """
        hashes = _checked(hashes, "hashes")
        if len(names) != len(hashes):
            raise ValueError(f"{len(names):,} names for the hashes of {len(hashes):,} photos")
        if not names:
            return self
        digests = packed(names)
        if there := np.flatnonzero(self._find(digests)).tolist():
            raise ValueError(f"{len(there):,} photos are filed already, the first of them {names[there[0]]}")
        owners = np.repeat(np.arange(len(names)), hashes.shape[1])
        new = build(digests, hashes.reshape(-1).view(np.uint64), owners)
        kept = list(self.segments)
        outgrown: list[Segment] = []
        while kept and kept[-1].photos < GROWTH * (new.photos + sum(segment.photos for segment in outgrown)):
            outgrown.append(kept.pop())
        return HashIndex(self.pipeline, (*kept, merge([*reversed(outgrown), new]) if outgrown else new))

    def names(self, positions: NDArray[np.int64]) -> list[str]:
        """Return the SHA-256 (hexadecimal) of the photos at these positions.

        Raises:
            IndexError: a position is negative or too large.
        """
        positions = np.asarray(positions, np.int64)
        if len(positions) and not 0 <= positions.min() <= positions.max() < len(self):
            raise IndexError(f"positions reach from {positions.min()} to {positions.max()}, photos are {len(self):,}")
        found = np.empty((len(positions), NAME_BYTES), np.uint8)
        for segment, first in self._placed():
            here = (positions >= first) & (positions < first + segment.photos)
            found[here] = segment.names.take(positions[here] - first, axis=0)
        digits = found.tobytes().hex()
        return [digits[start : start + 2 * NAME_BYTES] for start in range(0, len(digits), 2 * NAME_BYTES)]

    def search(self, queries: NDArray[np.int64], radius: int) -> Pairs:
        """Return all pairs of `search_blocks` at once: 16 bytes a pair, and photos that all look alike make many."""
        blocks = list(self.search_blocks(queries, radius))
        asking, found = ([block[side] for block in blocks] or [np.empty(0, np.int64)] for side in (0, 1))
        return np.concatenate(asking), np.concatenate(found)

    def search_blocks(self, queries: NDArray[np.int64], radius: int) -> Iterator[Pairs]:
        """Yield every (new photo, known photo) with one of the new one's queries near one of the known one's hashes.

        Args:
            queries: the hashes by which each of m new photos searches, (m, q) int64.
            radius: the Hamming distance up to which hashes are near, 0 to 64 bits.

        Yields:
            Positions in `queries` and in this index, two int64 arrays of one length, each pair once, sorted by the
            first, then the second; blocks follow one another in that order. A block holds at most `PAIRS_AT_ONCE`
            pairs, or those of one new photo.

        Raises:
            ValueError: `queries` is no (m, q) int64 array, or the radius is none.
        """
        queries = _checked(queries, "queries")
        if not 0 <= radius <= HASH_BITS:
            raise ValueError(f"a radius of {radius} bits; hashes have {HASH_BITS}")
        step = max(1, QUERIES_AT_ONCE // max(queries.shape[1], 1))
        for first in range(0, len(queries), step):
            todo = [(first, min(first + step, len(queries)))]
            while todo:
                start, stop = todo.pop()
                pairs = self._pairs(queries[start:stop], radius)
                if pairs is None:  # too many at once: by halves
                    middle = (start + stop) // 2
                    todo += [(middle, stop), (start, middle)]
                elif len(pairs):
                    asking, found = np.divmod(pairs, len(self))
                    yield asking + start, found

    def _pairs(self, queries: NDArray[np.int64], radius: int) -> NDArray[np.int64] | None:
        """Return the sorted pairs of a block as `new * len(self) + known`; None if they are too many at once."""
        hashes, photos = _distinct(queries)
        pairs, found, waiting = np.empty(0, np.int64), [], 0
        for segment, first in self._placed():
            for asking, rows in near(segment, hashes, radius):
                found.append(photos.take(asking) * len(self) + first + segment.owners.take(rows))
                waiting += len(rows)
                if waiting > max(PAIRS_AT_ONCE, len(pairs)):
                    pairs, found, waiting = _sorted_once([pairs, *found]), [], 0
                    if len(pairs) > PAIRS_AT_ONCE and len(queries) > 1:
                        return None
        pairs = _sorted_once([pairs, *found])
        return None if len(pairs) > PAIRS_AT_ONCE and len(queries) > 1 else pairs

    def _find(self, digests: NDArray[np.uint8]) -> NDArray[np.bool_]:
        found = np.zeros(len(digests), np.bool_)
        for segment in self.segments:
            found |= segment.find(digests)
        return found

    def _placed(self) -> Iterator[tuple[Segment, int]]:
        """Yield each segment with the position of its first photo."""
        return zip(self.segments, self._firsts.tolist(), strict=False)

    @cached_property
    def _firsts(self) -> NDArray[np.int64]:
        return np.cumsum([0, *(segment.photos for segment in self.segments)], dtype=np.int64)


def packed(names: Sequence[str]) -> NDArray[np.uint8]:
    """Return SHA-256 digests written as 64 hexadecimal digits as bytes, (n, 32) uint8.

    Raises:
        ValueError: one is no such digest.
    """
    if odd := [name for name in names if not _DIGEST.fullmatch(name)]:
        raise ValueError(f"{odd[0]!r} is no SHA-256: 64 hexadecimal digits are wanted")
    return np.frombuffer(bytes.fromhex("".join(names)), np.uint8).reshape(-1, NAME_BYTES)


def _distinct(queries: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the hashes (n,) of photos (m, q) and whose they are (n,); equal ones of one photo come once."""
    ordered = np.sort(queries, axis=1)
    first = np.ones(ordered.shape, np.bool_)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    return ordered[first].view(np.uint64), np.nonzero(first)[0]


def _sorted_once(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return what `numpy.unique` does, which hashes numbers: on millions, sorting takes a hundredth of its time."""
    values = np.concatenate(parts)
    values.sort()
    first = np.ones(len(values), np.bool_)
    first[1:] = values[1:] != values[:-1]
    return values[first]


def _checked(hashes: NDArray[np.int64], what: str) -> NDArray[np.int64]:
    if hashes.ndim != 2 or hashes.dtype != np.int64:
        raise ValueError(f"{what} are an int64 array of (photos, hashes of each), not {hashes.dtype} {hashes.shape}")
    return np.ascontiguousarray(hashes)
