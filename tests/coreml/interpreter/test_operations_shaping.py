"""The same elements in other shapes, put together, cut apart and padded: beside TensorFlow's, or NumPy's slices."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as shapes

from tests.coreml.interpreter.evaluation import FORMULA, TENSORFLOW, Fed, check, covers, refused

tf = pytest.importorskip("tensorflow")

SEEDS = st.integers(0, 2**32 - 1)
SHAPES = shapes.array_shapes(max_dims=5, max_side=4)


def elements(seed: int, *shape: int) -> np.ndarray:
    """Return floats, integers or truth values, by the seed."""
    values = np.random.default_rng(seed).integers(-99, 99, shape)
    return [values.astype(np.float32), values.astype(np.int32), values > 0][seed % 3]


def counted(data: st.DataObject, axes: list[int], rank: int) -> np.ndarray:
    """Return axes, some of them counted from the end."""
    return np.array([at - rank if data.draw(st.booleans()) else at for at in axes], np.int32)


@settings(max_examples=16, deadline=None)
@given(shape=SHAPES, seed=SEEDS, data=st.data())
@covers("reshape", against=TENSORFLOW)
def test_a_reshape_knows_what_is_left_and_what_stays(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    x = elements(seed, *shape)
    target = list(data.draw(st.permutations(shape)))
    if len(target) > 1 and data.draw(st.booleans()):
        target[:2] = [target[0] * target[1]]
    want = tf.reshape(x, target).numpy()
    said = list(target)
    for back in range(1, len(said) + 1):
        if back <= len(shape) and said[-back] == shape[-back] and data.draw(st.booleans()):
            said[-back] = 0
    if data.draw(st.booleans()):
        said[data.draw(st.integers(0, len(said) - 1))] = -1
    check("reshape", {"x": Fed(x), "shape": np.array(said, np.int32)}, want)


@covers("reshape", against=FORMULA)
def test_a_zero_without_an_axis_of_x_is_one() -> None:
    x = elements(0, 2, 50)
    check("reshape", {"x": Fed(x), "shape": np.array([1, 0, -1, 0])}, x.reshape(1, 1, 2, 50))
    assert "[1, 3]" in refused("reshape", {"x": Fed(elements(0, 1, 3)), "shape": np.array([1, 4])})


@settings(max_examples=14, deadline=None)
@given(shape=SHAPES, seed=SEEDS, data=st.data())
@covers("expand_dims", "squeeze", "flatten2d", against=FORMULA)
def test_axes_of_length_one_come_and_go(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    x, rank = elements(seed, *shape), len(shape)
    new = sorted(data.draw(st.sets(st.integers(0, rank + 1), min_size=1, max_size=2)))
    assume(max(new) < rank + len(new))
    check("expand_dims", {"x": Fed(x), "axes": counted(data, new, rank + len(new))}, np.expand_dims(x, tuple(new)))
    chosen = sorted(data.draw(st.sets(st.integers(0, rank - 1), min_size=1)))
    single = tuple(at for at in chosen if shape[at] == 1)
    check("squeeze", {"x": Fed(x), "axes": counted(data, chosen, rank)}, np.squeeze(x, single) if single else x)
    check("squeeze", {"x": Fed(x)}, np.squeeze(x))
    axis = data.draw(st.integers(-rank, rank))
    want = x.reshape(int(np.prod(shape[:axis])), int(np.prod(shape[axis:])))
    check("flatten2d", {"x": Fed(x), "axis": np.int32(axis)}, want)


@settings(max_examples=14, deadline=None)
@given(shape=SHAPES, seed=SEEDS, data=st.data())
@covers("transpose", "reverse", "tile", against=TENSORFLOW)
def test_axes_change_places_turn_around_and_repeat(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    x, rank = elements(seed, *shape), len(shape)
    order = data.draw(st.permutations(range(rank)))
    check("transpose", {"x": Fed(x), "perm": counted(data, order, rank)}, tf.transpose(x, order).numpy())
    turned = sorted(data.draw(st.sets(st.integers(0, rank - 1), min_size=1)))
    check("reverse", {"x": Fed(x), "axes": counted(data, turned, rank)}, tf.reverse(x, turned).numpy())
    check("reverse", {"x": Fed(x)}, tf.reverse(x, range(rank)).numpy())
    repeats = data.draw(st.lists(st.integers(1, 3), min_size=rank, max_size=rank))
    check("tile", {"x": Fed(x), "reps": np.array(repeats)}, tf.tile(x, repeats).numpy())


@settings(max_examples=12, deadline=None)
@given(sizes=st.lists(st.integers(1, 3), min_size=4, max_size=4), block=st.integers(2, 3), seed=SEEDS)
@covers("depth_to_space", "space_to_depth", against=TENSORFLOW)
def test_channels_spread_over_blocks_as_in_tensorflow(sizes: list[int], block: int, seed: int) -> None:
    n, c, h, w = sizes
    x = elements(3 * seed, n, c * block * block, h, w)
    want = np.moveaxis(tf.nn.depth_to_space(np.moveaxis(x, 1, -1), block).numpy(), -1, 1)
    check("depth_to_space", {"x": Fed(x), "block_size": np.int32(block)}, want)
    y = elements(3 * seed, n, c, h * block, w * block)
    want = np.moveaxis(tf.nn.space_to_depth(np.moveaxis(y, 1, -1), block).numpy(), -1, 1)
    check("space_to_depth", {"x": Fed(y), "block_size": np.int32(block)}, want)


@settings(max_examples=12, deadline=None)
@given(sizes=st.lists(st.integers(1, 3), min_size=4, max_size=4), f=st.integers(2, 3), seed=SEEDS)
@covers("pixel_shuffle", "pixel_unshuffle", against=FORMULA)
def test_pixels_shuffle_there_and_back(sizes: list[int], f: int, seed: int) -> None:
    n, c, h, w = sizes
    x = elements(3 * seed, n, c * f * f, h, w)
    want = x.reshape(n, c, f, f, h, w).transpose(0, 1, 4, 2, 5, 3).reshape(n, c, h * f, w * f)
    check("pixel_shuffle", {"x": Fed(x), "upscale_factor": np.int32(f)}, want)
    check("pixel_unshuffle", {"x": Fed(want), "downscale_factor": np.uint32(f)}, x)


@settings(max_examples=16, deadline=None)
@given(shape=SHAPES, seed=SEEDS, data=st.data())
@covers("concat", "stack", against=TENSORFLOW)
def test_tensors_join_along_any_axis(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    rank, axis = len(shape), data.draw(st.integers(-len(shape), len(shape) - 1))
    lengths = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    parts = []
    for at, length in enumerate(lengths):
        own = list(shape)
        own[axis] = length
        parts.append(elements(seed + 3 * at, *own))
    given_parts = [part if at == 1 and data.draw(st.booleans()) else Fed(part) for at, part in enumerate(parts)]
    want = tf.concat(parts, axis).numpy()
    check("concat", {"values": given_parts, "axis": np.int32(axis)}, want)
    alike = [elements(seed + 3 * at, *shape) for at in range(len(lengths))]
    turns = np.stack(alike, axis % rank + 1).reshape([-1 if at == axis % rank else n for at, n in enumerate(shape)])
    how = {"axis": np.int32(axis), "interleave": np.True_}
    check("concat", {"values": [Fed(part) for part in alike], **how}, turns)
    place = data.draw(st.integers(-rank - 1, rank))
    want = tf.stack(alike, place).numpy()
    check("stack", {"values": [Fed(part) for part in alike], "axis": np.int32(place)}, want)


@covers("concat", against=FORMULA)
def test_numbers_join_to_a_vector() -> None:
    check("concat", {"values": [Fed(np.float32(2)), np.float32(3)], "axis": np.int32(0)}, np.array([2, 3], np.float32))


@settings(max_examples=14, deadline=None)
@given(shape=SHAPES, seed=SEEDS, data=st.data())
@covers("split", against=TENSORFLOW)
def test_a_tensor_splits_into_equal_or_told_parts(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    axis, sizes = (
        data.draw(st.integers(-len(shape), len(shape) - 1)),
        data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=3)),
    )
    long = list(shape)
    long[axis] = sum(sizes)
    x, how = elements(seed, *long), {"axis": np.int32(axis)}
    parts = [part.numpy() for part in tf.split(x, sizes, axis)]
    check("split", {"x": Fed(x), "split_sizes": np.array(sizes), **how}, *parts)
    long[axis] = 3 * len(sizes)
    x = elements(seed, *long)
    check("split", {"x": Fed(x), "num_splits": np.int32(3), **how}, *[part.numpy() for part in tf.split(x, 3, axis)])


@settings(max_examples=24, deadline=None)
@given(shape=SHAPES, seed=SEEDS, data=st.data())
@covers("slice_by_index", against=FORMULA)
def test_a_slice_is_numpys(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    x, rank = elements(seed, *shape), len(shape)
    told: dict[str, list[Any]] = {
        name: [] for name in ("begin", "end", "stride", "begin_mask", "end_mask", "squeeze_mask")
    }
    index: list[Any] = []
    for length in shape:
        begin, end = data.draw(st.integers(-length, length - 1)), data.draw(st.integers(-length - 1, length + 1))
        stride = data.draw(st.sampled_from([1, 1, 2, 3, -1, -2]))
        first, last, single = (data.draw(st.booleans()) for _ in range(3))
        part = slice(None if first else begin, None if last else end, stride)
        single = single or len(range(*part.indices(length))) == 0
        index.append((0 if first else begin) if single else part)
        for name, value in zip(told, (begin, end, stride, first, last, single), strict=True):
            told[name].append(value)
    check("slice_by_index", {"x": Fed(x), **{name: np.array(values) for name, values in told.items()}}, x[tuple(index)])
    if not any(told["squeeze_mask"]) and rank:
        ends = list(shape)
        check("slice_by_index", {"x": Fed(x), "begin": np.zeros(rank, np.int32), "end": np.array(ends)}, x)


@settings(max_examples=12, deadline=None)
@given(shape=SHAPES, seed=SEEDS, data=st.data())
@covers("slice_by_size", against=TENSORFLOW)
def test_a_slice_by_size_takes_all_that_is_left(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    x = elements(seed, *shape)
    begin = [data.draw(st.integers(0, length - 1)) for length in shape]
    size = [data.draw(st.sampled_from([-1, *range(1, n - b + 1)])) for n, b in zip(shape, begin, strict=True)]
    want = tf.slice(x, begin, size).numpy()
    said = counted_back(data, begin, shape)
    check("slice_by_size", {"x": Fed(x), "begin": said, "size": np.array(size)}, want)


def counted_back(data: st.DataObject, begin: list[int], shape: tuple[int, ...]) -> np.ndarray:
    return np.array([b - n if data.draw(st.booleans()) else b for b, n in zip(begin, shape, strict=True)])


@settings(max_examples=10, deadline=None)
@given(shape=shapes.array_shapes(min_dims=3, max_dims=5, min_side=1, max_side=5), seed=SEEDS, data=st.data())
@covers("crop", against=FORMULA)
def test_a_crop_takes_edges_away(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    x, edges = elements(3 * seed, *shape), []
    for length in shape[-2:]:
        before = data.draw(st.integers(0, length - 1))
        edges.append((before, data.draw(st.integers(0, length - 1 - before))))
    (top, bottom), (left, right) = edges
    want = x[..., top : shape[-2] - bottom, left : shape[-1] - right]
    check("crop", {"x": Fed(x), "crop_height": np.array([top, bottom]), "crop_width": np.array([left, right])}, want)


@settings(max_examples=16, deadline=None)
@given(shape=shapes.array_shapes(max_dims=4, max_side=4), seed=SEEDS, data=st.data())
@covers("pad", against=FORMULA)
def test_edges_are_filled_mirrored_or_repeated(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    x, rank = elements(3 * seed, *shape), len(shape)
    mode = data.draw(st.sampled_from(["constant", "reflect", "replicate"]))
    count = data.draw(st.integers(1, rank))
    pads = []
    for length in shape[rank - count :]:
        most = length - 1 if mode == "reflect" else 3
        pads.append((data.draw(st.integers(0, most)), data.draw(st.integers(0, most))))
    full = [(0, 0)] * (rank - count) + pads
    inputs = {"x": Fed(x), "pad": np.array(pads).ravel(), "mode": mode}
    if mode == "constant":
        want = np.pad(x, full, constant_values=-2.5)
        check("pad", {**inputs, "constant_val": np.float32(-2.5)}, want)
        check("pad", {"x": Fed(x), "pad": inputs["pad"]}, np.pad(x, full))
    else:
        check("pad", inputs, np.pad(x, full, {"reflect": "reflect", "replicate": "edge"}[mode]))


def test_shapes_that_are_computed_are_refused() -> None:
    x = Fed(np.ones((1, 4)))
    assert "shape" in refused("reshape", {"x": x, "shape": Fed(np.array([2, 2]))})
    assert "pad" in refused("pad", {"x": x, "pad": Fed(np.array([0, 0, 1, 1]))})
    assert "'wrap'" in refused("pad", {"x": x, "pad": np.array([1, 1]), "mode": "wrap"})
