import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from autodetect.coreml.interpreter.rounding import rounded


def same_bits(numbers: np.ndarray) -> None:
    """Assert that each number is rounded to the bits that NumPy's cast gives; part by part, so that no branch hides."""
    with np.errstate(over="ignore"):
        expected = numbers.astype(np.float16).astype(np.float32)
    for start in range(0, len(numbers), 64):
        part, wanted = rounded(numbers[start : start + 64]), expected[start : start + 64]
        assert part.dtype == np.float32
        numeric = ~np.isnan(wanted)
        np.testing.assert_array_equal(np.isnan(part), ~numeric)
        np.testing.assert_array_equal(part[numeric].view(np.uint32), wanted[numeric].view(np.uint32))


def test_all_of_float16_what_is_half_way_between_and_what_is_next_to_it() -> None:
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    finite = np.sort(halves[np.isfinite(halves)].astype(np.float32))
    between = ((finite[:-1].astype(np.float64) + finite[1:]) / 2).astype(np.float32)  # exact in float32
    edges = np.array([65519.996, 65520, 65535.996, 65536, np.inf, np.nan, -0.0, 0, 1e-45, 1e38], np.float32)
    for numbers in (halves.astype(np.float32), between, edges, -edges):
        same_bits(numbers)
        numeric = numbers[~np.isnan(numbers)]
        same_bits(np.nextafter(numeric, np.float32(np.inf)))
        same_bits(np.nextafter(numeric, np.float32(-np.inf)))


@given(arrays.arrays(np.float32, arrays.array_shapes(max_dims=3, max_side=20), elements=st.floats(width=32)))
def test_any_numbers(numbers: np.ndarray) -> None:
    same_bits(numbers.reshape(-1))
    assert rounded(numbers).shape == numbers.shape


def test_many_numbers_and_those_of_another_order() -> None:
    numbers = np.random.default_rng(0).normal(size=(300, 401)).astype(np.float32)
    np.testing.assert_array_equal(rounded(numbers.T), numbers.T.astype(np.float16))
    assert rounded(np.empty((0, 3), np.float32)).shape == (0, 3)
