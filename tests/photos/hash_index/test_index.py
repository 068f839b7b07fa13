"""The hash index finds exactly what comparing every pair finds, however photos came in; adding moves few of them."""

from itertools import pairwise, product
from math import log, log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.photos.hash_index import index as index_module
from autodetect.photos.hash_index import probes
from autodetect.photos.hash_index.index import HashIndex
from autodetect.photos.hash_index.probes import chunk_flips, probed, probing_pays, scanned
from autodetect.photos.hash_index.segment import CHUNK_BITS, CHUNK_SHIFTS, Segment, bucket_bits, build
from tests.photos.hash_index.filed import PIPELINE, by_comparison, grown, hashes_of, names_of

SPREADS = st.sampled_from([0, 2, 6, 12, 64])


def found(index: HashIndex, queries: np.ndarray, radius: int) -> list[tuple[int, str]]:
    asking, known = index.search(queries, radius)
    assert sorted(zip(asking.tolist(), known.tolist(), strict=True)) == list(zip(asking, known, strict=True))
    return sorted(zip(asking.tolist(), index.names(known), strict=True))


@settings(max_examples=300)
@given(
    seed=st.integers(0, 2**32),
    photos=st.integers(0, 300),
    filed=st.integers(0, 4),
    new=st.integers(0, 40),
    asked=st.integers(0, 5),
    radius=st.integers(0, 16),
    spread=SPREADS,
    cuts=st.lists(st.floats(0, 1), max_size=6),
)
def test_no_pair_is_lost_and_none_invented(  # type: ignore[no-untyped-def]
    seed, photos, filed, new, asked, radius, spread, cuts
) -> None:
    random = np.random.default_rng(seed)
    names, hashes = names_of(range(photos)), hashes_of(random, photos + new, max(filed, asked), spread)
    known, queries = hashes[:photos, :filed], hashes[photos:, :asked]
    index = grown(names, known, sorted(int(cut * photos) for cut in cuts))
    assert len(index) == photos
    assert found(index, queries, radius) == by_comparison(queries, names, known, radius)


@pytest.mark.parametrize(
    ("way", "radius"), [*((probed, radius) for radius in range(17)), *((scanned, radius) for radius in (0, 8, 16, 64))]
)
@pytest.mark.parametrize("spread", [9, 64])
def test_probing_and_scanning_each_find_all(way, radius: int, spread: int) -> None:  # type: ignore[no-untyped-def]
    random = np.random.default_rng(radius)
    turned = apart(radius, random, bucket_bits(2_000))
    hashes = hashes_of(random, 2_000, 1, spread).view(np.uint64)[:, 0]
    segment = build(_digests(2_000), hashes, np.arange(2_000))
    queries = np.concatenate([hashes[: len(turned)] ^ turned, hashes_of(random, 10, 1, spread).view(np.uint64)[:, 0]])
    pieces = list(way(segment, queries, radius))
    pairs = sorted(pair for asking, rows in pieces for pair in zip(asking.tolist(), rows.tolist(), strict=True))
    expected = np.argwhere(np.bitwise_count(queries[:, None] ^ segment.hashes[None, :]) <= radius)
    assert len(expected) >= len(turned)
    assert pairs == [tuple(pair) for pair in expected.tolist()]


def apart(radius: int, random: np.random.Generator, leading: tuple[int, int, int]) -> np.ndarray:
    """Words with `radius` bits set, in every way to share them out among the chunks, in bits that choose a bucket."""
    words = []
    for first, second in product(range(radius + 1), repeat=2):
        shares = (first, second, radius - first - second)
        if all(0 <= share <= bits for share, bits in zip(shares, CHUNK_BITS, strict=True)):
            word = 0
            for share, bits, shift, choosing in zip(shares, CHUNK_BITS, CHUNK_SHIFTS, leading, strict=True):
                lowest = bits - max(choosing, share)
                places = shift + lowest + random.choice(bits - lowest, size=share, replace=False)
                word |= sum(1 << place for place in places.tolist())
            words.append(word)
    return np.array(words, np.uint64)


@pytest.mark.parametrize("radius", range(65))
def test_the_turns_of_the_chunks_are_enough_and_none_could_be_spared(radius: int) -> None:
    flips = chunk_flips(radius)
    # Turning one bit more in each chunk than it is probed for is the cheapest way not to be found.
    assert sum(each + 1 for each in flips) == radius + 1


def test_both_ways_are_taken() -> None:
    assert probing_pays(1_000_000, 8)
    assert probing_pays(1_000_000, 12)
    assert not probing_pays(1_000, 8)
    assert not probing_pays(100_000, 16)
    assert not probing_pays(10**7, 64)


@given(seed=st.integers(0, 2**32), spread=SPREADS, radius=st.integers(0, 10), limit=st.integers(1, 50))
def test_blocks_are_bounded_and_together_the_whole(seed, spread, radius, limit) -> None:  # type: ignore[no-untyped-def]
    random = np.random.default_rng(seed)
    names, hashes = names_of(range(60)), hashes_of(random, 90, 3, spread)
    index = grown(names, hashes[:60, :2], [7, 40])
    queries = hashes[60:]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_module, "QUERIES_AT_ONCE", 17)
        patch.setattr(index_module, "PAIRS_AT_ONCE", limit)
        patch.setattr(probes, "CANDIDATES_AT_ONCE", limit)
        blocks = list(index.search_blocks(queries, radius))
    for asking, _ in blocks:
        assert 0 < len(asking) <= limit or len(set(asking.tolist())) == 1
    for (before, _), (after, _) in pairwise(blocks):
        assert before[-1] < after[0]
    pairs = [(i, name) for asking, known in blocks for i, name in zip(asking, index.names(known), strict=True)]
    assert sorted(pairs) == by_comparison(queries, names, hashes[:60, :2], radius)
    assert len(pairs) == len(set(pairs))


def test_photos_that_all_look_alike_are_all_told_in_blocks() -> None:
    index = grown(names_of(range(3_000)), np.full((3_000, 4), 77), [1_000])
    assert [segment.rows for segment in index.segments] == [3_000]
    sizes = [len(asking) for asking, _ in index.search_blocks(np.full((2_000, 2), 77), 8)]
    assert sum(sizes) == 3_000 * 2_000
    assert max(sizes) <= index_module.PAIRS_AT_ONCE


@given(
    sizes=st.lists(st.integers(0, 60), max_size=30),
    order=st.randoms(use_true_random=False),
)
def test_adding_moves_few_photos_and_segments_stay_few(sizes, order) -> None:  # type: ignore[no-untyped-def]
    total = sum(sizes)
    names, hashes = names_of(range(total)), hashes_of(np.random.default_rng(total), total, 2, 64)
    order.shuffle(names)
    index, moved, start = HashIndex.empty(PIPELINE), 0, 0
    for size in sizes:
        before = set(index.segments)
        index = index.add(names[start : start + size], hashes[start : start + size])
        moved += sum(segment.photos for segment in index.segments if segment not in before)
        start += size
        assert len(index) == start
        for larger, smaller in pairwise(index.segments):
            assert larger.photos >= 2 * smaller.photos
    # Each photo is written once, and again only into a segment at least half as large again.
    assert moved <= total * (1 + log(max(total, 1), 1.5))
    assert len(index.segments) <= log2(total + 1) + 1


def test_one_night_s_photos_leave_the_large_segments_alone() -> None:
    hashes = hashes_of(np.random.default_rng(0), 20_200, 1, 64)
    names = names_of(range(20_200))
    index = grown(names[:20_000], hashes[:20_000], [])
    after = index.add(names[20_000:], hashes[20_000:])
    assert after.segments[0] is index.segments[0]
    assert [segment.photos for segment in after.segments] == [20_000, 200]
    assert len(index) == 20_000


def test_the_same_photos_make_the_same_segment_in_whatever_order_they_come() -> None:
    hashes = hashes_of(np.random.default_rng(1), 500, 3, 4)
    names = names_of(range(500))
    shuffled = np.random.default_rng(2).permutation(500)
    one = grown(names, hashes, [3, 50, 240]).segments
    other = grown([names[i] for i in shuffled], hashes[shuffled][:, ::-1], []).segments
    assert len(one) == len(other) == 1
    for ours, theirs in zip(arrays(one[0]), arrays(other[0]), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_equal_hashes_of_a_photo_are_filed_once() -> None:
    index = HashIndex.empty(PIPELINE).add(names_of(range(2)), np.array([[5, 5, 5, 9], [5, 5, 5, 5]]))
    assert index.segments[0].rows == 3
    assert found(index, np.array([[5]]), 0) == [(0, name) for name in sorted(names_of(range(2)))]


def test_a_photo_is_filed_once() -> None:
    names, hashes = names_of(range(9)), hashes_of(np.random.default_rng(3), 9, 1, 64)
    index = grown(names, hashes, [6])
    with pytest.raises(ValueError, match=f"1 photos are filed already, the first of them {names[4]}"):
        index.add([names_of(range(9, 10))[0], names[4]], hashes[:2])
    with pytest.raises(ValueError, match="filed twice"):
        index.add(names_of(range(20, 21)) * 2, hashes[:2])
    assert sorted(index.names(np.arange(len(index)))) == sorted(names)


def test_names_that_end_or_begin_in_zeros_are_told_apart() -> None:
    names = ["00" * 32, "ab" + "00" * 31, "ab00" + "00" * 29 + "01", "ff" * 31 + "00", "00" * 31 + "01"]
    index = HashIndex.empty(PIPELINE).add(names, np.arange(5)[:, None])
    assert index.names(np.arange(5)) == sorted(names)
    for name in names:
        with pytest.raises(ValueError, match=f"filed already, the first of them {name}"):
            index.add([name], np.zeros((1, 1), np.int64))
    assert len(index.add(["ab" + "00" * 30 + "02", "ff" * 32], np.arange(2)[:, None])) == 7
    assert found(index, np.array([[3]]), 0) == [(0, names[3])]


@pytest.mark.parametrize("names", [["ab"], ["g" * 64], [" " + "a" * 63], ["a" * 32, "b" * 96]])
def test_a_name_that_is_no_digest_is_refused(names: list[str]) -> None:
    with pytest.raises(ValueError, match="is no SHA-256"):
        HashIndex.empty(PIPELINE).add(names, np.zeros((len(names), 1), np.int64))


def test_wrong_shapes_and_radii_are_refused() -> None:
    index = HashIndex.empty(PIPELINE)
    with pytest.raises(ValueError, match="not int64 \\(3,\\)"):
        index.search(np.zeros(3, np.int64), 8)
    with pytest.raises(ValueError, match="not float64"):
        index.add(names_of(range(1)), np.zeros((1, 1)))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="2 names for the hashes of 1 photos"):
        index.add(names_of(range(2)), np.zeros((1, 1), np.int64))
    for radius in (-1, 65):
        with pytest.raises(ValueError, match="a radius of"):
            index.search(np.zeros((1, 1), np.int64), radius)
    with pytest.raises(IndexError, match="photos are 0"):
        index.names(np.array([0]))


@pytest.mark.parametrize("filed", [1, 4])
def test_ten_million_photos_take_little_more_than_a_gib(filed: int) -> None:
    photos = 40_000
    hashes = hashes_of(np.random.default_rng(4), photos, filed, 64)
    segment = grown(names_of(range(photos)), hashes, []).segments[0]
    rows, tables = photos * filed, sum(starts.nbytes for starts in segment.starts)
    # A name 32 bytes; a hash 8, its owner 4, its place in the two other orders 4 each; 8 to 16 for the buckets of each
    # chunk, until all of its bits choose a bucket: 4 bytes for each of 2**22 + 2 * 2**21.
    assert segment.nbytes == photos * 32 + rows * 20 + tables
    assert tables <= min(rows * 48, 4 * 2**23) + 12
    assert 10**7 * (32 + 20 * filed) + 4 * 2**23 + 12 < 1.1 * 2**30  # building takes three times that


def arrays(segment: Segment) -> list[np.ndarray]:
    return [segment.names, segment.hashes, segment.owners, *segment.orders, *segment.starts]


def _digests(photos: int) -> np.ndarray:
    return np.frombuffer(bytes.fromhex("".join(names_of(range(photos)))), np.uint8).reshape(-1, 32)
