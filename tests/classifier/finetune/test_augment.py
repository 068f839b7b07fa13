import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.classifier.finetune.augment import augment, crop_box, erased, recoloured
from autodetect.sections import FinetuneSettings

PLAIN = FinetuneSettings(crop_min_area=1.0, flip=False, colour=0, blur=0, erase=0)
SIDE = 40


def photos(count=6, side=SIDE):
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def test_with_everything_off_a_photo_of_the_right_size_stays_as_it_is():
    np.testing.assert_array_equal(augment(photos(), SIDE, PLAIN, seed=1, number=2), photos())


@given(
    height=st.integers(8, 60),
    width=st.integers(8, 60),
    size=st.integers(8, 48),
    number=st.integers(0, 2**31),
    strength=st.floats(0, 0.99),
    area=st.floats(0.01, 1),
)
def test_any_photo_gives_a_view_of_the_size_asked_for_and_the_same_again(height, width, size, number, strength, area):
    settings = FinetuneSettings(crop_min_area=area, colour=strength, blur=0.5, erase=0.5)
    pictures = np.random.default_rng(number).integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    views = augment(pictures, size, settings, seed=5, number=number)
    assert (views.shape, views.dtype) == ((2, size, size, 3), np.uint8)
    np.testing.assert_array_equal(views, augment(pictures, size, settings, seed=5, number=number))


def test_each_photo_of_each_batch_of_each_seed_gets_a_view_of_its_own():
    same = np.repeat(photos(1), 3, axis=0)
    settings = FinetuneSettings()
    first = augment(same, 32, settings, seed=0, number=0)
    views = [*first, *augment(same, 32, settings, seed=0, number=1), *augment(same, 32, settings, seed=1, number=0)]
    assert len({view.tobytes() for view in views}) == 9
    alone = augment(same[:1], 32, settings, seed=0, number=0)
    np.testing.assert_array_equal(alone[0], first[0])


@given(st.integers(0, 2**31), st.integers(1, 3_000), st.integers(1, 3_000), st.floats(0.01, 1))
def test_a_crop_lies_inside_and_keeps_enough(seed, height, width, least):
    left, upper, right, lower = crop_box(height, width, least, np.random.default_rng(seed))
    assert 0 <= left < right <= width
    assert 0 <= upper < lower <= height
    share = (right - left) * (lower - upper) / (height * width)
    assert least - 1e-6 <= share <= 1 + 1e-6
    stretch = (right - left) / width / ((lower - upper) / height)
    assert 3 / 4 - 1e-6 <= stretch <= 4 / 3 + 1e-6


def test_every_other_photo_is_mirrored():
    flipped = PLAIN.model_copy(update={"flip": True})
    views = augment(np.repeat(photos(1), 400, axis=0), SIDE, flipped, seed=0, number=0)
    mirrored = (views == photos(1)[0, :, ::-1]).all(axis=(1, 2, 3))
    assert (views[~mirrored] == photos(1)[0]).all()
    assert 150 < mirrored.sum() < 250


@pytest.mark.parametrize("level", [0, 90, 255])
def test_colour_keeps_a_grey_photo_grey(level):
    grey = np.full((9, 7, 3), level, dtype=np.uint8)
    result = recoloured(grey, 0.4, np.random.default_rng(level)).astype(int)
    assert np.ptp(result) <= 1


def test_colour_is_brightness_contrast_and_saturation_one_after_the_other():
    photo = photos(1)[0] // 4 + 90  # nothing is cut off
    brightness, contrast, saturation = np.random.default_rng(3).uniform(0.9, 1.1, 3)
    luma = photo @ np.array([0.299, 0.587, 0.114])
    coloured = luma[..., None] + saturation * (photo - luma[..., None])
    expected = brightness * (luma.mean() + contrast * (coloured - luma.mean()))
    result = recoloured(photo, 0.1, np.random.default_rng(3))
    np.testing.assert_allclose(result, expected, atol=0.51)


@given(st.integers(0, 2**31), st.integers(4, 50), st.integers(4, 50))
def test_one_rectangle_is_erased_and_the_rest_untouched(seed, height, width):
    black = np.zeros((height, width, 3), dtype=np.uint8)
    rows, columns, _ = np.nonzero(erased(black, np.random.default_rng(seed)))
    assert not black.any()
    assert len(rows) > 0
    area = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    assert area <= 0.2 * height * width + height + width
