"""A palette loses as little as can be, and is the same every time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from autodetect.coreml.palette import palette

finite_halves = st.floats(-65_504, 65_504, width=16)


def squared_error(weights, found):
    return float(((found.values[found.indices].astype(float) - np.ravel(weights).astype(float)) ** 2).sum())


def least_squared_error(weights, entries):
    """By trying every boundary of every cluster."""
    values = np.sort(weights)
    sums, squares = (np.concatenate([[0.0], np.cumsum(each)]) for each in (values, values**2))
    size = np.arange(len(values) + 1)[:, None] - np.arange(len(values) + 1)
    within = squares[:, None] - squares - (sums[:, None] - sums) ** 2 / np.maximum(size, 1)
    cost = np.where(size > 0, within, np.inf)
    lowest = cost[:, 0]
    for _ in range(entries - 1):
        lowest = (lowest + cost).min(axis=1)
    return float(lowest[-1])


@settings(max_examples=150, deadline=None)
@given(arrays.arrays(np.float16, st.integers(1, 400), elements=finite_halves), st.integers(1, 8))
def test_every_weight_has_the_nearest_entry_of_an_ascending_palette(weights, bits):
    found = palette(weights, bits)
    assert found.values.shape == (2**bits,)
    assert found.values.dtype == np.float16
    assert found.indices.dtype == np.uint8
    assert (np.diff(found.values.astype(float)) >= 0).all()
    distances = np.abs(weights.astype(float)[:, None] - found.values.astype(float))
    np.testing.assert_array_equal(distances[np.arange(len(weights)), found.indices], distances.min(axis=1))
    if len(np.unique(weights)) <= 2**bits:
        np.testing.assert_array_equal(found.values[found.indices], weights)


@settings(max_examples=40, deadline=None)
@given(arrays.arrays(np.float16, st.integers(5, 9), elements=st.floats(-4, 4, width=16)))
def test_no_other_palette_of_a_few_weights_is_better(weights):
    values = np.sort(weights.astype(float))
    splits = [(i, j, k) for i in range(len(values)) for j in range(i, len(values)) for k in range(j, len(values))]
    least = min(
        sum(((part - part.mean()) ** 2).sum() for part in np.split(values, split) if len(part)) for split in splits
    )
    # The entries are float16, and Lloyd's rounds end where no single boundary moves.
    assert squared_error(weights, palette(weights, 2)) <= least * 1.02 + len(values) * (4 * 2.0**-12) ** 2


@pytest.mark.parametrize(
    ("shape", "most"), [("uniform", 1.01), ("normal", 1.01), ("laplace", 1.01), ("two scales", 1.03)]
)
def test_the_error_of_a_palette_is_within_hundredths_of_the_least_there_is(shape, most):
    rng = np.random.default_rng(0)
    weights = {
        "uniform": rng.uniform(-0.1, 0.1, 1500),
        "normal": rng.normal(0, 0.02, 1500),
        "laplace": rng.laplace(0, 0.02, 1500),
        "two scales": rng.normal(0, np.repeat([0.001, 0.3], 750)),
    }[shape].astype(np.float16)
    assert squared_error(weights, palette(weights, 6)) <= most * least_squared_error(weights.astype(float), 64)


def test_weights_in_any_order_have_the_same_palette():
    weights = np.random.default_rng(1).normal(size=(64, 96)).astype(np.float16)
    shuffled = np.random.default_rng(2).permutation(weights.ravel())
    np.testing.assert_array_equal(palette(weights, 6).values, palette(shuffled, 6).values)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_weights_that_are_not_finite_are_refused(bad):
    with pytest.raises(ValueError, match="finite"):
        palette(np.array([0.5, bad], np.float16), 6)
