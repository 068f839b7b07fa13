import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from autodetect.embeddings.geometry import PIXEL_BIAS, PIXEL_SCALE, preprocessing_name, scale, to_input


@settings(max_examples=25, deadline=None)
@given(width=st.integers(1, 400), height=st.integers(1, 400), size=st.sampled_from([96, 224]))
def test_every_photo_becomes_one_square(width, height, size):
    pixels = to_input(Image.new("RGB", (width, height), (10, 20, 30)), size)
    assert pixels.shape == (size, size, 3)
    assert pixels.dtype == np.uint8
    assert (pixels == (10, 20, 30)).all()


@settings(max_examples=40, deadline=None)
@given(width=st.integers(1, 400), height=st.integers(1, 400), size=st.sampled_from([96, 299]))
def test_a_letterboxed_photo_keeps_its_shape_and_stands_in_the_middle_of_grey(width, height, size):
    pixels = to_input(Image.new("RGB", (width, height), (10, 20, 30)), size, "letterbox")
    assert (pixels.shape, pixels.dtype) == ((size, size, 3), np.uint8)
    photo = (pixels == (10, 20, 30)).all(axis=2)
    assert (pixels[~photo] == 128).all()
    rows, columns = np.flatnonzero(photo.any(axis=1)), np.flatnonzero(photo.any(axis=0))
    assert photo[np.ix_(rows, columns)].all()
    sides = len(columns), len(rows)
    assert max(sides) == size
    for side, given_side in zip(sides, (width, height), strict=True):
        assert abs(side - max(1, given_side * size / max(width, height))) <= 0.5
    for places in (rows, columns):
        assert abs(places[0] - (size - 1 - places[-1])) <= 1


def test_a_square_photo_is_the_same_either_way():
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (150, 150, 3), dtype=np.uint8))
    np.testing.assert_array_equal(to_input(photo, 96), to_input(photo, 96, "letterbox"))


def test_the_whole_photo_is_squashed_and_nothing_is_cropped_or_padded():
    photo = np.zeros((100, 400, 3), np.uint8)
    photo[:, :100], photo[:, 300:] = (255, 0, 0), (0, 0, 255)
    pixels = to_input(Image.fromarray(photo), 96)
    assert (pixels[:, :23] == (255, 0, 0)).all()
    assert (pixels[:, 73:] == (0, 0, 255)).all()
    assert (pixels[:, 26:70] == 0).all()


def test_shrinking_averages_instead_of_picking_pixels():
    checkers = np.indices((960, 960)).sum(axis=0) % 2 * 255
    pixels = to_input(Image.fromarray(np.repeat(checkers[..., None], 3, axis=2).astype(np.uint8)), 96)
    assert np.abs(pixels.astype(int) - 128).max() <= 3


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1"])
def test_other_modes_become_rgb(mode):
    white = Image.new("RGB", (50, 40), (255, 255, 255)).convert(mode)
    assert (to_input(white, 96) == 255).all()


def test_pixels_are_scaled_to_minus_one_to_one():
    every = np.arange(256, dtype=np.uint8)
    scaled = scale(every)
    assert scaled.dtype == np.float32
    assert (scaled[0], scaled[255]) == (-1.0, 1.0)
    assert (np.diff(scaled) > 0).all()
    np.testing.assert_allclose(scaled, every * PIXEL_SCALE + PIXEL_BIAS, atol=1e-6)


def test_the_name_tells_sizes_and_geometries_apart():
    assert preprocessing_name(224) == preprocessing_name(224, "squash") == "squash-bilinear-v1@224"
    assert preprocessing_name(299, "letterbox") == "letterbox-bilinear-v1@299"
