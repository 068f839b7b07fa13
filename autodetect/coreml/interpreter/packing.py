"""Numbers of fewer than eight bits, packed into bytes."""

from typing import Any

import numpy as np
import numpy.typing as npt


def bytes_for(count: int, bits: int) -> int:
    """Return how many bytes hold `count` elements of `bits` bits."""
    return (count * bits + 7) // 8


def unpacked(packed: npt.NDArray[np.uint8], bits: int, count: int, *, signed: bool = False) -> npt.NDArray[Any]:
    """Return `count` elements of `bits` bits each, one byte per element.

    The first element is in the lowest bits of the first byte; one that a byte cannot hold whole goes on in the lowest
    bits of the next.

    Args:
        packed: uint8 (n,), at least `bytes_for(count, bits)` long.
        bits: 1 to 8.
        count: of the elements.
        signed: two's complement.

    Returns:
        uint8 (count,), or int8 where signed.
    """
    groups = -(-count // 8)  # eight elements fill `bits` whole bytes
    whole = np.zeros((groups, bits), np.uint8)
    used = packed[: bytes_for(count, bits)]
    whole.reshape(-1)[: len(used)] = used
    words = np.zeros(groups, np.uint64)
    for byte in range(bits):
        words |= whole[:, byte].astype(np.uint64) << np.uint64(8 * byte)
    elements = np.empty((groups, 8), np.uint8)
    mask = np.uint64((1 << bits) - 1)
    for place in range(8):
        elements[:, place] = (words >> np.uint64(bits * place)) & mask
    flat = elements.reshape(-1)[:count]
    if not signed:
        return flat
    sign = np.uint8(1 << (bits - 1))
    return ((flat ^ sign) - sign).view(np.int8)
