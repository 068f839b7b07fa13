"""The small matrices: what Pillow and the cosine transform do, written as products."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from autodetect.photos.resampling import SMALL_PRODUCT, box, cosines, gaussian, lanczos, product

LENGTHS = st.integers(1, 300)
SIZES = st.integers(1, 70)


def levels(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


@given(LENGTHS, LENGTHS, SIZES, SIZES)
def test_lanczos_is_pillows_but_for_rounding(height: int, width: int, rows: int, columns: int) -> None:
    grey = levels(height, width)
    there = np.asarray(Image.fromarray(grey).resize((columns, rows), Image.Resampling.LANCZOS), np.float32)
    here = lanczos(height, rows) @ grey.astype(np.float32) @ lanczos(width, columns).T
    assert np.abs(np.clip(here, 0, 255) - there).max() <= 40  # Pillow cuts off at 0 and 255 between its two passes
    assert np.abs(np.clip(here, 0, 255) - there).mean() <= 2


@given(LENGTHS, LENGTHS, SIZES, SIZES)
def test_lanczos_of_a_mild_picture_is_pillows_to_a_grey_level(height: int, width: int, rows: int, columns: int) -> None:
    grey = levels(height, width) // 4 + 96
    there = np.asarray(Image.fromarray(grey).resize((columns, rows), Image.Resampling.LANCZOS), np.float32)
    here = lanczos(height, rows) @ grey.astype(np.float32) @ lanczos(width, columns).T
    assert np.abs(here - there).max() <= 1.3


@given(LENGTHS, SIZES)
def test_areas_are_averaged_whole(length: int, size: int) -> None:
    matrix = box(length, size)
    assert np.allclose(matrix.sum(axis=1), 1, atol=1e-5)
    assert np.allclose(matrix.sum(axis=0), size / length, atol=1e-5)


@given(st.integers(8, 200), st.sampled_from([0.0, 0.02, 0.05, 0.09]))
def test_waves_of_the_inner_part_see_nothing_of_the_outer(length: int, share: float) -> None:
    waves = cosines(length, 8, share)
    outer = int(length * share)
    assert not waves[:, :outer].any()
    assert not waves[:, length - outer :].any()
    assert np.allclose(waves[:, ::-1], waves * np.where(np.arange(8) % 2, -1, 1)[:, None], atol=1e-4)


def test_waves_are_those_of_the_cosine_transform() -> None:
    signal = np.random.default_rng(1).normal(size=32)
    expected = [sum(x * np.cos(np.pi * k * (2 * n + 1) / 64) for n, x in enumerate(signal)) for k in range(8)]
    assert np.allclose(cosines(32, 8) @ signal, expected, atol=1e-4)


@given(st.integers(1, 80), st.floats(0.5, 20))
def test_smoothing_leaves_a_flat_picture_as_it_is(length: int, sigma: float) -> None:
    assert np.allclose(gaussian(length, sigma) @ np.full(length, 7.0), 7, atol=1e-4)


@pytest.mark.parametrize("rows", [1, 2, 3, 8, 79, 80, 200])
@pytest.mark.parametrize("shape", [(150, 200), (1, 1), (64, 48), (362, 362), (1, SMALL_PRODUCT)])
def test_a_product_in_parts_is_the_product(rows: int, shape: tuple[int, int]) -> None:
    random = np.random.default_rng(2)
    matrix = random.normal(size=(rows, shape[0])).astype(np.float32)
    picture = random.normal(size=shape).astype(np.float32)
    assert np.allclose(product(matrix, picture), matrix @ picture, atol=1e-3)


def test_matrices_are_shared_and_cannot_be_changed() -> None:
    assert lanczos(100, 32) is lanczos(100, 32)
    with pytest.raises(ValueError, match="read-only"):
        lanczos(100, 32)[0, 0] = 1
