"""Activations with parameters, beside TensorFlow's or the formula of the definition."""

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
SIZES = st.floats(-3, 3, width=16)

ALPHA: dict[str, Callable[[Any, Any], Any]] = {
    "elu": lambda x, a: np.where(x > 0, x, a * np.expm1(np.minimum(x, 0))),
    "leaky_relu": lambda x, a: np.where(x >= 0, x, a * x),
    "thresholded_relu": lambda x, a: np.where(x >= a, x, 0),
}
BOTH: dict[str, Callable[[Any, Any, Any], Any]] = {
    "clamped_relu": lambda x, a, b: np.minimum(np.where(x >= 0, x, a * x), b),
    "linear_activation": lambda x, a, b: a * x + b,
    "scaled_tanh": lambda x, a, b: a * np.tanh(b * x),
    "sigmoid_hard": lambda x, a, b: np.clip(a * x + b, 0, 1),
}


def drawn(shape: tuple[int, ...], seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.where(rng.uniform(size=shape) < 0.1, 0, rng.normal(0, 4, shape)).astype(np.float32)


@pytest.mark.parametrize("kind", ALPHA)
@settings(max_examples=12, deadline=None)
@given(shape=shapes.array_shapes(max_dims=4, max_side=5), seed=SEEDS, alpha=SIZES)
@covers(*ALPHA, against=FORMULA)
def test_an_activation_with_alpha_is_its_formula(kind: str, shape: tuple[int, ...], seed: int, alpha: float) -> None:
    x = drawn(shape, seed)
    want = ALPHA[kind](x.astype(np.float64), alpha).astype(np.float32)
    check(kind, {"x": Fed(x), "alpha": np.float16(alpha)}, want, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("kind", BOTH)
@settings(max_examples=12, deadline=None)
@given(shape=shapes.array_shapes(max_dims=4, max_side=5), seed=SEEDS, alpha=SIZES, beta=SIZES)
@covers(*BOTH, against=FORMULA)
def test_an_activation_with_alpha_and_beta_is_its_formula(
    kind: str, shape: tuple[int, ...], seed: int, alpha: float, beta: float
) -> None:
    x = drawn(shape, seed)
    want = BOTH[kind](x.astype(np.float64), alpha, beta).astype(np.float32)
    check(kind, {"x": Fed(x), "alpha": np.float16(alpha), "beta": np.float16(beta)}, want, rtol=1e-5, atol=5e-6)


@settings(max_examples=8, deadline=None)
@given(shape=shapes.array_shapes(min_dims=3, max_dims=5, max_side=4), seed=SEEDS)
@covers("prelu", "softplus_parametric", against=FORMULA)
def test_each_channel_has_a_slope_of_its_own(shape: tuple[int, ...], seed: int) -> None:
    x, rng = drawn(shape, seed), np.random.default_rng(seed)
    alpha, beta = rng.normal(size=(2, shape[1])).astype(np.float32)
    a, b = (one.astype(np.float64).reshape(-1, *[1] * (len(shape) - 2)) for one in (alpha, beta))
    check("prelu", {"x": Fed(x), "alpha": alpha}, np.where(x > 0, x, a * x).astype(np.float32))
    want = (a * np.logaddexp(0, b * x)).astype(np.float32)
    check("softplus_parametric", {"x": Fed(x), "alpha": alpha, "beta": beta}, want, rtol=1e-5, atol=2e-6)


@settings(max_examples=8, deadline=None)
@given(shape=shapes.array_shapes(max_dims=4, max_side=5), seed=SEEDS)
@covers("gelu", against=TENSORFLOW)
def test_gelu_knows_its_three_modes(shape: tuple[int, ...], seed: int) -> None:
    x = drawn(shape, seed)
    exact = tf.nn.gelu(x).numpy()
    check("gelu", {"x": Fed(x)}, exact, atol=2e-6)
    check("gelu", {"x": Fed(x), "mode": "EXACT"}, exact, atol=2e-6)
    check("gelu", {"x": Fed(x), "mode": "TANH_APPROXIMATION"}, tf.nn.gelu(x, approximate=True).numpy(), atol=2e-6)
    check("gelu", {"x": Fed(x), "mode": "SIGMOID_APPROXIMATION"}, (x * tf.sigmoid(1.702 * x)).numpy(), atol=2e-6)


def test_a_fourth_mode_of_gelu_is_refused() -> None:
    assert "ROUGHLY" in refused("gelu", {"x": Fed(np.zeros(2)), "mode": "ROUGHLY"})


@settings(max_examples=12, deadline=None)
@given(shape=shapes.array_shapes(max_dims=5, max_side=6), seed=SEEDS, data=st.data())
@covers("softmax", against=TENSORFLOW)
def test_softmax_goes_along_any_axis_and_does_not_overflow(
    shape: tuple[int, ...], seed: int, data: st.DataObject
) -> None:
    x = drawn(shape, seed) * np.float32(data.draw(st.sampled_from([1, 100])))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    check("softmax", {"x": Fed(x), "axis": np.int32(axis)}, tf.nn.softmax(x, axis).numpy(), rtol=2e-5)
    check("softmax", {"x": Fed(x)}, tf.nn.softmax(x).numpy(), rtol=2e-5)
