"""Small matrices that reduce, smooth and transform a picture from both sides: `rows @ picture @ columns.T`.

Resizing, smoothing and the cosine transform are linear, so each is one matrix per side length, and a resize followed by
a transform is their product. They are made once per length and kept: photos come in few sizes.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
KEPT = 512  # matrices of each kind, up to about 100 kB each
LANCZOS_LOBES = 3
SMALL_PRODUCT = 1 << 18  # multiplications; OpenBLAS uses one thread up to here (interface/gemm.c)


@lru_cache(KEPT)
def lanczos(length: int, size: int) -> Matrix:
    """Return the (size, length) float32 matrix that resizes as Pillow's `LANCZOS` does, but for rounding to 8 bits."""
    scale = length / size
    stretch = max(scale, 1.0)
    centres = (np.arange(size) + 0.5) * scale
    reach = LANCZOS_LOBES * stretch
    places = np.arange(length)
    first = np.maximum((centres - reach + 0.5).astype(np.int64), 0)[:, None]
    last = np.minimum((centres + reach + 0.5).astype(np.int64), length)[:, None]
    offset = (places[None, :] + 0.5 - centres[:, None]) / stretch
    weights = np.sinc(offset) * np.sinc(offset / LANCZOS_LOBES)
    weights *= (places >= first) & (places < last)
    return _frozen(weights / weights.sum(axis=1, keepdims=True))


@lru_cache(KEPT)
def box(length: int, size: int) -> Matrix:
    """Return the (size, length) float32 matrix that averages areas, parts of pixels counted in part."""
    edges = np.arange(size + 1) * (length / size)
    places = np.arange(length)
    covered = np.minimum(edges[1:, None], places + 1) - np.maximum(edges[:-1, None], places)
    covered = np.maximum(covered, 0)
    return _frozen(covered / covered.sum(axis=1, keepdims=True))


@lru_cache(KEPT)
def cosines(length: int, size: int, share: float = 0.0) -> Matrix:
    """Return the (size, length) float32 matrix of the first `size` type II cosine waves over a length.

    Args:
        length: pixels.
        size: waves, the constant one first.
        share: left out at either end, as a share of the length; a pixel that is left out in part counts in part.
    """
    first, last = length * share, length * (1 - share)
    places = np.arange(length)
    counted = np.clip(np.minimum(places + 1, last) - np.maximum(places, first), 0, 1)
    phase = (places + 0.5 - first) / (last - first)
    return _frozen(np.cos(np.pi * np.arange(size)[:, None] * phase[None, :]) * counted)


@lru_cache(KEPT)
def gaussian(length: int, sigma: float) -> Matrix:
    """Return the (length, length) float32 matrix that smooths by `sigma` pixels; weights at the ends sum to 1 too."""
    places = np.arange(length)
    weights = np.exp(-((places[:, None] - places[None, :]) ** 2) / (2 * sigma * sigma))
    return _frozen(weights / weights.sum(axis=1, keepdims=True))


def product(matrix: Matrix, picture: Matrix) -> Matrix:
    """Return `matrix @ picture`, a few rows at a time, each product too small for OpenBLAS to start threads.

    One photo's products take microseconds; threads that wait for each other on a busy machine take milliseconds.
    """
    rows = max(1, SMALL_PRODUCT // picture.size)
    if len(matrix) <= rows:
        return matrix @ picture
    whole = len(matrix) // rows * rows
    parts = (matrix[:whole].reshape(-1, rows, matrix.shape[1]) @ picture).reshape(whole, -1)
    return parts if whole == len(matrix) else np.concatenate([parts, matrix[whole:] @ picture])


def _frozen(matrix: NDArray[np.float64]) -> Matrix:
    frozen = np.ascontiguousarray(matrix, dtype=np.float32)
    frozen.flags.writeable = False  # one array serves all callers
    return frozen
