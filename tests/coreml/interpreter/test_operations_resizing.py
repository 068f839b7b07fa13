"""Images resized, beside TensorFlow's kernels where they have the sampling mode, else its definition."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.coreml.interpreter.evaluation import FORMULA, TENSORFLOW, Fed, check, covers, refused

tf = pytest.importorskip("tensorflow")

SEEDS = st.integers(0, 2**32 - 1)
LENGTHS = st.integers(1, 7)
CORNERS, MIDDLES = {"align_corners": True, "half_pixel_centers": False}, {"half_pixel_centers": True}
MODES = {"DEFAULT": {}, "STRICT_ALIGN_CORNERS": CORNERS, "UNALIGN_CORNERS": MIDDLES}


def picture(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def bilinear(x: np.ndarray, size: tuple[int, int], **how: bool) -> np.ndarray:
    found = tf.raw_ops.ResizeBilinear(images=np.moveaxis(x, 1, -1), size=size, **how).numpy()
    return np.moveaxis(found, -1, 1)


def nearest(x: np.ndarray, size: tuple[int, int], **how: bool) -> np.ndarray:
    found = tf.raw_ops.ResizeNearestNeighbor(images=np.moveaxis(x, 1, -1), size=size, **how).numpy()
    return np.moveaxis(found, -1, 1)


def target(size: tuple[int, int]) -> dict[str, np.int32]:
    return {"target_size_height": np.int32(size[0]), "target_size_width": np.int32(size[1])}


@settings(max_examples=16, deadline=None)
@given(
    sizes=st.tuples(*[LENGTHS] * 2), size=st.tuples(LENGTHS, LENGTHS), mode=st.sampled_from(sorted(MODES)), seed=SEEDS
)
@covers("resize_bilinear", "resize", against=TENSORFLOW)
def test_a_bilinear_resize_gives_what_tensorflow_gives(
    sizes: tuple[int, int], size: tuple[int, int], mode: str, seed: int
) -> None:
    x = picture(seed, 1, 2, *sizes)
    want = bilinear(x, size, **MODES[mode])
    check("resize_bilinear", {"x": Fed(x), "sampling_mode": mode, **target(size)}, want, atol=1e-5)
    how = {"resized_dims": np.uint32(2), "sampling_mode": mode}
    check("resize", {"x": Fed(x), "shape": np.array(size), **how}, want, atol=1e-5)


def sampled(row: np.ndarray, mode: str, count: int) -> np.ndarray:
    """Return the samples of a row as the definition of the mode writes them, index by index."""
    length = len(row)
    delta = max(1, length - 1) / count
    points = []
    for i in range(count):
        if mode == "OFFSET_CORNERS":
            point = 0.5 * delta + i * delta
        elif count == 1:
            point = (length - 1) / 2
        else:
            point = i * (length - 1) / (count - 1)
        points.append(min(length - 1, max(0, point)))
    return np.interp(points, range(length), row)


@settings(max_examples=14, deadline=None)
@given(sizes=st.tuples(*[LENGTHS] * 3), size=st.tuples(LENGTHS, LENGTHS), seed=SEEDS)
@covers("resize_bilinear", "resize", against=FORMULA)
def test_the_other_sampling_modes_are_their_definition(
    sizes: tuple[int, ...], size: tuple[int, int], seed: int
) -> None:
    x = picture(seed, *sizes)
    for mode in ("OFFSET_CORNERS", "ALIGN_CORNERS"):
        tall = np.apply_along_axis(sampled, -2, x.astype(np.float64), mode, size[0])
        want = np.apply_along_axis(sampled, -1, tall, mode, size[1]).astype(np.float32)
        check("resize_bilinear", {"x": Fed(x), "sampling_mode": mode, **target(size)}, want, atol=1e-5)
    how = {"resized_dims": np.uint32(1), "sampling_mode": mode, "interpolation_mode": "LINEAR"}
    wide = np.apply_along_axis(sampled, -1, x.astype(np.float64), mode, size[1]).astype(np.float32)
    check("resize", {"x": Fed(x), "shape": np.array([0, size[1]]), **how}, wide, atol=1e-5)


@settings(max_examples=14, deadline=None)
@given(sizes=st.tuples(LENGTHS, LENGTHS), scales=st.tuples(st.integers(1, 3), st.integers(1, 3)), seed=SEEDS)
@covers("upsample_bilinear", "upsample_nearest_neighbor", against=TENSORFLOW)
def test_an_upsampling_gives_what_tensorflow_gives(sizes: tuple[int, int], scales: tuple[int, int], seed: int) -> None:
    x, size = picture(seed, 1, 2, *sizes), (sizes[0] * scales[0], sizes[1] * scales[1])
    by = {"scale_factor_height": np.int32(scales[0]), "scale_factor_width": np.float32(scales[1])}
    check("upsample_bilinear", {"x": Fed(x), **by}, bilinear(x, size, **CORNERS), atol=1e-5)
    middles = bilinear(x, size, **MIDDLES)
    check("upsample_bilinear", {"x": Fed(x), **by, "align_corners": np.False_}, middles, atol=1e-5)
    how = {"align_corners": np.False_, "half_pixel_centers": np.False_}
    check("upsample_bilinear", {"x": Fed(x), **by, **how}, bilinear(x, size), atol=1e-5)
    check("upsample_nearest_neighbor", {"x": Fed(x), **by}, nearest(x, size))


@settings(max_examples=10, deadline=None)
@given(sizes=st.tuples(LENGTHS, LENGTHS), scale=st.floats(1, 3), seed=SEEDS)
@covers("upsample_nearest_neighbor", against=FORMULA)
def test_a_fraction_of_an_element_is_rounded_down(sizes: tuple[int, int], scale: float, seed: int) -> None:
    x, by = picture(seed, 1, *sizes), np.float32(scale)
    size = [math.floor(float(by * np.float32(length))) for length in sizes]
    rows, columns = ([i * held // count for i in range(count)] for held, count in zip(sizes, size, strict=True))
    want = x[:, rows][:, :, columns]
    check("upsample_nearest_neighbor", {"x": Fed(x), "scale_factor_height": by, "scale_factor_width": by}, want)


@settings(max_examples=14, deadline=None)
@given(sizes=st.tuples(LENGTHS, LENGTHS), size=st.tuples(LENGTHS, LENGTHS), seed=SEEDS)
@covers("resize_nearest_neighbor", "resize", against=TENSORFLOW)
def test_a_nearest_resize_takes_the_middles(sizes: tuple[int, int], size: tuple[int, int], seed: int) -> None:
    x = picture(seed, 1, 2, *sizes)
    want = nearest(x, size, **MIDDLES)
    check("resize_nearest_neighbor", {"x": Fed(x), **target(size)}, want)
    how = {"resized_dims": np.uint32(2), "interpolation_mode": "NEAREST_NEIGHBOR"}
    check("resize", {"x": Fed(x), "shape": np.array(size), **how}, want)


def test_what_the_definition_does_not_say_is_refused() -> None:
    x = Fed(np.ones((1, 1, 2, 2)))
    assert "'SOMEHOW'" in refused("resize_bilinear", {"x": x, "sampling_mode": "SOMEHOW", **target((3, 3))})
    both = {"align_corners": np.True_, "half_pixel_centers": np.True_}
    assert "half_pixel_centers" in refused("upsample_bilinear", {"x": x, **both}, (1, 1, 2, 2))
    how = {"interpolation_mode": "NEAREST_NEIGHBOR", "sampling_mode": "OFFSET_CORNERS", "resized_dims": np.uint32(2)}
    assert "OFFSET_CORNERS" in refused("resize", {"x": x, "shape": np.array([3, 3]), **how})
