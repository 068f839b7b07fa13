"""Pooling beside TensorFlow's, and beside windows taken one by one."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.coreml.interpreter.evaluation import FORMULA, TENSORFLOW, Fed, check, covers, refused

tf = pytest.importorskip("tensorflow")

KINDS = {"max_pool": "MAX", "avg_pool": "AVG"}


def numbers(data: st.DataObject, count: int, low: int, high: int) -> list[int]:
    return data.draw(st.lists(st.integers(low, high), min_size=count, max_size=count))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=16, deadline=None)
@given(data=st.data())
@covers(*KINDS, against=TENSORFLOW)
def test_a_pooling_gives_what_tensorflow_gives(kind: str, data: st.DataObject) -> None:
    axes, rng = data.draw(st.integers(1, 3)), np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    kernel = numbers(data, axes, 1, 4)
    strides = [data.draw(st.integers(1, k)) for k in kernel]  # TensorFlow takes no longer ones
    shape = (
        data.draw(st.integers(1, 2)),
        data.draw(st.integers(1, 3)),
        *(k + n for k, n in zip(kernel, numbers(data, axes, 0, 5), strict=True)),
    )
    padding = data.draw(st.sampled_from(["same", "valid"]))
    x = rng.normal(-1, 3, shape).astype(np.float32)
    want = tf.nn.pool(np.moveaxis(x, 1, -1), kernel, KINDS[kind], strides=strides, padding=padding.upper()).numpy()
    inputs = {"x": Fed(x), "kernel_sizes": np.array(kernel), "strides": np.array(strides), "pad_type": padding}
    if kind == "avg_pool":
        inputs["exclude_padding_from_average"] = np.True_  # as TensorFlow does
    check(kind, inputs, np.moveaxis(want, -1, 1), rtol=1e-5, atol=1e-5)


def pooled(
    kind: str,
    x: np.ndarray,
    kernel: list[int],
    strides: list[int],
    pads: list[tuple[int, int]],
    counts: list[int],
    *,
    exclude: bool,
) -> np.ndarray:
    """Return a pooling, window by window: what lies beyond the padding never counts."""
    result = np.empty((*x.shape[:2], *counts), np.float64)
    for at in itertools.product(*map(range, counts)):
        starts = [i * s - before for i, s, (before, _) in zip(at, strides, pads, strict=True)]
        inside = [
            slice(max(0, start), min(n, start + k)) for start, k, n in zip(starts, kernel, x.shape[2:], strict=True)
        ]
        window = x[:, :, *inside].astype(np.float64).reshape(*x.shape[:2], -1)
        reach = [
            min(start + k, n + after) - start
            for start, k, n, (_, after) in zip(starts, kernel, x.shape[2:], pads, strict=True)
        ]
        count = window.shape[-1] if exclude else math.prod(reach)
        result[:, :, *at] = {
            "max_pool": lambda w=window: w.max(axis=-1),
            "avg_pool": lambda w=window, c=count: w.sum(axis=-1) / c,
            "l2_pool": lambda w=window: np.sqrt((w**2).sum(axis=-1)),
        }[kind]()
    return result.astype(np.float32)


@pytest.mark.parametrize("kind", ["max_pool", "avg_pool", "l2_pool"])
@settings(max_examples=24, deadline=None)
@given(data=st.data())
@covers("max_pool", "avg_pool", "l2_pool", against=FORMULA)
def test_a_pooling_takes_its_windows_one_by_one(kind: str, data: st.DataObject) -> None:
    axes, rng = data.draw(st.integers(1, 2)), np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    kernel, strides = numbers(data, axes, 1, 4), numbers(data, axes, 1, 4)
    spatial = [k + n for k, n in zip(kernel, numbers(data, axes, 0, 5), strict=True)]
    before = [data.draw(st.integers(0, k // 2)) for k in kernel]
    ceil = data.draw(st.booleans())
    after = before if ceil else [data.draw(st.integers(0, k // 2)) for k in kernel]
    pads = list(zip(before, after, strict=True))
    counts = []
    for n, k, s, (b, a) in zip(spatial, kernel, strides, pads, strict=True):
        count = (math.ceil if ceil else math.floor)((n + b + a - k) / s) + 1
        counts.append(count - 1 if ceil and (count - 1) * s >= n + b else count)
    x = rng.normal(0, 3, (1, 2, *spatial)).astype(np.float32)
    exclude = data.draw(st.booleans())
    inputs = {
        "x": Fed(x),
        "kernel_sizes": np.array(kernel),
        "strides": np.array(strides),
        "pad_type": "custom",
        "pad": np.array(pads).ravel(),
        "ceil_mode": np.bool_(ceil),
    }
    if kind == "avg_pool":
        inputs["exclude_padding_from_average"] = np.bool_(exclude)
    if ceil and any(
        (c - 1) * s < n + b <= c * s and b == a == 0 and math.ceil((n - k) / s) == c
        for c, s, n, b, a, k in zip(counts, strides, spatial, before, after, kernel, strict=True)
    ):
        assert "beyond" in refused(kind, inputs)  # the reference keeps such a window where there is no padding
        return
    check(kind, inputs, pooled(kind, x, kernel, strides, pads, counts, exclude=exclude), rtol=1e-5, atol=1e-5)
