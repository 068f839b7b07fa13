"""Hashes: the bits that imagehash computes, of the picture without its frame, and of its mirror image."""

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from autodetect.photos.phash import CROPS, HASHED_SIDE, THUMBNAIL_SIDE, hashes, trim_border

SIZES = st.tuples(st.integers(64, HASHED_SIDE), st.integers(64, HASHED_SIDE))


def picture(seed: int, size: tuple[int, int] = (200, 150)) -> Image.Image:
    """Coarse random blots with no uniform edge."""
    blots = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(blots).resize(size, Image.Resampling.BICUBIC)


def bits(value: imagehash.ImageHash) -> int:
    return int(str(value), 16)


def unsigned(value: int) -> int:
    return value % 2**64


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), SIZES)
def test_the_bits_are_those_of_imagehash(seed: int, size: tuple[int, int]) -> None:
    grey = picture(seed, size).convert("L")
    found = hashes(picture(seed, size))
    assert trim_border(grey) is grey
    assert unsigned(found.phash) == bits(imagehash.phash(grey))
    assert unsigned(found.dhash) == bits(imagehash.dhash(grey))
    for share, crop in zip(CROPS, found.phash_crops, strict=True):
        dx, dy = round(grey.width * share), round(grey.height * share)
        inner = grey.crop((dx, dy, grey.width - dx, grey.height - dy))
        assert unsigned(crop) == bits(imagehash.phash(inner))
    assert all(-(2**63) <= value < 2**63 for value in (found.phash, found.dhash, *found.phash_crops))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), SIZES)
def test_the_mirror_hash_is_the_hash_of_the_mirrored_picture(seed: int, size: tuple[int, int]) -> None:
    here, there = hashes(picture(seed, size)), hashes(ImageOps.mirror(picture(seed, size)))
    assert (here.phash_mirror, there.phash_mirror) == (there.phash, here.phash)
    upright, mirrored = (
        np.frombuffer(each.thumbnail, np.uint8).reshape(THUMBNAIL_SIDE, THUMBNAIL_SIDE) for each in (here, there)
    )
    assert np.corrcoef(upright[:, ::-1].ravel(), mirrored.ravel())[0, 1] > 0.99


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.sampled_from(["white", "black", "#777777"]))
def test_a_frame_does_not_change_the_hashes(seed: int, border: int, colour: str) -> None:
    plain = picture(seed).convert("L")
    framed = ImageOps.expand(plain, border, fill=Image.new("RGB", (1, 1), colour).convert("L").getpixel((0, 0)))
    trimmed = trim_border(framed)
    assert abs(trimmed.width - plain.width) <= 4  # a row of the picture may look like the frame
    assert abs(trimmed.height - plain.height) <= 4
    if trimmed.size == plain.size:
        assert hashes(framed.convert("RGB")).phash == hashes(plain.convert("RGB")).phash


def test_a_noisy_frame_is_a_frame() -> None:
    framed = np.asarray(ImageOps.expand(picture(1).convert("L"), 10, fill=250)).copy()
    framed[:10] -= np.random.default_rng(0).integers(0, 6, framed[:10].shape, dtype=np.uint8)
    assert trim_border(Image.fromarray(framed)).size == (200, 150)


@pytest.mark.parametrize(
    "box",
    [(0, 60, 200, 150), (0, 20, 200, 150), (0, 0, 200, 130), (30, 0, 200, 150), (60, 0, 140, 150)],
    ids=["sky", "strip of sky", "road", "wall", "two wide walls"],
)
def test_what_is_uniform_on_one_side_only_or_too_wide_is_no_frame(box: tuple[int, int, int, int]) -> None:
    image = Image.new("L", (200, 150), 255)
    image.paste(picture(2).convert("L").crop(box), box)
    assert trim_border(image) is image


def test_a_blank_picture_is_left_as_it_is_and_has_no_contrast() -> None:
    blank = Image.new("RGB", (100, 100), "white")
    assert trim_border(blank.convert("L")).size == (100, 100)
    assert hashes(blank).contrast == 0
    assert hashes(picture(3)).contrast > 20


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (4000, 3), (3, 3), (10_000, 64)])
def test_any_shape_can_be_hashed(size: tuple[int, int]) -> None:
    found = hashes(picture(4, size))
    assert len(found.thumbnail) == THUMBNAIL_SIDE**2
    assert len(found.phash_crops) == len(CROPS)


def test_hashing_a_large_photo_equals_hashing_it_reduced() -> None:
    large = picture(5, (1600, 1200))
    small = large.convert("L")
    small.thumbnail((HASHED_SIDE, HASHED_SIDE), Image.Resampling.BOX)
    assert unsigned(hashes(large).phash) == bits(imagehash.phash(small))
