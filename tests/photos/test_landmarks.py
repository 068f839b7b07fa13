"""Landmarks and windows: the same places in a mirrored, moved or tilted picture."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.photos.landmarks import APART, MOST_WINDOWS, POINTS, SAMPLES, landmarks, windows

SEEDS = st.integers(0, 2**32 - 1)


def dots(places: list[tuple[float, float, float]], shape: tuple[int, int] = (48, 64)) -> np.ndarray:
    """Round dots of two pixels at (y, x), with a strength each."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    picture = sum(s * np.exp(-((y - dy) ** 2 + (x - dx) ** 2) / 8) for dy, dx, s in places)
    return np.asarray(picture, np.float32)


def blots(seed: int, shape: tuple[int, int] = (48, 64)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    places = zip(rng.uniform(0, shape[0], 25), rng.uniform(0, shape[1], 25), rng.normal(0, 60, 25), strict=True)
    return dots([*places], shape)


@settings(deadline=None, max_examples=60)
@given(st.floats(8, 40), st.floats(8, 56))
def test_a_dot_is_found_where_it_is_between_the_pixels_too(y: float, x: float) -> None:
    blobs, _ = landmarks(dots([(y, x, 100)]))
    assert blobs[0] == pytest.approx([y, x], abs=0.15)


def test_the_stronger_of_two_dots_comes_first_and_those_too_near_count_once() -> None:
    blobs, _ = landmarks(dots([(24, 20, 60), (24, 44, 100)]))
    assert blobs[:2] == pytest.approx(np.array([[24, 44], [24, 20]]), abs=0.3)
    near, _ = landmarks(dots([(24, 30, 100), (24, 35, 90)]))
    assert min(np.hypot(*(near[0] - other)) for other in near[1:]) >= APART * 64 - 1


@settings(deadline=None, max_examples=60)
@given(SEEDS)
def test_a_mirrored_picture_has_the_mirrored_windows(seed: int) -> None:
    picture = blots(seed)
    mirrored = np.ascontiguousarray(picture[:, ::-1])
    here, there = (windows(each, landmarks(each)).reshape(-1, SAMPLES, SAMPLES) for each in (picture, mirrored))
    assert len(here) == len(there) > 0
    assert np.allclose(here[:, :, ::-1], there, atol=1)


def test_windows_move_and_turn_with_their_landmarks() -> None:
    flat = [(20.0, 20.0, 100.0), (20.0, 44.0, 80.0), (26.0, 30.0, -50.0)]
    angle = np.radians(5)
    middle = np.array([24.0, 32.0])
    turned = []
    for y, x, strength in flat:
        dy, dx = y - middle[0], x - middle[1]
        turned.append(
            (24 + dy * np.cos(angle) + dx * np.sin(angle), 32 + dx * np.cos(angle) - dy * np.sin(angle), strength)
        )
    pictures = [dots(flat), dots(turned)]
    kinds = [(landmarks(each)[0][:2], np.empty((0, 2), np.float32)) for each in pictures]
    one, other = (windows(picture, points) for picture, points in zip(pictures, kinds, strict=True))
    assert len(one) == len(other) == 1
    assert np.corrcoef(one[0], other[0])[0, 1] > 0.99


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.integers(8, 64), st.integers(8, 64))
def test_there_are_never_too_many_and_few_do_no_harm(seed: int, height: int, width: int) -> None:
    picture = blots(seed, (height, width))
    kinds = landmarks(picture)
    assert max(len(points) for points in kinds) <= POINTS
    found = windows(picture, kinds)
    assert found.shape[0] <= MOST_WINDOWS
    assert found.shape[1] == SAMPLES**2
    assert np.isfinite(found).all()


def test_a_blank_picture_has_none() -> None:
    blank = np.zeros((48, 64), np.float32)
    assert windows(blank, landmarks(blank)).shape == (0, SAMPLES**2)
