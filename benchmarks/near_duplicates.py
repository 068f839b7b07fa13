"""Claim: exact search in a million hashes is five times as quick as faiss' flat scan, and adding a night's is cheap.

Peers that find the same pairs: faiss' flat scan and its multi-index hashing, one thread each, and imagededup where it
is installed. The limit does the arithmetic of all pairs and never looks at the result.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from autodetect.lake.objects import LocalStore
from autodetect.photos.hash_index.index import HashIndex
from autodetect.photos.hash_index.segment import build
from autodetect.photos.hash_index.store import load, save
from benchmarks.children import answer_of
from benchmarks.rounds import Case, timed
from benchmarks.table import Row, Table

KNOWN, NEW, RADIUS = 1_000_000, 10_000, 8
PLANTED = 500  # new hashes that lie near a known one, so that there is something to find
NIGHTS = 100  # in which the index has grown
ROUNDS = 3
AIM = 5  # times as quick as the flat scan
SCAN_SAMPLE, PEER_SAMPLE = 200, 4  # queries of what would take too long with all of them
LARGE = 10_000_000
SCAN_QUERIES, SCAN_ROWS = 16, 4096  # the fastest block of a scan here

Hashes = NDArray[np.int64]
Pairs = list[tuple[int, int]]
Answer = TypeVar("Answer")


def run() -> Table:
    """Search evenly spread hashes with planted copies; every way must find the same pairs."""
    known, new = _hashes()
    names = _names(0, KNOWN)
    started = time.perf_counter()
    index = _grown(names, known)
    growing = time.perf_counter() - started
    place = {name: position for position, name in enumerate(names)}
    asking, found = index.search(new, RADIUS)
    expected = sorted((i, place[name]) for i, name in zip(asking.tolist(), index.names(found), strict=True))
    assert len(expected) >= PLANTED
    cases = [Case(f"autodetect.photos.hash_index, grown in {NIGHTS} nights", "ours", lambda: index.search(new, RADIUS))]
    scales, notes, packages = [1], [], ["numpy"]
    for peer in (_faiss_peers, _imagededup_peers):
        for case, scale in peer(known, new, expected):
            cases.append(case)
            scales.append(scale)
    packages += [name for name in ("faiss-cpu", "imagededup") if find_spec(name.partition("-")[0])]
    notes += [f"{name} is not installed: not compared" for name in ("faiss", "imagededup") if not find_spec(name)]
    cases.append(Case(_part("XOR and bit count alone", SCAN_SAMPLE), "limit", lambda: _count_only(known, new)))
    scales.append(NEW // SCAN_SAMPLE)
    rows = [_scaled(row, scale) for row, scale in zip(timed(cases, rounds=ROUNDS), scales, strict=True)]
    flat = next((row.median for row in rows if "flat" in row.what), None)
    return Table(
        name="near_duplicates",
        claim=f"Every pair of {NEW:,} new and {KNOWN:,} known hashes within {RADIUS} bits is found {AIM} times as "
        "quickly as by faiss' flat scan, and adding the new ones costs a small part of building the index anew.",
        rows=rows,
        goal_s=None if flat is None else flat / AIM,
        notes=(
            f"all ways that search everything found the same {len(expected):,} pairs; one thread each",
            *notes,
            f"growing it took {growing * 1000 / NIGHTS:.0f} ms a night on average",
            *_upkeep(index, names, known, new),
            _clustered(),
            _large(),
        ),
        packages=packages,
    )


def _hashes() -> tuple[Hashes, Hashes]:
    """Return known and new hashes, int64 (n, 1); some new ones are known ones with up to `RADIUS` bits turned."""
    random = np.random.default_rng(0)
    known, new = (random.integers(-(2**63), 2**63, size=(n, 1), dtype=np.int64) for n in (KNOWN, NEW))
    for i in range(PLANTED):
        bits = random.choice(64, size=random.integers(0, RADIUS + 1), replace=False)
        new[i] = known[i] ^ np.bitwise_or.reduce(np.int64(1) << bits, initial=np.int64(0))
    return known, new


def _names(first: int, count: int) -> list[str]:
    """Return names that are spread as SHA-256 digests are."""
    digits = np.random.default_rng(first + 1).bytes(32 * count).hex()
    return [digits[start : start + 64] for start in range(0, len(digits), 64)]


def _grown(names: list[str], hashes: Hashes) -> HashIndex:
    index, step = HashIndex.empty("benchmark"), len(names) // NIGHTS
    for start in range(0, len(names), step):
        index = index.add(names[start : start + step], hashes[start : start + step])
    return index


def _faiss_peers(known: Hashes, new: Hashes, expected: Pairs) -> list[tuple[Case, int]]:
    if not find_spec("faiss"):
        return []
    import faiss

    faiss.omp_set_num_threads(1)
    codes, queries = known.view(np.uint8), new.view(np.uint8)
    flat, hashed = faiss.IndexBinaryFlat(64), faiss.IndexBinaryMultiHash(64, 3, 21)
    hashed.nflip = 2
    peers = []
    for name, index in (("flat scan", flat), ("IndexBinaryMultiHash(64, 3, 21), nflip 2", hashed)):
        index.add(codes)
        limits, _, positions = index.range_search(queries, RADIUS + 1)  # it finds what is nearer than that
        asking = np.repeat(np.arange(NEW), np.diff(limits.astype(np.int64)))
        assert sorted(zip(asking.tolist(), positions.tolist(), strict=True)) == expected, f"{name} finds others"
        peers.append((Case(f"faiss, {name}", "peer", lambda index=index: index.range_search(queries, RADIUS + 1)), 1))
    return peers


def _imagededup_peers(known: Hashes, new: Hashes, expected: Pairs) -> list[tuple[Case, int]]:
    if not find_spec("imagededup"):
        return []
    from imagededup.handlers.search.bktree import BKTree
    from imagededup.handlers.search.brute_force_cython import BruteForceCython

    held = {str(i): f"{value:016x}" for i, value in enumerate(known.view(np.uint64)[:, 0].tolist())}
    queries = [f"{value:016x}" for value in new.view(np.uint64)[:, 0].tolist()]

    def distance(a: str, b: str) -> int:
        return (int(a, 16) ^ int(b, 16)).bit_count()

    peers = []
    for name, kind in (("compiled brute force", BruteForceCython), ("BK-tree", BKTree)):
        sample = PEER_SAMPLE
        searcher = kind(held, distance)
        for i in range(sample):
            found = sorted(int(place) for place, _ in searcher.search(queries[i], RADIUS))
            assert found == [j for asking, j in expected if asking == i], f"imagededup's {name} finds others"
        peers.append(
            (
                Case(
                    _part(f"imagededup, {name}", sample),
                    "peer",
                    lambda searcher=searcher, sample=sample: [searcher.search(q, RADIUS) for q in queries[:sample]],
                ),
                NEW // sample,
            )
        )
    return peers


def _count_only(known: Hashes, new: Hashes) -> None:
    queries, targets = new.view(np.uint64)[:SCAN_SAMPLE], known.view(np.uint64)[:, 0]
    for first in range(0, SCAN_SAMPLE, SCAN_QUERIES):
        block = queries[first : first + SCAN_QUERIES]
        for start in range(0, KNOWN, SCAN_ROWS):
            np.bitwise_count(block ^ targets[None, start : start + SCAN_ROWS])


def _part(what: str, queries: int) -> str:
    return f"{what} ({queries} queries, time x {NEW // queries:,})"


def _scaled(row: Row, scale: int) -> Row:
    return replace(row, seconds=tuple(seconds * scale for seconds in row.seconds))


def _upkeep(index: HashIndex, names: list[str], known: Hashes, new: Hashes) -> list[str]:
    """Tell what adding, saving and loading take, beside building and writing it all."""
    more, digests = _names(KNOWN, NEW), np.frombuffer(bytes.fromhex("".join(names)), np.uint8).reshape(-1, 32)
    owners = np.arange(KNOWN)
    added, grown = _best(lambda: index.add(more, new))
    rebuilt, _ = _best(lambda: build(digests, known[:, 0].view(np.uint64), owners))
    sizes = ", ".join(f"{segment.photos:,}" for segment in index.segments)
    with tempfile.TemporaryDirectory() as folder:
        objects, work = LocalStore(Path(folder) / "lake"), Path(folder)
        started = time.perf_counter()
        save(objects, index, work)
        saved = time.perf_counter() - started
        record = save(objects, grown, work)
        loaded, mapped = _best(lambda: load(objects, record, work))
        with_more = mapped.add(_names(KNOWN + NEW, NEW), new)
        started = time.perf_counter()
        save(objects, with_more, work)
        night = time.perf_counter() - started
    adding = (
        f"adding {NEW:,} to {KNOWN:,} took {added * 1000:.0f} ms, building all anew {rebuilt * 1000:.0f} ms: "
        f"{rebuilt / added:.0f} times as long"
    )
    keeping = (
        f"saving it whole took {saved * 1000:.0f} ms, a night's addition {night * 1000:.0f} ms, loading (digests "
        f"checked) {loaded * 1000:.0f} ms"
    )
    size = f"segments of {sizes} photos; {index.nbytes / KNOWN:.0f} bytes a photo with one hash, its name included"
    return [adding, size, keeping]


def _clustered() -> str:
    """Tell how the search fares where hashes are not spread evenly."""
    random = np.random.default_rng(1)
    centres = random.integers(-(2**63), 2**63, size=20_000, dtype=np.int64)
    turned = np.zeros((KNOWN + NEW, 1), np.int64)
    for _ in range(6):
        turned |= np.int64(1) << random.integers(0, 64, size=turned.shape, dtype=np.int64)
    hashes = random.choice(centres, size=turned.shape) ^ turned
    names = _names(2, KNOWN)
    index = HashIndex.empty("benchmark").add(names, hashes[:KNOWN])
    took, (found, _) = _best(lambda: index.search(hashes[KNOWN:], RADIUS))
    return (
        f"with hashes in {len(centres):,} clusters, each up to 6 bits from its centre, ours took {took:.2f} s for "
        f"{len(found):,} pairs"
    )


def _large() -> str:
    """Tell time and memory of an index ten times as large, in a process of its own."""
    told = answer_of("large_index", {"photos": LARGE, "filed": 1, "new": NEW, "radius": RADIUS})
    return (
        f"{LARGE:,} photos: {told['search'] / NEW * 1e6:.0f} microseconds a query, {told['bytes'] / 2**20:,.0f} MiB, "
        f"built in {told['build']:.1f} s with {told['peak_after_build'] / 2**30:.2f} GiB at most; saved in "
        f"{told['save']:.1f} s, loaded in {told['load']:.1f} s, {NEW:,} added in {told['add'] * 1000:.0f} ms"
    )


def _best(work: Callable[[], Answer]) -> tuple[float, Answer]:
    """Return the shortest time of three, seconds, and what came out."""
    shortest = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        answer = work()
        shortest = min(shortest, time.perf_counter() - started)
    return shortest, answer


if __name__ == "__main__":
    print(run().as_text())
