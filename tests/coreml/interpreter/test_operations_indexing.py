"""Elements chosen by index and by size, tensors made of a shape, images resized: beside TensorFlow's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as shapes

from tests.coreml.interpreter.evaluation import FORMULA, TENSORFLOW, Fed, check, covers, refused

tf = pytest.importorskip("tensorflow")

SEEDS = st.integers(0, 2**32 - 1)
SHAPES = shapes.array_shapes(max_dims=4, max_side=5)


def distinct(seed: int, *shape: int) -> np.ndarray:
    """Return floats of which no two are equal."""
    return np.random.default_rng(seed).permutation(int(np.prod(shape))).reshape(shape).astype(np.float32) - 3


@settings(max_examples=16, deadline=None)
@given(shape=SHAPES, picked=shapes.array_shapes(min_dims=0, max_dims=3, max_side=3), seed=SEEDS, data=st.data())
@covers("gather", against=TENSORFLOW)
def test_slices_are_gathered_along_any_axis(
    shape: tuple[int, ...], picked: tuple[int, ...], seed: int, data: st.DataObject
) -> None:
    x, rng = distinct(seed, *shape), np.random.default_rng(seed)
    axis = data.draw(st.integers(0, len(shape) - 1))
    batch = data.draw(st.integers(0, min(axis, 1)))
    picked = (*shape[:batch], *picked)
    indices = rng.integers(0, shape[axis], picked)
    want = tf.gather(x, indices, axis=axis, batch_dims=batch).numpy()
    back = np.where(rng.uniform(size=picked) < 0.3, indices - shape[axis], indices)
    said = axis - len(shape) if data.draw(st.booleans()) else axis
    how = {"axis": np.int32(said), "batch_dims": np.int32(batch)}
    check("gather", {"x": Fed(x), "indices": Fed(back), **how}, want)
    check("gather", {"x": Fed(x), "indices": back, **how}, want)
    check("gather", {"x": x, "indices": Fed(indices), **how}, want)


@settings(max_examples=16, deadline=None)
@given(shape=SHAPES, seed=SEEDS, data=st.data())
@covers("gather_along_axis", against=FORMULA)
def test_elements_are_taken_along_an_axis(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    x, rng = distinct(seed, *shape), np.random.default_rng(seed)
    axis, picked = data.draw(st.integers(-len(shape), len(shape) - 1)), list(shape)
    picked[axis] = data.draw(st.integers(1, 4))
    indices = rng.integers(-shape[axis], shape[axis], picked)
    want = np.take_along_axis(x, indices, axis)
    check("gather_along_axis", {"x": Fed(x), "indices": Fed(indices), "axis": np.int32(axis)}, want)
    check("gather_along_axis", {"x": Fed(x), "indices": indices, "axis": np.int32(axis)}, want)


@settings(max_examples=16, deadline=None)
@given(shape=SHAPES, front=st.lists(st.integers(1, 3), max_size=2), seed=SEEDS, data=st.data())
@covers("gather_nd", against=TENSORFLOW)
def test_slices_are_gathered_by_vectors(
    shape: tuple[int, ...], front: list[int], seed: int, data: st.DataObject
) -> None:
    x, rng = distinct(seed, *shape), np.random.default_rng(seed)
    batch = data.draw(st.integers(0, min(1, len(shape) - 1)))
    depth = data.draw(st.integers(1, len(shape) - batch))
    lead = [*shape[:batch], *front]
    limits = np.array(shape[batch : batch + depth])
    indices = np.stack([rng.integers(0, limit, lead) for limit in limits], -1)
    want = tf.gather_nd(x, indices, batch_dims=batch).numpy()
    back = np.where(rng.uniform(size=indices.shape) < 0.3, indices - limits, indices)
    check("gather_nd", {"x": Fed(x), "indices": Fed(back), "batch_dims": np.int32(batch)}, want)
    check("gather_nd", {"x": x, "indices": Fed(back), "batch_dims": np.int32(batch)}, want)


@pytest.mark.parametrize("batch", [1, 2])
@covers("gather", against=TENSORFLOW)
def test_a_batch_of_one_gathers_too(batch: int) -> None:
    x, indices = distinct(0, 1, 1, 4), np.array([[[3, 0]]])
    want = tf.gather(x, indices, axis=2, batch_dims=batch).numpy()
    how = {"axis": np.int32(2), "batch_dims": np.int32(batch)}
    check("gather", {"x": Fed(x), "indices": Fed(indices), **how}, want)


def test_constant_indices_beyond_the_tensor_are_refused_where_validation_is_asked_for() -> None:
    inputs = {"x": Fed(np.ones((2, 3))), "indices": np.array([[0, 3]]), "validate_indices": np.True_}
    assert "beyond [3]" in refused("gather", {**inputs, "axis": np.int32(1)})
    assert "beyond [3]" in refused("gather_along_axis", {**inputs, "axis": np.int32(1)})
    assert "beyond [2, 3]" in refused("gather_nd", inputs)


@settings(max_examples=14, deadline=None)
@given(shape=SHAPES, seed=SEEDS, exclusive=st.booleans(), reverse=st.booleans(), data=st.data())
@covers("cumsum", against=TENSORFLOW)
def test_sums_run_along_an_axis(
    shape: tuple[int, ...], seed: int, exclusive: bool, reverse: bool, data: st.DataObject
) -> None:
    x = np.random.default_rng(seed).integers(-9, 9, shape)
    x = x.astype(np.float32 if seed % 2 else np.int32)
    axis = data.draw(st.integers(-1, len(shape) - 1))
    want = tf.cumsum(x, axis, exclusive=exclusive, reverse=reverse).numpy()
    how = {"axis": np.int32(axis), "exclusive": np.bool_(exclusive), "reverse": np.bool_(reverse)}
    check("cumsum", {"x": Fed(x), **how}, want)
    check("cumsum", {"x": Fed(x)}, tf.cumsum(x).numpy())


@settings(max_examples=14, deadline=None)
@given(shape=SHAPES, seed=SEEDS, ascending=st.booleans(), data=st.data())
@covers("topk", "argsort", against=TENSORFLOW)
def test_the_largest_and_the_smallest_come_in_order(
    shape: tuple[int, ...], seed: int, ascending: bool, data: st.DataObject
) -> None:
    x, axis = distinct(seed, *shape), data.draw(st.integers(-len(shape), len(shape) - 1))
    last = np.moveaxis(x, axis, -1)
    k = data.draw(st.integers(1, last.shape[-1]))
    found = tf.math.top_k(-last if ascending else last, k)
    values, places = (np.moveaxis(one.numpy(), -1, axis) for one in found)
    values = -values if ascending else values
    how = {"axis": np.int32(axis), "ascending": np.bool_(ascending)}
    check("topk", {"x": Fed(x), "k": np.int32(k), **how}, values, places)
    check("topk", {"x": Fed(x), "k": np.int32(k), "return_indices": np.False_, **how}, values)
    direction = "ASCENDING" if ascending else "DESCENDING"
    order = tf.argsort(x, axis, direction).numpy()
    check("argsort", {"x": Fed(x), **how}, order)
    ordered = np.take_along_axis(x, order, axis)
    check("topk", {"x": Fed(x), "k": np.int32(-1), **how}, ordered, order)


@settings(max_examples=12, deadline=None)
@given(
    shape=shapes.array_shapes(min_dims=0, max_dims=3, max_side=4), size=st.integers(1, 5), seed=SEEDS, data=st.data()
)
@covers("one_hot", against=TENSORFLOW)
def test_one_element_is_hot(shape: tuple[int, ...], size: int, seed: int, data: st.DataObject) -> None:
    indices = np.random.default_rng(seed).integers(-1, size + 1, shape)
    axis = data.draw(st.integers(-1, len(shape)))
    want = tf.one_hot(indices, size, 2.5, -0.5, axis).numpy()
    how = {"one_hot_vector_size": np.int32(size), "axis": np.int32(axis)}
    values = {"on_value": np.float32(2.5), "off_value": np.float32(-0.5)}
    check("one_hot", {"indices": Fed(indices), **how, **values}, want)
    check("one_hot", {"indices": Fed(indices), **how}, tf.one_hot(indices, size, axis=axis, dtype=tf.int32).numpy())


@settings(max_examples=8, deadline=None)
@given(shape=SHAPES, value=st.integers(-9, 9))
@covers("fill", "fill_like", "shape", against=TENSORFLOW)
def test_tensors_are_made_of_a_shape(shape: tuple[int, ...], value: int) -> None:
    x = np.zeros(shape, np.float32)
    floats, whole = tf.fill(shape, np.float32(value)).numpy(), tf.fill(shape, np.int32(value)).numpy()
    check("fill", {"shape": np.array(shape), "value": np.float32(value)}, floats)
    check("fill", {"shape": np.array(shape)}, x)
    check("fill", {"shape": np.array(shape), "value": np.int32(value)}, whole)
    check("fill_like", {"ref_tensor": Fed(x), "value": np.int32(value)}, whole)
    check("fill_like", {"ref_tensor": Fed(x), "value": np.bool_(value)}, whole != 0)
    check("shape", {"x": Fed(x)}, tf.shape(x).numpy())


@settings(max_examples=8, deadline=None)
@given(start=st.integers(-9, 9), end=st.integers(-9, 9), step=st.integers(1, 4), down=st.booleans())
@covers("range_1d", against=TENSORFLOW)
def test_numbers_go_from_start_to_before_end(start: int, end: int, step: int, down: bool) -> None:
    low, high = min(start, end), max(start, end) + 1
    bounds = (high, low, -step) if down else (low, high, step)
    for kind in (np.int32, np.float32):
        inputs = dict(zip(("start", "end", "step"), map(kind, bounds), strict=True))
        check("range_1d", inputs, tf.range(*inputs.values()).numpy())


@settings(max_examples=10, deadline=None)
@given(
    shape=shapes.array_shapes(min_dims=2, max_dims=4, max_side=5),
    seed=SEEDS,
    both=st.tuples(st.integers(-1, 4), st.integers(-1, 4)),
)
@covers("band_part", against=TENSORFLOW)
def test_a_band_of_a_matrix_stays(shape: tuple[int, ...], seed: int, both: tuple[int, int]) -> None:
    x = distinct(seed, *shape)
    lower, upper = (min(one, length - 1) for one, length in zip(both, shape[-2:], strict=True))
    want = tf.linalg.band_part(x, lower, upper).numpy()
    check("band_part", {"x": Fed(x), "lower": np.int32(lower), "upper": np.int32(upper)}, want)


def test_shapes_that_are_computed_are_refused() -> None:
    assert "shape" in refused("fill", {"shape": Fed(np.array([2, 2]))})
    assert "end" in refused("range_1d", {"start": np.int32(0), "end": Fed(np.array(4)), "step": np.int32(1)})
