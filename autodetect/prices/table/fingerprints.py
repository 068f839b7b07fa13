"""Which texts of a column may be equal, by 64-bit fingerprints: they take a fraction of a hash table's time.

Rows that share a fingerprint may differ; the caller looks. Rows that do not share one are certainly different.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from autodetect.prices.table.columns import Ints

Words = NDArray[np.uint64]
_WORD = 8  # bytes
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, odd: Knuth, The Art of Computer Programming 6.4
_SHIFT = np.uint64(29)


def fingerprints(texts: pa.Array, rows: Ints, seeds: Ints) -> Words:
    """Return a fingerprint of some texts and their seeds: of equal texts with equal seeds the same.

    Args:
        texts: large_string, of which none of `rows` is null.
        rows: (n,) places in `texts`.
        seeds: (n,) numbers to tell equal texts apart by.
    """
    _, offsets, data = texts.buffers()
    if not len(rows):
        return np.zeros(0, np.uint64)
    bounds = np.frombuffer(offsets, np.int64)[texts.offset :]
    starts = bounds[rows]
    lengths = bounds[rows + 1] - starts
    signs = np.zeros(data.size + _WORD, np.uint8)
    signs[: data.size] = np.frombuffer(data, np.uint8)
    word_at = np.ndarray((data.size + 1,), "<u8", signs.data, strides=(1,))  # eight bytes from each byte on
    found = _mixed(seeds.astype(np.uint64) ^ (lengths.astype(np.uint64) << np.uint64(40)))
    for start in range(0, int(lengths.max()), _WORD):
        left = lengths - start
        beyond = (8 * (_WORD - np.clip(left, 1, _WORD))).astype(np.uint64)
        word = word_at[np.where(left > 0, starts + start, 0)] << beyond
        found = np.where(left > 0, _mixed(found ^ word), found)
    return found


def repeated(found: Words) -> NDArray[np.bool_]:
    """Return which fingerprints occur more than once."""
    order = np.argsort(found)
    same = found[order[1:]] == found[order[:-1]]
    repeats = np.zeros(len(found), dtype=np.bool_)
    repeats[order[1:][same]] = True
    repeats[order[:-1][same]] = True
    return repeats


def _mixed(words: Words) -> Words:
    mixed = words * _MULTIPLIER
    return mixed ^ (mixed >> _SHIFT)
