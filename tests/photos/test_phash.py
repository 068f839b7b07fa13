"""Hashes: the bits that imagehash computes, of the picture without its frame; and those by which copies are found."""

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from autodetect.photos.borders import trimmed
from autodetect.photos.phash import CROPS, ENTRIES, HASHED_SIDE, MIRROR, THUMBNAIL_SIDE, Hashes, hashes
from tests.photos.pictures import MARKETPLACE, marketplace_photos

SIZES = st.tuples(st.integers(64, HASHED_SIDE), st.integers(64, HASHED_SIDE))
SEEDS = st.integers(0, 2**32 - 1)


def picture(seed: int, size: tuple[int, int] = (200, 150)) -> np.ndarray:
    """Coarse random blots with no uniform edge, uint8 (h, w)."""
    blots = np.random.default_rng(seed).integers(0, 256, (9, 12), dtype=np.uint8)
    return np.asarray(Image.fromarray(blots).resize(size, Image.Resampling.BICUBIC))


def apart(ours: int, theirs: imagehash.ImageHash) -> int:
    return (ours % 2**64 ^ int(str(theirs), 16)).bit_count()


def compared(grey: np.ndarray) -> tuple[int, int, int, int]:
    """Bits by which phash, dhash and those of the mirrored picture differ from imagehash's."""
    found, image = hashes(grey), Image.fromarray(np.ascontiguousarray(trimmed(grey)))
    turned = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return (
        apart(found.phash, imagehash.phash(image)),
        apart(found.dhash, imagehash.dhash(image)),
        apart(found.phash_mirror, imagehash.phash(turned)),
        apart(found.dhash_mirror, imagehash.dhash(turned)),
    )


def unlike(one: Hashes, other: Hashes) -> int:
    """The least distance of a query of one and an entry of the other."""
    queries, entries = np.array(one.queries, np.int64), np.array(other.entries, np.int64)
    return int(np.bitwise_count((queries[:, None] ^ entries[None, :]).view(np.uint64)).min())


@settings(deadline=None, max_examples=40)
@given(SEEDS, SIZES)
def test_the_bits_are_those_of_imagehash(seed: int, size: tuple[int, int]) -> None:
    assert max(compared(picture(seed, size))) <= 6  # smooth blots: many waves and slopes of nearly nothing


@pytest.mark.skipif(not MARKETPLACE.is_dir(), reason="the recorded marketplace (../shared/marketplace) is not here")
def test_the_bits_of_real_photos_are_those_of_imagehash() -> None:
    found = np.array([compared(np.asarray(photo.convert("L"))) for photo in marketplace_photos(150)])
    assert found[:, [0, 2]].mean() <= 0.3
    assert found[:, [0, 2]].max() <= 4
    assert found[:, [1, 3]].mean() <= 0.7  # neighbours that differ by less than a level, which imagehash rounds
    assert found[:, [1, 3]].max() <= 6


@settings(deadline=None, max_examples=40)
@given(SEEDS, SIZES)
def test_a_mirrored_picture_is_filed_where_its_picture_searches(seed: int, size: tuple[int, int]) -> None:
    grey = picture(seed, size)
    here, there = hashes(grey), hashes(np.ascontiguousarray(grey[:, ::-1]))
    assert (here.phash_mirror % 2**64 ^ there.phash % 2**64).bit_count() <= 4
    assert unlike(here, there) <= 2
    upright, mirrored = (
        np.frombuffer(each.thumbnail, np.uint8).reshape(THUMBNAIL_SIDE, THUMBNAIL_SIDE) for each in (here, there)
    )
    assert np.abs(upright[:, ::-1].astype(int) - mirrored).max() <= 1


@settings(deadline=None, max_examples=40)
@given(SEEDS, SEEDS)
def test_who_is_searched_and_who_is_filed_makes_no_difference(seed: int, other: int) -> None:
    one, two = hashes(picture(seed)), hashes(picture(other))
    assert unlike(one, two) == unlike(two, one)


@settings(deadline=None, max_examples=20)
@given(SEEDS)
def test_queries_are_the_entries_and_their_mirror_images(seed: int) -> None:
    found = hashes(picture(seed))
    assert len(found.entries) == ENTRIES
    assert found.queries == (*found.entries, *(entry ^ int(MIRROR) for entry in found.entries))
    assert all(-(2**63) <= value < 2**63 for value in (found.phash, found.dhash, *found.queries))
    assert 1 < len(set(found.entries)) <= ENTRIES


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.integers(1, 20), st.integers(0, 255))
def test_a_frame_does_not_change_the_hashes(seed: int, border: int, level: int) -> None:
    plain = picture(seed)
    framed = np.pad(plain, border, constant_values=level)
    if trimmed(framed).shape == plain.shape:  # else a row of the picture looks like the frame
        assert hashes(framed).entries == hashes(plain).entries
        assert hashes(framed).phash == hashes(plain).phash
    else:
        assert unlike(hashes(framed), hashes(plain)) <= 8


@pytest.mark.parametrize("share", [*CROPS, 0.03, 0.07, 0.1])
def test_a_centred_crop_is_near_its_picture(share: float) -> None:
    near = 0
    for seed in range(30):
        grey = picture(seed, (240, 180))
        dy, dx = round(180 * share), round(240 * share)
        near += unlike(hashes(grey), hashes(grey[dy : 180 - dy, dx : 240 - dx])) <= 8
    assert near >= 29


def test_a_picture_without_detail_is_filed_under_one_hash_alone() -> None:
    noise = np.random.default_rng(0).integers(126, 130, (150, 200), dtype=np.uint8)
    assert len(set(hashes(noise).entries)) == 1
    assert len(set(hashes(picture(1)).entries)) > 10


def test_a_blank_picture_has_no_contrast() -> None:
    assert hashes(np.full((100, 100), 255, np.uint8)).contrast == 0
    assert hashes(picture(3)).contrast > 20


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (4000, 3), (3, 3), (10_000, 64), (2, 70), (64, 64)])
def test_any_shape_can_be_hashed(size: tuple[int, int]) -> None:
    found = hashes(picture(4, size))
    assert len(found.thumbnail) == THUMBNAIL_SIDE**2
    assert len(found.entries) == ENTRIES


def test_a_large_photo_is_near_itself_reduced() -> None:
    large = picture(5, (1600, 1200))
    small = np.asarray(Image.fromarray(large).resize((200, 150), Image.Resampling.BOX))
    assert unlike(hashes(large), hashes(small)) <= 2
    assert (hashes(large).phash % 2**64 ^ hashes(small).phash % 2**64).bit_count() <= 2
