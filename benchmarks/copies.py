"""Claim: at this size the plain exhaustive search for copies is quicker than an index.

The stage compares every new photo's hash with every known one. The peers answer the same question with one whole
matrix, and by multi-index hashing; the limit does the arithmetic of all pairs and never looks at the result.
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from autodetect.photos.copies import CHUNK, _within
from benchmarks.rounds import Case, timed
from benchmarks.table import Table

KNOWN, NEW, RADIUS = 10_000, 5_000, 8
PLANTED = 500  # new hashes that lie near a known one, so that there is something to find
ROUNDS = 9
PARTS = ((0, 21), (21, 21), (42, 22))  # (first bit, bits): of 8 differing bits, one part holds at most 2


def run() -> Table:
    """Search random hashes with planted copies; every way must find the same pairs."""
    known, new = _hashes()
    expected = sorted(_within(new, known, RADIUS))
    for found in (_one_matrix(new, known), _multi_index(new, known)):
        assert sorted(found) == expected, "a peer answers another question"
    cases = (
        Case("autodetect.photos.copies, 64 rows at a time", "ours", lambda: _within(new, known, RADIUS)),
        Case("numpy, the whole matrix at once", "peer", lambda: _one_matrix(new, known)),
        Case("numpy, multi-index hashing (3 parts)", "peer", lambda: _multi_index(new, known)),
        Case("XOR and bit count alone, 64 rows at a time", "limit", lambda: _count_only(new, known)),
    )
    return Table(
        name="copies",
        claim=f"Within {RADIUS} bits among {KNOWN:,} known and {NEW:,} new hashes, plain exhaustive search finds the "
        "candidates quicker than an index.",
        rows=timed(cases, rounds=ROUNDS),
        notes=(
            f"all ways found the same {len(expected):,} pairs; a night makes six such searches (mirror and crops)",
            "exhaustive search grows with known times new, an index with new alone: far more photos will want an index",
        ),
        packages=("numpy",),
    )


def _hashes() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return known and new hashes, int64 (n,); some new ones are known ones with up to `RADIUS` bits turned."""
    random = np.random.default_rng(0)
    known, new = (random.integers(-(2**63), 2**63, size=n, dtype=np.int64) for n in (KNOWN, NEW))
    for i in range(PLANTED):
        bits = random.choice(64, size=random.integers(0, RADIUS + 1), replace=False)
        turned = np.bitwise_or.reduce(np.uint64(1) << bits.astype(np.uint64), initial=np.uint64(0))
        new[i] = (known[i].view(np.uint64) ^ turned).view(np.int64)
    return known, new


def _one_matrix(new: NDArray[np.int64], known: NDArray[np.int64]) -> list[tuple[int, int]]:
    distances = np.bitwise_count(new.view(np.uint64)[:, None] ^ known.view(np.uint64)[None, :])
    rows, columns = np.nonzero(distances <= RADIUS)
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def _count_only(new: NDArray[np.int64], known: NDArray[np.int64]) -> None:
    queries, targets = new.view(np.uint64), known.view(np.uint64)
    for start in range(0, len(queries), CHUNK):
        np.bitwise_count(queries[start : start + CHUNK, None] ^ targets[None, :])


def _multi_index(new: NDArray[np.int64], known: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Look up every new hash's parts, each with up to two bits turned, among the sorted parts of the known ones."""
    queries, targets = new.view(np.uint64), known.view(np.uint64)
    found: list[NDArray[np.int64]] = []
    for first, bits in PARTS:
        mask = np.uint64(2**bits - 1)
        keys = (targets >> np.uint64(first)) & mask
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        turns = [sum(1 << bit for bit in chosen) for n in (0, 1, 2) for chosen in combinations(range(bits), n)]
        wanted = (((queries >> np.uint64(first)) & mask)[:, None] ^ np.array(turns, dtype=np.uint64)[None, :]).ravel()
        low, high = np.searchsorted(keys, wanted, "left"), np.searchsorted(keys, wanted, "right")
        counts = high - low
        hit = np.nonzero(counts)[0]
        rows = np.repeat(hit // len(turns), counts[hit])
        within = np.arange(counts[hit].sum()) - np.repeat(np.cumsum(counts[hit]) - counts[hit], counts[hit])
        columns = order[np.repeat(low[hit], counts[hit]) + within]
        near = np.bitwise_count(queries[rows] ^ targets[columns]) <= RADIUS
        found.append(np.stack([rows[near], columns[near]], axis=1))
    pairs = np.unique(np.concatenate(found), axis=0)
    return [(i, j) for i, j in pairs.tolist()]


if __name__ == "__main__":
    print(run().as_text())
