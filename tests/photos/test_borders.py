"""Borders: what is uniform at a side and no more than a quarter goes, everything else stays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.photos.borders import trimmed


def picture(seed: int, shape: tuple[int, int] = (150, 200)) -> np.ndarray:
    """Noise: no row or column of it is uniform."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.tuples(*[st.integers(0, 25)] * 4), st.integers(0, 255))
def test_a_frame_is_trimmed_at_every_side_by_itself(seed: int, sides: tuple[int, int, int, int], level: int) -> None:
    inner = picture(seed)
    top, bottom, left, right = sides
    framed = np.pad(inner, ((top, bottom), (left, right)), constant_values=level)
    assert np.array_equal(trimmed(framed), inner)


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 60))
def test_a_picture_without_a_frame_is_left_as_it_is(seed: int, height: int, width: int) -> None:
    grey = picture(seed, (height, width))
    if min(height, width) >= 8:
        assert trimmed(grey).shape == grey.shape
    assert trimmed(grey).size


def test_a_noisy_frame_is_a_frame() -> None:
    framed = np.pad(picture(1), 10, constant_values=250)
    framed[:10] -= np.random.default_rng(0).integers(0, 6, framed[:10].shape, dtype=np.uint8)
    assert trimmed(framed).shape == (150, 200)


@pytest.mark.parametrize("side", range(4))
def test_what_is_uniform_over_more_than_a_quarter_is_a_sky_or_a_wall(side: int) -> None:
    grey = np.rot90(picture(2), side).copy()
    grey[: len(grey) // 4 + 1] = 255
    grey = np.rot90(grey, -side)
    assert trimmed(grey).shape == grey.shape


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 3), (100, 100)])
def test_a_blank_picture_is_left_as_it_is(shape: tuple[int, int]) -> None:
    assert trimmed(np.full(shape, 9, np.uint8)).shape == shape
