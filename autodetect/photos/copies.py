"""Near-duplicate search: which photos are copies of one picture, however re-encoded, mirrored, framed or cropped.

Candidates lie within a Hamming radius of each other's hash variants; a candidate is a copy when the thumbnails agree
(normalised cross-correlation, both orientations, one pixel of play). New photos are compared with all; old with old
never again. Whether two photos are copies does not depend on which of them came first.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autodetect.photos.phash import THUMBNAIL_SIDE

CHUNK = 64  # rows of the distance matrix held at a time: 64 x 1,000,000 x 8 bytes is half a gigabyte


@dataclass(frozen=True)
class HashIndex:
    """Hashes of n photos: `phash` (n,), `mirror` (n,), `crops` (n, k), all int64; `thumbnails` (n, 1024) uint8."""

    phash: NDArray[np.int64]
    mirror: NDArray[np.int64]
    crops: NDArray[np.int64]
    thumbnails: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.phash)


def copies(known: HashIndex, new: HashIndex, *, radius: int, min_correlation: float) -> list[tuple[int, int]]:
    """Return confirmed pairs (i, j): photo i is new, photo j is known (j < len(known)) or new (offset by len(known)).

    Args:
        known: photos searched on earlier nights; may be empty.
        new: tonight's photos.
        radius: Hamming distance of 64-bit hashes within which a pair is a candidate.
        min_correlation: agreement of thumbnails from which a candidate is a copy.

    Returns:
        Pairs of positions in `known + new`, each once, smaller position second, sorted.
    """
    everything = _concatenated(known, new)
    offset = len(known)
    candidates = set()
    for queries, targets in (
        (new.phash, everything.phash),
        (new.mirror, everything.phash),
        (new.phash, everything.mirror),
        *((new.crops[:, k], everything.phash) for k in range(new.crops.shape[1])),
        *((new.phash, everything.crops[:, k]) for k in range(everything.crops.shape[1])),
    ):
        for i, j in _within(queries, targets, radius):
            first, second = max(i + offset, j), min(i + offset, j)
            if first != second:
                candidates.add((first, second))
    normalised = _normalised(everything.thumbnails)
    return sorted(pair for pair in candidates if _agreement(normalised, *pair) >= min_correlation)


def _within(queries: NDArray[np.int64], targets: NDArray[np.int64], radius: int) -> list[tuple[int, int]]:
    """Return every (query, target) pair of positions at most `radius` bits apart, by exhaustive comparison."""
    pairs: list[tuple[int, int]] = []
    unsigned = targets.view(np.uint64)
    for start in range(0, len(queries), CHUNK):
        block = queries[start : start + CHUNK].view(np.uint64)
        distances = np.bitwise_count(block[:, None] ^ unsigned[None, :])
        rows, columns = np.divmod(np.flatnonzero(distances <= radius), len(targets))  # a third of np.nonzero's time
        pairs.extend(zip((rows + start).tolist(), columns.tolist(), strict=True))
    return pairs


def _normalised(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    return thumbnails.reshape(-1, THUMBNAIL_SIDE, THUMBNAIL_SIDE).astype(np.float32)


def _agreement(images: NDArray[np.float32], i: int, j: int) -> float:
    """Return the best normalised cross-correlation of two thumbnails over mirroring and shifts of one pixel."""
    best = -1.0
    for first, second in ((images[i], images[j]), (images[j], images[i])):
        inner = first[1:-1, 1:-1]
        for other in (second, second[:, ::-1]):
            for dy in (0, 1, 2):
                for dx in (0, 1, 2):
                    shifted = other[dy : dy + inner.shape[0], dx : dx + inner.shape[1]]
                    best = max(best, _correlation(inner, shifted))
    return best


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Return Pearson's correlation of two equal-sized images; -1 when either is flat, since flat says nothing."""
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / norm if norm > 0 else -1.0


def _concatenated(known: HashIndex, new: HashIndex) -> HashIndex:
    return HashIndex(
        np.concatenate([known.phash, new.phash]),
        np.concatenate([known.mirror, new.mirror]),
        np.concatenate([known.crops, new.crops]),
        np.concatenate([known.thumbnails, new.thumbnails]),
    )
