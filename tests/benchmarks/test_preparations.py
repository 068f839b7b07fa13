import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from autodetect.embeddings.geometry import to_input
from benchmarks import preparations
from benchmarks.preparations import GREY, scale_fill, scale_fit, surrounded, trimmed

SIZE = 32
EVERY = {
    "fill": scale_fill,
    "sampled": preparations.sampled,
    "centre": preparations.center_crop,
    "fit": scale_fit(preparations.BLACK),
    "turned": preparations.turned,
    "bgr": preparations.bgr,
    "pressed": preparations.pressed(60),
    "screenshot": preparations.screenshot,
    "trimmed": trimmed(0.1),
    "surrounded": surrounded(0.5),
}


def halves(width: int, height: int) -> Image.Image:
    """Left half red, right half blue."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = 255
    pixels[:, width // 2 :, 2] = 255
    return Image.fromarray(pixels)


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("name", EVERY)
@settings(deadline=None, max_examples=20)
@given(width=st.integers(2, 90), height=st.integers(2, 90))
def test_every_way_gives_a_square_of_any_photo(name: str, width: int, height: int) -> None:
    square = EVERY[name](noise(width, height), SIZE)
    assert square.shape == (SIZE, SIZE, 3)
    assert square.dtype == np.uint8


@settings(deadline=None, max_examples=30)
@given(width=st.integers(2, 90), height=st.integers(2, 90))
def test_scale_fit_on_grey_is_the_projects_letterbox(width: int, height: int) -> None:
    image = noise(width, height)
    np.testing.assert_array_equal(scale_fit(GREY)(image, SIZE), to_input(image, SIZE, "letterbox"))


def test_black_bars_differ_from_grey_ones_outside_the_photo_alone() -> None:
    image = noise(64, 32)
    black, grey = scale_fit(preparations.BLACK)(image, SIZE), scale_fit(GREY)(image, SIZE)
    np.testing.assert_array_equal(black[8:24], grey[8:24])
    assert not black[:8].any()
    assert not black[24:].any()
    assert (grey[:8] == 128).all()


def test_a_centre_crop_leaves_out_the_ends_of_the_longer_side() -> None:
    stripes = np.zeros((40, 80, 3), np.uint8)
    stripes[:, 20:60] = 200
    assert (preparations.center_crop(Image.fromarray(stripes), SIZE)[:, 1:-1] == 200).all()
    assert (preparations.center_crop(Image.fromarray(stripes.transpose(1, 0, 2)), SIZE)[1:-1] == 200).all()


def test_a_screenshot_of_a_wide_photo_shows_nine_sixteenths_of_its_height_in_width() -> None:
    stripes = np.zeros((160, 300, 3), np.uint8)
    stripes[:, 105:195] = 200  # 90 = 160 * 9 / 16
    assert (preparations.screenshot(Image.fromarray(stripes), SIZE)[:, 1:-1] == 200).all()


def test_turned_swaps_the_axes_and_bgr_the_colours() -> None:
    image = halves(64, 64)
    lying, swapped = preparations.turned(image, SIZE), preparations.bgr(image, SIZE)
    assert lying[-1, 0].tolist() == [255, 0, 0]  # what was left is below
    assert lying[0, 0].tolist() == [0, 0, 255]
    assert swapped[0, 0].tolist() == [0, 0, 255]


def test_sampling_is_scale_fill_where_nothing_shrinks_and_aliases_where_it_does() -> None:
    same = noise(SIZE, SIZE)
    np.testing.assert_array_equal(preparations.sampled(same, SIZE), scale_fill(same, SIZE))
    stripes = np.zeros((SIZE * 8, SIZE * 8, 3), np.uint8)
    stripes[:, 3::8] = 255  # an eighth of the columns, all of them where pixels are taken
    fine = Image.fromarray(stripes)
    assert preparations.sampled(fine, SIZE).mean() > 2 * scale_fill(fine, SIZE).mean()


def test_trimming_undoes_surrounding() -> None:
    image = Image.effect_noise((60, 60), 60).convert("RGB")
    larger = surrounded(0.25)(image, 90)
    inner = trimmed(1 / 6)(Image.fromarray(larger), 60)
    assert np.abs(inner.astype(int) - np.asarray(image)).max() <= 1


def test_pressing_costs_detail_but_not_the_picture() -> None:
    image = halves(64, 64)
    difference = np.abs(preparations.pressed(60)(image, SIZE).astype(int) - scale_fill(image, SIZE))
    assert difference.max() > 0
    assert difference.mean() < 12
