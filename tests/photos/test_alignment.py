"""Alignment: a picture is found again in a copy that was moved, enlarged, mirrored or tilted; in another it is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from autodetect.photos.alignment import align, detail_of
from autodetect.photos.phash import THUMBNAIL_SIDE

SEEDS = st.integers(0, 2**32 - 1)


def scene(seed: int) -> Image.Image:
    """Blots on three scales, 240 x 240."""
    rng = np.random.default_rng(seed)
    whole = np.zeros((240, 240))
    for patches, spread in ((4, 40), (12, 30), (40, 20)):
        layer = Image.fromarray(rng.normal(0, spread, (patches, patches)).astype(np.float32))
        whole += np.asarray(layer.resize((240, 240), Image.Resampling.BICUBIC))
    return Image.fromarray(np.clip(whole + 128, 0, 255).astype(np.uint8))


def thumbnail(image: Image.Image) -> np.ndarray:
    return np.asarray(image.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX))


def agreed(one: Image.Image, other: Image.Image) -> float:
    return float(align(thumbnail(one)[None], thumbnail(other)[None]).detail[0])


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.floats(0, 0.2), st.floats(0, 1), st.floats(0, 1), st.floats(-5, 5), st.booleans())
def test_a_moved_enlarged_tilted_or_mirrored_copy_agrees(
    seed: int, cut: float, left: float, top: float, degrees: float, mirror: bool
) -> None:
    image = scene(seed)
    copy = image.rotate(degrees, Image.Resampling.BICUBIC)
    x, y, kept = 240 * cut * left, 240 * cut * top, 240 * (1 - cut)
    copy = copy.resize((200, 200), Image.Resampling.BICUBIC, box=(x, y, x + kept, y + kept))
    if mirror:
        copy = copy.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert max(agreed(image, copy), agreed(copy, image)) > 0.8


@settings(deadline=None, max_examples=40)
@given(SEEDS, SEEDS)
def test_another_picture_does_not_agree(seed: int, other: int) -> None:
    if seed != other:
        assert agreed(scene(seed), scene(other)) < 0.6


def test_gain_and_level_do_not_matter() -> None:
    image = scene(1)
    assert agreed(image, image.point(lambda level: level // 2 + 60)) > 0.98


def test_the_map_tells_where_a_place_went() -> None:
    image = scene(2)
    copy = image.crop((24, 0, 240, 216)).resize((240, 240))  # 0.9 of it, the left and the bottom cut off
    found = align(thumbnail(copy)[None], thumbnail(image)[None]).maps[0]
    assert found == pytest.approx([0.1, 0.9, 0, -0.1, 0, 0.9], abs=0.02)


def test_pairs_do_not_influence_each_other() -> None:
    ones = np.stack([thumbnail(scene(seed)) for seed in range(6)])
    others = np.stack([thumbnail(scene(seed + seed % 2).rotate(3)) for seed in range(6)])
    together = align(ones, others)
    for place in range(6):
        alone = align(ones[place : place + 1], others[place : place + 1])
        assert alone.detail[0] == pytest.approx(together.detail[place], abs=1e-3)
    assert align(ones[:0], others[:0]).detail.shape == (0,)


def test_flat_pictures_agree_with_nothing() -> None:
    flat = np.full((1, THUMBNAIL_SIDE, THUMBNAIL_SIDE), 7, np.uint8)
    assert align(flat, flat).detail[0] == -1
    assert detail_of(flat)[0] == pytest.approx(0, abs=1e-3)
    assert detail_of(thumbnail(scene(3))[None])[0] > 5
