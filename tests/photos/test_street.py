import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from autodetect.photos.decode import decode
from autodetect.photos.street import HEIGHT, MOST_TURN, STREET, WIDTH, street

RECORDED = Path(__file__).parents[3] / "shared" / "marketplace" / "photos"
MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "CMYK", "YCbCr", "HSV", "LAB", "I", "F", "I;16")


def scene(width: int = 320, height: int = 240) -> Image.Image:
    """Sky above, ground below, a dark box between: smooth colours that survive another JPEG library."""
    rows, columns = np.mgrid[0:height, 0:width]
    pixels = np.where((rows < height * 0.55)[..., None], (150, 190, 230), (110, 105, 100)).astype(np.uint8)
    box = (abs(rows / height - 0.55) < 0.25) & (abs(columns / width - 0.5) < 0.35)
    pixels[box] = (170, 30, 40)
    return Image.fromarray(pixels)


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image, dtype=np.float64)


@settings(max_examples=40)
@given(
    mode=st.sampled_from(MODES),
    width=st.integers(1, 700),
    height=st.integers(1, 700),
    seed_text=st.text(max_size=8),
)
def test_every_size_and_mode_becomes_a_phones_photo(mode: str, width: int, height: int, seed_text: str) -> None:
    seen = street(Image.new(mode, (width, height)), seed_text)
    assert (seen.mode, seen.size) == ("RGB", (WIDTH, HEIGHT))


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (2, 3), (4000, 3000)])
def test_extreme_sizes_cost_no_more_than_others(size: tuple[int, int]) -> None:
    assert street(Image.new("RGB", size, "white"), "photo").size == (WIDTH, HEIGHT)


def test_a_photo_has_one_view_whatever_came_before() -> None:
    photo = scene()
    untouched = photo.tobytes()
    first = street(photo, "a").tobytes()
    street(photo, "b")
    np.random.seed(1)  # noqa: NPY002 - the global generator must not matter
    assert street(photo, "a").tobytes() == first
    assert street(photo, "b").tobytes() != first
    assert photo.tobytes() == untouched


def test_a_view_that_looks_otherwise_needs_another_name() -> None:
    """Coarse enough for another JPEG library; where this fails on purpose, `STREET` changes with it."""
    seen = street(scene(), "fingerprint").convert("L").resize((3, 4), Image.Resampling.BOX)
    assert STREET == "street-v1"
    expected = [[102, 103, 103], [102, 102, 102], [59, 36, 60], [53, 53, 53]]
    np.testing.assert_allclose(pixels(seen), expected, atol=2)


def test_it_is_darker_and_its_corners_are_filled() -> None:
    for seed in range(30):
        seen = pixels(street(Image.new("RGB", (300, 200), (230, 230, 230)), str(seed)))
        assert 60 < seen.mean() < 215
        # A turned photo without surroundings would show black corners.
        corners = [
            seen[rows, columns].mean()
            for rows in (slice(8), slice(-8, None))
            for columns in (slice(8), slice(-8, None))
        ]
        assert min(corners) > 0.85 * seen.mean()


def test_the_car_is_smaller_and_detail_stays_with_it() -> None:
    checks = np.kron(np.indices((24, 32)).sum(axis=0) % 2, np.ones((10, 10))) * 255
    photo = Image.fromarray(checks.astype(np.uint8)).convert("RGB")
    for seed in range(20):
        seen = pixels(street(photo, str(seed)))[..., 0]
        strips = seen.reshape(16, HEIGHT // 16, WIDTH).std(axis=(1, 2))
        assert strips.max() > 3 * strips[0]  # above the photo: out of focus
        detailed = (strips > 0.6 * strips.max()).mean()
        assert 0.3 < detailed < 0.75


def test_cars_are_turned_either_way_by_a_few_degrees() -> None:
    """The slope of a level horizon in the view, in degrees."""
    horizon_alone = scene().crop((0, 0, 30, 240)).resize((320, 240))
    slopes = []
    for seed in range(30):
        light = pixels(street(horizon_alone, str(seed)))[..., 2]
        sky = light > (light[:40].mean() + light[-40:].mean()) / 2
        left, right = sky[:, 20:30].sum() / 10, sky[:, -30:-20].sum() / 10
        slopes.append(np.degrees(np.arctan2(right - left, WIDTH - 50)))
    assert -MOST_TURN - 0.5 < min(slopes) < -2
    assert 2 < max(slopes) < MOST_TURN + 0.5


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded marketplace (../shared/marketplace) is not here")
def test_real_photos_become_darker_views_that_still_show_something() -> None:
    framed = 0
    for path in sorted(RECORDED.iterdir())[::180]:
        data = path.read_bytes()
        image = decode(data, max_pixels=60_000_000).image
        if image is None:
            continue
        seen = pixels(street(image, hashlib.sha256(data).hexdigest()))
        assert seen.shape == (HEIGHT, WIDTH, 3)
        if min(image.size) >= 64:
            framed += 1
            assert 5 < seen.mean() < 200
            assert seen.std() > 5
    assert framed > 15
