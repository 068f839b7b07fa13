"""Products of matrices, normalisations and reductions, beside TensorFlow's or the formula of the definition."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as shapes

from tests.coreml.interpreter.evaluation import FORMULA, TENSORFLOW, Fed, check, covers, refused

tf = pytest.importorskip("tensorflow")

SEEDS = st.integers(0, 2**32 - 1)


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@settings(max_examples=24, deadline=None)
@given(
    both=shapes.mutually_broadcastable_shapes(signature="(m?,n),(n,p?)->(m?,p?)", max_dims=3, max_side=5),
    seed=SEEDS,
    flips=st.tuples(st.booleans(), st.booleans()),
    constant=st.booleans(),
)
@covers("matmul", against=TENSORFLOW)
def test_a_product_broadcasts_and_transposes(both: Any, seed: int, flips: tuple[bool, bool], constant: bool) -> None:
    x, y = (normal(seed + at, *shape) for at, shape in enumerate(both.input_shapes))
    want = np.matmul(x, y) if min(x.ndim, y.ndim) == 1 else tf.matmul(x, y).numpy()  # TensorFlow has no vectors here
    given_x = np.swapaxes(x, -1, -2) if flips[0] and x.ndim > 1 else x
    given_y = np.swapaxes(y, -1, -2) if flips[1] and y.ndim > 1 else y
    how = {"transpose_x": np.bool_(flips[0]), "transpose_y": np.bool_(flips[1])}
    check("matmul", {"x": Fed(given_x), "y": given_y if constant else Fed(given_y), **how}, want, rtol=1e-4, atol=1e-5)


@settings(max_examples=10, deadline=None)
@given(front=st.lists(st.integers(1, 4), max_size=3), sizes=st.tuples(st.integers(1, 9), st.integers(1, 9)), seed=SEEDS)
@covers("linear", against=TENSORFLOW)
def test_a_dense_layer_gives_what_tensorflow_gives(front: list[int], sizes: tuple[int, int], seed: int) -> None:
    x, weight, bias = normal(seed, *front, sizes[0]), normal(seed + 1, sizes[1], sizes[0]), normal(seed + 2, sizes[1])
    want = tf.tensordot(x, weight, [[-1], [1]]).numpy()
    check("linear", {"x": Fed(x), "weight": weight}, want, rtol=1e-4, atol=1e-5)
    check("linear", {"x": Fed(x), "weight": weight, "bias": bias}, want + bias, rtol=1e-4, atol=1e-5)


@settings(max_examples=10, deadline=None)
@given(sizes=st.lists(st.integers(1, 5), min_size=5, max_size=5), seed=SEEDS, alone=st.integers(0, 3))
@covers("einsum", against=TENSORFLOW)
def test_the_two_equations_of_einsum_broadcast(sizes: list[int], seed: int, alone: int) -> None:
    n, c, h, w, u = sizes
    x = normal(seed, 1 if alone & 1 else n, c, h, w)
    y = normal(seed + 1, n, w, 1 if alone & 2 else h, u)
    full = (np.broadcast_to(x, (n, c, h, w)), np.broadcast_to(y, (n, w, h, u)))
    want = tf.einsum("nchw,nwhu->nchu", *full).numpy()
    check("einsum", {"values": [Fed(x), Fed(y)], "equation": "bdhi,bihj->bdhj"}, want, rtol=1e-4, atol=1e-5)
    want = tf.einsum("chw,whr->chr", full[0][0], full[1][0]).numpy()
    check("einsum", {"values": [Fed(full[0][0]), Fed(y[0])], "equation": "chw,whr->chr"}, want, rtol=1e-4, atol=1e-5)


def test_products_of_integers_and_other_equations_are_refused() -> None:
    whole = Fed(np.ones((2, 2), np.int32))
    assert "integers" in refused("matmul", {"x": whole, "y": whole})
    assert "'ab,bc->ac'" in refused("einsum", {"values": [Fed(np.ones((2, 2)))] * 2, "equation": "ab,bc->ac"})


@settings(max_examples=12, deadline=None)
@given(shape=shapes.array_shapes(min_dims=3, max_dims=5, max_side=5), seed=SEEDS, learned=st.booleans())
@covers("batch_norm", "instance_norm", against=TENSORFLOW)
def test_channels_are_normalised_as_in_tensorflow(shape: tuple[int, ...], seed: int, learned: bool) -> None:
    x, channels = 2 + 3 * normal(seed, *shape), shape[1]
    gamma, beta, mean = normal(seed + 1, 3, channels)
    variance = np.abs(normal(seed + 2, channels)) + np.float32(0.01)
    fit = (1, -1, *[1] * (len(shape) - 2))
    told = {"gamma": gamma, "beta": beta} if learned else {}
    g, b = (gamma.reshape(fit), beta.reshape(fit)) if learned else (None, None)
    stored = tf.nn.batch_normalization(x, mean.reshape(fit), variance.reshape(fit), b, g, 1e-5).numpy()
    check("batch_norm", {"x": Fed(x), "mean": mean, "variance": variance, **told}, stored, rtol=1e-4, atol=1e-4)
    places = list(range(2, len(shape)))
    measured = tf.nn.moments(x, places, keepdims=True)
    want = tf.nn.batch_normalization(x, *measured, b, g, 1e-2).numpy()
    check("instance_norm", {"x": Fed(x), "epsilon": np.float32(1e-2), **told}, want, rtol=1e-4, atol=1e-4)


@settings(max_examples=12, deadline=None)
@given(shape=shapes.array_shapes(max_dims=4, max_side=5), seed=SEEDS, data=st.data())
@covers("layer_norm", against=TENSORFLOW)
def test_a_layer_is_normalised_along_any_axes(shape: tuple[int, ...], seed: int, data: st.DataObject) -> None:
    x, rank = 2 + 3 * normal(seed, *shape), len(shape)
    axes = sorted(data.draw(st.sets(st.integers(0, rank - 1), min_size=1)))
    lengths = [shape[at] for at in axes]
    fit = [length if at in axes else 1 for at, length in enumerate(shape)]
    gamma, beta = normal(seed + 1, *lengths), normal(seed + 2, *lengths)
    moments = tf.nn.moments(x, axes, keepdims=True)
    want = tf.nn.batch_normalization(x, *moments, beta.reshape(fit), gamma.reshape(fit), 1e-2).numpy()
    said = np.array([at - rank if data.draw(st.booleans()) else at for at in axes])
    inputs = {"x": Fed(x), "axes": said, "gamma": gamma, "beta": beta, "epsilon": np.float32(1e-2)}
    check("layer_norm", inputs, want, rtol=1e-4, atol=1e-4)
    everything = tf.nn.moments(x, list(range(rank)), keepdims=True)
    plain = tf.nn.batch_normalization(x, *everything, None, None, 1e-5).numpy()
    if x.size > 1:
        check("layer_norm", {"x": Fed(x)}, plain, rtol=1e-3, atol=1e-3)


@settings(max_examples=10, deadline=None)
@given(shape=shapes.array_shapes(min_dims=3, max_dims=5, max_side=4), seed=SEEDS)
@covers("l2_norm", against=FORMULA)
def test_the_last_three_axes_get_length_one(shape: tuple[int, ...], seed: int) -> None:
    x = normal(seed, *shape)
    squares = (x.astype(np.float64) ** 2).sum(axis=(-1, -2, -3), keepdims=True)
    check("l2_norm", {"x": Fed(x)}, (x / np.sqrt(squares + 1e-6)).astype(np.float32))
    want = (x / np.sqrt(squares + 0.5)).astype(np.float32)
    check("l2_norm", {"x": Fed(x), "epsilon": np.float32(0.5)}, want)


@settings(max_examples=10, deadline=None)
@given(sizes=st.lists(st.integers(1, 6), min_size=4, max_size=4), seed=SEEDS, radius=st.integers(0, 3))
@covers("local_response_norm", against=TENSORFLOW)
def test_neighbouring_channels_damp_each_other(sizes: list[int], seed: int, radius: int) -> None:
    x, size = 3 * normal(seed, *sizes), 2 * radius + 1
    last = np.moveaxis(x, 1, -1)
    want = tf.nn.local_response_normalization(last, radius, bias=2.0, alpha=0.3 / size, beta=0.6).numpy()
    inputs = {"x": Fed(x), "size": np.int32(size)}
    how = {"alpha": np.float32(0.3), "beta": np.float32(0.6), "k": np.float32(2)}
    check("local_response_norm", {**inputs, **how}, np.moveaxis(want, -1, 1), rtol=1e-4, atol=1e-5)
    plain = tf.nn.local_response_normalization(last, radius, bias=1.0, alpha=1e-4 / size, beta=0.75).numpy()
    check("local_response_norm", inputs, np.moveaxis(plain, -1, 1), rtol=1e-4, atol=1e-5)


def test_an_even_neighbourhood_is_refused() -> None:
    assert "even" in refused("local_response_norm", {"x": Fed(np.ones((1, 2, 3))), "size": np.int32(2)})


REDUCED: dict[str, Callable[..., Any]] = {
    "reduce_l1_norm": lambda x, **how: tf.reduce_sum(tf.abs(x), **how),
    "reduce_l2_norm": lambda x, **how: tf.sqrt(tf.reduce_sum(tf.square(x), **how)),
    "reduce_log_sum": lambda x, **how: tf.math.log(tf.reduce_sum(x, **how)),
    "reduce_log_sum_exp": tf.reduce_logsumexp,
    "reduce_max": tf.reduce_max,
    "reduce_mean": tf.reduce_mean,
    "reduce_min": tf.reduce_min,
    "reduce_prod": tf.reduce_prod,
    "reduce_sum": tf.reduce_sum,
    "reduce_sum_square": lambda x, **how: tf.reduce_sum(tf.square(x), **how),
}
WHOLE = ("reduce_l1_norm", "reduce_max", "reduce_min", "reduce_prod", "reduce_sum", "reduce_sum_square")


@pytest.mark.parametrize("kind", REDUCED)
@settings(max_examples=8, deadline=None)
@given(shape=shapes.array_shapes(max_dims=5, max_side=4), seed=SEEDS, keep=st.booleans(), data=st.data())
@covers(*REDUCED, against=TENSORFLOW)
def test_a_reduction_gives_what_tensorflow_gives(
    kind: str, shape: tuple[int, ...], seed: int, keep: bool, data: st.DataObject
) -> None:
    x, rank = normal(seed, *shape), len(shape)
    if kind == "reduce_log_sum":
        x = np.abs(x) + np.float32(0.1)
    if kind == "reduce_log_sum_exp":
        x = 100 * x
    axes = data.draw(st.none() | st.sets(st.integers(0, rank - 1), min_size=1))
    inputs = {"x": Fed(x), "keep_dims": np.bool_(keep)}
    if axes is not None:
        inputs["axes"] = np.array([at - rank if data.draw(st.booleans()) else at for at in sorted(axes)])
    want = REDUCED[kind](x, axis=None if axes is None else sorted(axes), keepdims=keep).numpy()
    check(kind, inputs, want, rtol=1e-4, atol=5e-5)  # up to a thousand elements


@pytest.mark.parametrize("kind", WHOLE)
@covers(*WHOLE, against=TENSORFLOW)
def test_reductions_of_integers_are_exact(kind: str) -> None:
    x = np.random.default_rng(0).integers(-2000, 2000, (3, 1, 4), dtype=np.int32)
    x = x % 40 - 20 if kind == "reduce_prod" else x
    check(kind, {"x": Fed(x), "axes": np.array([-1])}, REDUCED[kind](x, axis=[-1]).numpy())


def test_a_mean_of_integers_is_refused() -> None:
    assert "integers" in refused("reduce_mean", {"x": Fed(np.array([1, 2]))})


@settings(max_examples=12, deadline=None)
@given(shape=shapes.array_shapes(max_dims=4, max_side=5), seed=SEEDS, keep=st.booleans(), data=st.data())
@covers("reduce_argmax", "reduce_argmin", against=TENSORFLOW)
def test_the_place_of_the_extreme_is_found(shape: tuple[int, ...], seed: int, keep: bool, data: st.DataObject) -> None:
    x = np.random.default_rng(seed).integers(-2, 2, shape).astype(np.float32)  # with ties: TensorFlow names the first
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    for kind, expected in (("reduce_argmax", tf.argmax), ("reduce_argmin", tf.argmin)):
        want = expected(x, axis, output_type=tf.int32).numpy()
        want = np.expand_dims(want, axis) if keep else want
        check(kind, {"x": Fed(x), "axis": np.int32(axis), "keep_dims": np.bool_(keep)}, want)
    check("reduce_argmax", {"x": Fed(x)}, tf.argmax(x, -1, output_type=tf.int32).numpy())
