import numpy as np
import pytest
from coremltools.optimize._utils import pack_elements_into_bits
from hypothesis import given
from hypothesis import strategies as st

from autodetect.coreml.interpreter.packing import bytes_for, unpacked


@given(st.integers(1, 8), st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_elements_packed_by_coremltools_come_back(bits: int, count: int, seed: int) -> None:
    elements = np.random.default_rng(seed).integers(0, 2**bits, count).astype(np.uint8)
    packed = pack_elements_into_bits(elements, bits).astype(np.uint8)
    assert len(packed) == bytes_for(count, bits)
    np.testing.assert_array_equal(unpacked(packed, bits, count), elements)


@pytest.mark.parametrize("bits", [2, 3, 4, 6, 8])
def test_negative_numbers_come_back(bits: int) -> None:
    elements = np.arange(-(2 ** (bits - 1)), 2 ** (bits - 1)).astype(np.int8)
    packed = pack_elements_into_bits(elements, bits).view(np.uint8)
    found = unpacked(packed, bits, len(elements), signed=True)
    assert found.dtype == np.int8
    np.testing.assert_array_equal(found, elements)
