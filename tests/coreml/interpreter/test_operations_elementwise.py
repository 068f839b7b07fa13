"""Operations on single elements beside TensorFlow's: random shapes, broadcasting, signs and sizes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as shapes

from tests.coreml.interpreter.evaluation import FORMULA, TENSORFLOW, Fed, check, covers, refused

tf = pytest.importorskip("tensorflow")

ANY, NEAR, POSITIVE, INNER = (-1e4, 1e4), (-8.0, 8.0), (1e-3, 1e4), (-0.999, 0.999)
TINY = 1.401298464324817e-45

# kind -> what TensorFlow says, and the range of x
ONE: dict[str, tuple[Callable[[Any], Any], tuple[float, float]]] = {
    "abs": (tf.abs, ANY),
    "acos": (tf.acos, INNER),
    "asin": (tf.asin, INNER),
    "atan": (tf.atan, ANY),
    "atanh": (tf.atanh, INNER),
    "ceil": (tf.math.ceil, ANY),
    "cos": (tf.cos, NEAR),
    "cosh": (tf.cosh, NEAR),
    "erf": (tf.math.erf, NEAR),
    "exp": (tf.exp, NEAR),
    "exp2": (lambda x: tf.pow(2.0, x), NEAR),
    "floor": (tf.floor, ANY),
    "identity": (tf.identity, ANY),
    "inverse": (lambda x: tf.math.reciprocal(x + np.float32(1e-4)), POSITIVE),
    "log": (tf.math.log, POSITIVE),
    "relu": (tf.nn.relu, ANY),
    "relu6": (tf.nn.relu6, NEAR),
    "round": (tf.round, ANY),
    "rsqrt": (tf.math.rsqrt, POSITIVE),
    "sigmoid": (tf.sigmoid, (-60, 60)),
    "sign": (tf.sign, ANY),
    "silu": (tf.nn.silu, (-60, 60)),
    "sin": (tf.sin, NEAR),
    "sinh": (tf.sinh, NEAR),
    "softplus": (tf.nn.softplus, (-60, 60)),
    "softsign": (tf.nn.softsign, ANY),
    "sqrt": (tf.sqrt, POSITIVE),
    "square": (tf.square, ANY),
    "tan": (tf.tan, (-1.4, 1.4)),
    "tanh": (tf.tanh, (-60, 60)),
}
TWO: dict[str, Callable[[Any, Any], Any]] = {
    "add": tf.add,
    "equal": tf.equal,
    "floor_div": tf.math.floordiv,
    "greater": tf.greater,
    "greater_equal": tf.greater_equal,
    "less": tf.less,
    "less_equal": tf.less_equal,
    "maximum": tf.maximum,
    "minimum": tf.minimum,
    "mod": tf.math.floormod,
    "mul": tf.multiply,
    "not_equal": tf.not_equal,
    "pow": tf.pow,
    "real_div": tf.divide,
    "sub": tf.subtract,
}
LOGICAL = {"logical_and": tf.logical_and, "logical_or": tf.logical_or, "logical_xor": tf.math.logical_xor}
SEEDS = st.integers(0, 2**32 - 1)


def numbers(seed: int, shape: tuple[int, ...], low: float, high: float) -> np.ndarray:
    """Return floats of a range, some of them whole, halves or 0 where the range has such."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(low, high, shape)
    plain = np.clip(rng.choice([0.0, -0.0, 0.5, 1.5, 2.5, -0.5, -1.0, 3.0], shape), low, high)
    return np.where(rng.uniform(size=shape) < 0.2, plain, values).astype(np.float32)


@pytest.mark.parametrize("kind", ONE)
@settings(max_examples=6, deadline=None)
@given(shape=shapes.array_shapes(min_dims=0, max_dims=5, max_side=6), seed=SEEDS)
@covers(*ONE, against=TENSORFLOW)
def test_an_operation_on_one_tensor_gives_what_tensorflow_gives(kind: str, shape: tuple[int, ...], seed: int) -> None:
    expected, (low, high) = ONE[kind]
    x = numbers(seed, shape, low, high)
    # Both sides approximate by polynomials: a few units in the last of 24 bits, more where sinh or tan is steep.
    check(kind, {"x": Fed(x)}, expected(x).numpy(), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("kind", TWO)
@settings(max_examples=6, deadline=None)
@given(
    both=shapes.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=5), seed=SEEDS, constant=st.booleans()
)
@covers(*TWO, against=TENSORFLOW)
def test_an_operation_on_two_tensors_broadcasts_as_tensorflow_does(
    kind: str, both: Any, seed: int, constant: bool
) -> None:
    x, y = (numbers(seed + at, shape, -9, 9) for at, shape in enumerate(both.input_shapes))
    if kind == "pow":
        x = np.abs(x) + np.float32(0.1)
    if kind in {"floor_div", "mod", "real_div"}:
        y = np.where(y == 0, np.float32(2), y)
    if kind in {"floor_div", "mod"}:  # few bits: no quotient is rounded to an integer
        x, y = np.round(x * 8) / 8 + np.float32(1 / 16), np.round(y * 4 + 0.5) / 4 + np.float32(0.25)
        y = np.where(y == 0, np.float32(2), y).astype(np.float32)
    want = TWO[kind](x, y).numpy()
    check(kind, {"x": Fed(x), "y": y if constant else Fed(y)}, want, rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("kind", sorted(TWO.keys() - {"real_div"}))
@settings(max_examples=6, deadline=None)
@given(both=shapes.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=4), seed=SEEDS)
@covers(*TWO, against=TENSORFLOW)
def test_an_operation_on_integers_is_exact(kind: str, both: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    least, most = (0, 7) if kind == "pow" else (-1000, 1000)
    x, y = (rng.integers(least, most, shape, dtype=np.int32) for shape in both.input_shapes)
    if kind in {"floor_div", "mod"}:
        y = np.where(y == 0, np.int32(-3), y)
    check(kind, {"x": Fed(x), "y": Fed(y)}, TWO[kind](x, y).numpy())


@pytest.mark.parametrize("kind", LOGICAL)
@settings(max_examples=6, deadline=None)
@given(both=shapes.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=4), seed=SEEDS)
@covers(*LOGICAL, against=TENSORFLOW)
def test_truth_values_combine_as_in_tensorflow(kind: str, both: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = (rng.integers(0, 2, shape).astype(bool) for shape in both.input_shapes)
    check(kind, {"x": Fed(x), "y": Fed(y)}, LOGICAL[kind](x, y).numpy())


@covers("logical_not", against=TENSORFLOW)
def test_not_turns_truth_values() -> None:
    x = np.array([[True, False, True]])
    check("logical_not", {"x": Fed(x)}, tf.logical_not(x).numpy())


@covers("add", "mul", "sub", "maximum", "select", against=FORMULA)
def test_integers_that_floats_do_not_hold_stay_exact() -> None:
    x, y = np.array([2**24 + 1, -(2**30) - 1, 12345]), np.array([[2], [1]])
    for kind, want in (("add", x + y), ("mul", np.where(y == 1, x, x)), ("sub", x - y), ("maximum", np.maximum(x, y))):
        check(kind, {"x": Fed(x), "y": np.ones_like(y) if kind == "mul" else y}, want.astype(np.int32))
    check(
        "select",
        {"cond": Fed(y > 1), "a": Fed(x), "b": np.int32(2**24 + 3)},
        np.where(y > 1, x, 2**24 + 3).astype(np.int32),
    )


@covers("abs", "sign", "square", "exp2", "threshold", against=FORMULA)
def test_integers_stay_integers() -> None:
    x = np.array([-30001, -7, 0, 3, 30001], np.int32)
    check("abs", {"x": Fed(x)}, np.abs(x))
    check("sign", {"x": Fed(x)}, np.sign(x))
    check("square", {"x": Fed(x)}, np.square(x))
    check("threshold", {"x": Fed(x), "alpha": np.int32(-2)}, np.maximum(x, -2))
    powers = np.arange(-2, 31, dtype=np.int32)
    check("exp2", {"x": Fed(powers)}, np.exp2(powers.astype(np.float64)).astype(np.int32))


@settings(max_examples=10, deadline=None)
@given(three=shapes.mutually_broadcastable_shapes(num_shapes=3, max_dims=4, max_side=4), seed=SEEDS)
@covers("select", against=TENSORFLOW)
def test_select_broadcasts_all_three(three: Any, seed: int) -> None:
    cond, a, b = (numbers(seed + at, shape, -9, 9) for at, shape in enumerate(three.input_shapes))
    want = tf.where(cond > 0, a, b).numpy()
    check("select", {"cond": Fed(cond > 0), "a": Fed(a), "b": Fed(b)}, want)


@settings(max_examples=10, deadline=None)
@given(
    shape=shapes.array_shapes(min_dims=0, max_dims=4, max_side=5),
    seed=SEEDS,
    low=st.floats(-5, 5),
    high=st.floats(-5, 5),
)
@covers("clip", "threshold", against=FORMULA)
def test_bounds_hold_in_the_order_of_the_definition(shape: tuple[int, ...], seed: int, low: float, high: float) -> None:
    x = numbers(seed, shape, -9, 9)
    alpha, beta = np.float32(low), np.float32(high)
    check("clip", {"x": Fed(x), "alpha": alpha, "beta": beta}, np.minimum(np.maximum(x, alpha), beta))
    check("threshold", {"x": Fed(x), "alpha": alpha}, np.maximum(x, alpha))


@settings(max_examples=10, deadline=None)
@given(shape=shapes.array_shapes(max_dims=4, max_side=5), seed=SEEDS, small=st.sampled_from([1e-2, 1.0, 3.0]))
@covers("inverse", "rsqrt", "log", against=TENSORFLOW)
def test_an_epsilon_is_added_first(shape: tuple[int, ...], seed: int, small: float) -> None:
    x, epsilon = numbers(seed, shape, 1e-3, 50), np.float32(small)
    check("inverse", {"x": Fed(x), "epsilon": epsilon}, tf.math.reciprocal(x + epsilon).numpy())
    check("rsqrt", {"x": Fed(x), "epsilon": epsilon}, tf.math.rsqrt(x + epsilon).numpy())
    check("log", {"x": Fed(x), "epsilon": epsilon}, tf.math.log(x + epsilon).numpy())


@covers("inverse", "rsqrt", "log", against=FORMULA)
def test_an_epsilon_that_is_not_given_keeps_zero_finite() -> None:
    zero = np.zeros((1, 2), np.float32)
    check("inverse", {"x": Fed(zero)}, np.full((1, 2), 1e4, np.float32))
    check("rsqrt", {"x": Fed(zero)}, np.full((1, 2), 1e6, np.float32))
    check("log", {"x": Fed(zero)}, np.full((1, 2), np.log(TINY), np.float32))
    check("log", {"x": Fed(zero), "epsilon": np.float16(0)}, np.full((1, 2), -np.inf, np.float32))


@settings(max_examples=10, deadline=None)
@given(shape=shapes.array_shapes(min_dims=0, max_dims=4, max_side=5), seed=SEEDS)
@covers("cast", against=TENSORFLOW)
def test_a_cast_cuts_fractions_and_asks_whether_there_is_anything(shape: tuple[int, ...], seed: int) -> None:
    x = numbers(seed, shape, -100, 100)
    check("cast", {"x": Fed(x), "dtype": "int32"}, tf.cast(x, tf.int32).numpy())
    check("cast", {"x": Fed(x), "dtype": "bool"}, tf.cast(x, tf.bool).numpy())
    check("cast", {"x": Fed(x), "dtype": "fp16"}, x)  # rounding is the executor's
    whole = x.astype(np.int32)
    check("cast", {"x": Fed(whole), "dtype": "fp32"}, tf.cast(whole, tf.float32).numpy())
    check("cast", {"x": Fed(whole), "dtype": "int8"}, whole)
    check("cast", {"x": Fed(whole > 0), "dtype": "int32"}, tf.cast(whole > 0, tf.int32).numpy())
    check("cast", {"x": Fed(whole > 0), "dtype": "fp32"}, tf.cast(whole > 0, tf.float32).numpy())


def test_what_has_no_answer_is_refused() -> None:
    whole = Fed(np.array([1, 2]))
    assert "quotient" in refused("real_div", {"x": whole, "y": np.array([2, 1])})
    assert "select" in refused("select", {"cond": Fed(np.array([True]))})
    assert "string" in refused("cast", {"x": whole, "dtype": "string"})
