"""Which filed hashes of a segment lie within a Hamming radius of a query: exactly, by probing chunks or by scanning.

Two hashes within radius r = 3a + b (b < 3) agree in at least one chunk up to a bits (the first b + 1 chunks) or a - 1
bits (the others): else they differ in more than r (Norouzi et al. 2012, section 3.2). So each chunk's buckets are
probed with that many bits turned, and what lies there is compared whole. Where that takes more than comparing the
query with every filed hash (few rows, or a wide radius), all are compared. Both ways find the same.
"""

from collections.abc import Iterator
from functools import lru_cache
from math import comb

import numpy as np
from numpy.typing import NDArray

from autodetect.photos.hash_index.segment import CHUNK_BITS, CHUNK_SHIFTS, Segment, bucket_bits, buckets

HASH_BITS = 64
PROBES_AT_ONCE = 1 << 15  # buckets looked up in one step: what the step holds stays in a core's cache
CANDIDATES_AT_ONCE = 1 << 20  # rows compared in one step, however many a bucket holds: bounds the memory
SCAN_QUERIES, SCAN_ROWS = 16, 4096  # of one step of a scan; 512 KiB
# Measured: a probe, and a row that it leads to, take about as long as comparing this many rows one after another.
PROBE_COST, CANDIDATE_COST = 12.0, 40.0

Found = tuple[NDArray[np.int64], NDArray[np.int64]]


def near(segment: Segment, queries: NDArray[np.uint64], radius: int) -> Iterator[Found]:
    """Yield every (query, row) at most `radius` bits apart, each once, in no particular order.

    Args:
        segment: what is searched.
        queries: (m,) uint64.
        radius: 0 to 64 bits.

    Yields:
        Positions of queries and rows of the segment's hashes, two int64 arrays of one length; memory is bounded by
        `CANDIDATES_AT_ONCE`, also where all hashes are equal.
    """
    return probed(segment, queries, radius) if probing_pays(segment.rows, radius) else scanned(segment, queries, radius)


def probing_pays(rows: int, radius: int) -> bool:
    """Return whether probing finds what is near in less time than comparing all rows, hashes being spread evenly."""
    cost = 0.0
    for bits, flips in zip(bucket_bits(rows), chunk_flips(radius), strict=True):
        probes = sum(comb(bits, n) for n in range(flips + 1))
        cost += probes * (PROBE_COST + CANDIDATE_COST * rows / 2**bits)
    return cost < rows


def chunk_flips(radius: int) -> tuple[int, int, int]:
    """Return how many bits are turned in each chunk for a radius; -1 where a chunk need not be probed."""
    each, rest = divmod(radius, len(CHUNK_BITS))
    return (each, each if rest >= 1 else each - 1, each if rest >= 2 else each - 1)


def probed(segment: Segment, queries: NDArray[np.uint64], radius: int) -> Iterator[Found]:
    """Yield what `near` does, by multi-index hashing."""
    bits, flips = bucket_bits(segment.rows), chunk_flips(radius)
    for chunk in range(len(CHUNK_BITS)):
        if flips[chunk] < 0:
            continue
        turns = _turns(bits[chunk], flips[chunk])
        keys = buckets(queries, chunk, bits[chunk])
        step = max(1, PROBES_AT_ONCE // len(turns))
        for first in range(0, len(queries), step):
            wanted = (keys[first : first + step, None] ^ turns[None, :]).reshape(-1)
            for probes, places in _candidates(segment.starts[chunk], wanted):
                rows = places if chunk == 0 else segment.orders[chunk - 1].take(places).astype(np.int64)
                asking = first + probes // len(turns)
                differing = segment.hashes.take(rows) ^ queries.take(asking)
                kept = np.flatnonzero(np.bitwise_count(differing) <= radius)
                differing = differing.take(kept)
                for earlier in range(chunk):  # what an earlier chunk's probes led to has been told
                    again = np.bitwise_count(differing & _bucket_mask(earlier, bits[earlier])) <= flips[earlier]
                    kept, differing = kept[~again], differing[~again]
                if len(kept):
                    yield asking.take(kept), rows.take(kept)


def scanned(segment: Segment, queries: NDArray[np.uint64], radius: int) -> Iterator[Found]:
    """Yield what `near` does, by comparing every query with every filed hash."""
    for first in range(0, len(queries), SCAN_QUERIES):
        block = queries[first : first + SCAN_QUERIES, None]
        for start in range(0, segment.rows, SCAN_ROWS):
            rows = segment.hashes[None, start : start + SCAN_ROWS]
            close = np.flatnonzero(np.bitwise_count(block ^ rows) <= radius)
            if len(close):
                asking, row = np.divmod(close, rows.shape[1])
                yield asking + first, row + start


def _candidates(starts: NDArray[np.uint32], wanted: NDArray[np.int64]) -> Iterator[Found]:
    """Yield what lies in the wanted buckets: positions in `wanted`, and places in the chunk's order."""
    low, high = starts.take(wanted), starts[1:].take(wanted)  # uint32: their difference is a size
    hit = np.flatnonzero(high != low)
    if not len(hit):
        return
    sizes = (high.take(hit) - low.take(hit)).astype(np.int64)
    ends = np.cumsum(sizes)
    begins = ends - sizes
    shifts = low.take(hit) - begins  # from the number of a candidate to its place
    total = int(ends[-1])
    for start in range(0, total, CANDIDATES_AT_ONCE):
        stop = min(start + CANDIDATES_AT_ONCE, total)
        part = slice(np.searchsorted(ends, start, "right"), np.searchsorted(begins, stop, "left"))
        counts = np.minimum(ends[part], stop) - np.maximum(begins[part], start)
        yield np.repeat(hit[part], counts), np.repeat(shifts[part], counts) + np.arange(start, stop)


@lru_cache(maxsize=64)
def _turns(bits: int, flips: int) -> NDArray[np.int64]:
    """Return every `bits`-bit word with at most `flips` bits set, ascending."""
    words = np.flatnonzero(np.bitwise_count(np.arange(2**bits)) <= flips)
    words.flags.writeable = False
    return words


def _bucket_mask(chunk: int, bits: int) -> np.uint64:
    """Return the bits of a hash that choose its bucket."""
    return np.uint64((2**bits - 1) << (CHUNK_SHIFTS[chunk] + CHUNK_BITS[chunk] - bits))
