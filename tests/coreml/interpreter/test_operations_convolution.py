"""Convolution and its transpose beside TensorFlow's, over random windows."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.coreml.interpreter.evaluation import FORMULA, TENSORFLOW, Fed, check, covers, refused

tf = pytest.importorskip("tensorflow")


def channels_last(values: np.ndarray) -> np.ndarray:
    return np.moveaxis(values, 1, -1)


@st.composite
def convolutions(draw: st.DrawFn) -> dict:
    """A convolution of 1 to 3 spatial axes; strides or dilations, as TensorFlow has no kernels for both."""
    axes = draw(st.integers(1, 3))
    small = st.lists(st.integers(1, 3), min_size=axes, max_size=axes)
    kernel = draw(st.lists(st.integers(1, 4), min_size=axes, max_size=axes))
    strides, dilations = (draw(small), [1] * axes) if draw(st.booleans()) else ([1] * axes, draw(small))
    pad = draw(st.lists(st.integers(0, 3), min_size=2 * axes, max_size=2 * axes))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    spatial = [draw(st.integers(span, span + 6)) for span in reach]
    groups = draw(st.sampled_from([1, 1, 2, 3])) if axes == 2 else 1
    return {
        "x": (draw(st.integers(1, 2)), groups * draw(st.integers(1, 3)), *spatial),
        "kernel": kernel,
        "strides": strides,
        "dilations": dilations,
        "groups": groups,
        "out": groups * draw(st.integers(1, 3)),
        "pad_type": draw(st.sampled_from(["valid", "same", "custom", "same_lower"])),
        "pad": pad,
        "bias": draw(st.booleans()),
        "seed": draw(st.integers(0, 2**32 - 1)),
    }


@settings(max_examples=30, deadline=None)
@given(convolutions())
@covers("conv", against=TENSORFLOW)
def test_a_convolution_gives_what_tensorflow_gives(case: dict) -> None:
    rng = np.random.default_rng(case["seed"])
    x = rng.normal(0, 3, case["x"]).astype(np.float32)
    weight = rng.normal(size=(case["out"], case["x"][1] // case["groups"], *case["kernel"])).astype(np.float32)
    how = {name: np.array(case[name], np.int32) for name in ("strides", "dilations", "groups")}
    inputs = {"x": Fed(x), "weight": weight, "pad_type": case["pad_type"], **how}
    padded, padding = x, "VALID"
    if case["pad_type"] == "custom":
        inputs["pad"] = np.array(case["pad"], np.int32)
        padded = np.pad(x, [(0, 0), (0, 0), *zip(case["pad"][0::2], case["pad"][1::2], strict=True)])
    elif case["pad_type"] == "same":
        padding = "SAME"
    elif case["pad_type"] == "same_lower":  # as much as TensorFlow's, the odd element in front
        edges = []
        for n, k, s, d in zip(x.shape[2:], case["kernel"], case["strides"], case["dilations"], strict=True):
            total = max(0, (math.ceil(n / s) - 1) * s + (k - 1) * d + 1 - n)
            edges.append((math.ceil(total / 2), total // 2))
        padded = np.pad(x, [(0, 0), (0, 0), *edges])
    kernel = np.moveaxis(weight, (0, 1), (-1, -2))
    want = tf.nn.convolution(
        channels_last(padded), kernel, case["strides"], padding, dilations=case["dilations"]
    ).numpy()
    want = np.moveaxis(want, -1, 1)
    if case["bias"]:
        inputs["bias"] = rng.normal(size=case["out"]).astype(np.float32)
        want = want + inputs["bias"].reshape(-1, *[1] * len(case["kernel"]))
    check("conv", inputs, want, rtol=1e-4, atol=1e-4)


@settings(max_examples=24, deadline=None)
@given(st.data())
@covers("conv_transpose", against=TENSORFLOW)
def test_a_transposed_convolution_gives_what_tensorflow_gives(data: st.DataObject) -> None:
    axes, rng = data.draw(st.integers(1, 3)), np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    kernel = data.draw(st.lists(st.integers(1, 4), min_size=axes, max_size=axes))
    strides = data.draw(st.lists(st.integers(1, 3), min_size=axes, max_size=axes))
    spatial = data.draw(st.lists(st.integers(1, 5), min_size=axes, max_size=axes))
    kind, told = data.draw(st.sampled_from(["same", "valid"])), data.draw(st.booleans())
    n, incoming, outgoing = (data.draw(st.integers(1, 3)) for _ in range(3))
    sizes = []
    for length, k, s in zip(spatial, kernel, strides, strict=True):
        least, most = (length - 1) * s + 1, length * s  # the lengths that the same convolution maps to this one
        usual = most if kind == "same" else (length - 1) * s + k
        shift = 0 if kind == "same" else k - 1
        sizes.append(data.draw(st.integers(least, most)) + shift if told else usual)
    x = rng.normal(size=(n, incoming, *spatial)).astype(np.float32)
    weight = rng.normal(size=(incoming, outgoing, *kernel)).astype(np.float32)
    want = tf.nn.conv_transpose(
        channels_last(x), np.moveaxis(weight, (0, 1), (-1, -2)), [n, *sizes, outgoing], strides, kind.upper()
    ).numpy()
    inputs = {"x": Fed(x), "weight": weight, "pad_type": kind, "strides": np.array(strides, np.int32)}
    if told:
        inputs["output_shape"] = np.array([n, outgoing, *sizes], np.int32)
    check("conv_transpose", inputs, np.moveaxis(want, -1, 1), rtol=1e-4, atol=1e-4)


@settings(max_examples=24, deadline=None)
@given(st.data())
@covers("conv_transpose", against=FORMULA)
def test_a_transposed_convolution_spreads_each_element_over_its_window(data: st.DataObject) -> None:
    axes, rng = data.draw(st.integers(1, 2)), np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    numbers = lambda low, high: data.draw(st.lists(st.integers(low, high), min_size=axes, max_size=axes))  # noqa: E731
    kernel, strides, dilations, spatial = numbers(1, 3), numbers(1, 3), numbers(1, 3), numbers(1, 5)
    before, after, groups = numbers(0, 2), numbers(0, 2), data.draw(st.integers(1, 3))
    full = [(n - 1) * s + (k - 1) * d + 1 for n, s, k, d in zip(spatial, strides, kernel, dilations, strict=True)]
    assume(all(length > b + a for length, b, a in zip(full, before, after, strict=True)))
    x = rng.normal(size=(2, groups * 2, *spatial)).astype(np.float32)
    weight = rng.normal(size=(groups * 2, 2, *kernel)).astype(np.float32)
    bias = rng.normal(size=groups * 2).astype(np.float32)
    want = np.zeros((2, groups * 2, *full), np.float64)
    for group in range(groups):
        for at in np.ndindex(*kernel):
            own = weight[group * 2 : group * 2 + 2, :, *at]
            spread = np.einsum("ni...,io->no...", x[:, group * 2 : group * 2 + 2], own)
            window = [
                slice(k * d, k * d + (n - 1) * s + 1, s)
                for k, d, n, s in zip(at, dilations, spatial, strides, strict=True)
            ]
            want[:, group * 2 : group * 2 + 2, *window] += spread
    crop = [slice(b, length - a) for b, a, length in zip(before, after, full, strict=True)]
    want = want[:, :, *crop] + bias.reshape(-1, *[1] * axes)
    inputs = {
        "x": Fed(x),
        "weight": weight,
        "bias": bias,
        "pad_type": "custom",
        "pad": np.array([pair for both in zip(before, after, strict=True) for pair in both], np.int32),
        "strides": np.array(strides, np.int32),
        "dilations": np.array(dilations, np.int32),
        "groups": np.int32(groups),
    }
    check("conv_transpose", inputs, want.astype(np.float32), rtol=1e-4, atol=1e-4)


def test_a_padding_that_nobody_knows_is_refused() -> None:
    x, weight = Fed(np.zeros((1, 1, 4))), np.zeros((1, 1, 2), np.float32)
    assert "same_lower" in refused("conv_transpose", {"x": x, "weight": weight, "pad_type": "same_lower"})
    assert "mirror" in refused("conv", {"x": x, "weight": weight, "pad_type": "mirror"})
