"""Rounding float32 to float16, bit by bit what NumPy's cast gives, several times sooner."""

from typing import Any

import numpy as np
import numpy.typing as npt

_EXPONENT = np.uint32(0x7F800000)  # these bits of a float32 number
_SMALLEST = np.uint32((127 - 14) << 23)  # the exponent of float16's smallest normal number, below which steps are equal
_LARGE = np.uint32((127 + 15) << 23)  # the exponent of numbers that may overflow
# From the exponent of a number to 1.5 * 2^13 times its power of two: there float32 is as coarse as float16 is here.
_COARSER = np.uint32((13 << 23) | 0x400000)
_PART = 2**15  # numbers: what is done at once stays in the cache


def rounded(array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return float32 numbers rounded to float16, to even where two are equally near; what is too large is infinite."""
    flat = np.ascontiguousarray(array, np.float32).reshape(-1)
    found = np.empty_like(flat)
    for start in range(0, flat.size, _PART):
        _round(flat[start : start + _PART], found[start : start + _PART])
    return found.reshape(array.shape)


def _round(numbers: npt.NDArray[np.float32], into: npt.NDArray[np.float32]) -> None:
    """Add to each number one so large that the sum's last bit is float16's, and take it away again."""
    bits = numbers.view(np.uint32) & _EXPONENT
    if bits.max() >= _LARGE:  # infinite, not a number, or perhaps to become infinite
        with np.errstate(over="ignore"):
            into[:] = numbers.astype(np.float16)
        return
    np.maximum(bits, _SMALLEST, out=bits)
    bits += _COARSER
    coarse = bits.view(np.float32)
    np.add(numbers, coarse, out=into)
    np.subtract(into, coarse, out=into)
    np.copysign(into, numbers, out=into)  # the sign of 0
