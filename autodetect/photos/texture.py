"""What a photograph looks like in numbers, and a drawing does not.

A photograph has shading nearly everywhere: in a patch of it hardly any grey level recurs, and neighbours differ a
little. Drawings, text and scanned pages are made of few levels with hard edges between them, or of gradients without
any texture. A frame, or a studio's white, is as plain as a drawing's ground: so what lies inside the plain margins is
measured by itself as well.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MEASURED_SIDE = 128  # pixels; the longer side is averaged down to this or less: JPEG noise goes, texture stays
CELL = 8  # pixels
LEVELS = 5  # grey levels that count as one
GROUND = 24  # pixels of a cell's 64; with more in LEVELS neighbouring levels it has a ground: flat, or text on flat
SOFT = (3, 32)  # grey levels of second difference: above rounding and JPEG noise, below the edge of a stroke
SOFT_SHARE = 0.3  # of a cell's pixels
LEAST_INSIDE = 1 / 6  # of the picture; a few cells say nothing about what they are of
MARGIN_LEVELS = 12  # a margin's rows and columns vary by no more (JPEG noise)


@dataclass(frozen=True)
class Texture:
    """Shares, 0 to 1.

    `textured`: cells that look photographed; `inside`: the same within the plain margins, where there are any;
    `plain`: pixels within five neighbouring grey levels, the likeliest ones.
    """

    textured: float
    inside: float
    plain: float


def texture(grey: NDArray[np.uint8]) -> Texture:
    """Measure a grey picture of shape (h, w), upright or not, of any size; about 0.1 ms.

    Thresholds were measured with pictures whose longer side is 64 to 340 pixels: a scaled decode of a larger photo.
    """
    small = _reduced(grey)
    histogram = np.bincount(small.ravel(), minlength=256)
    textured = _textured(small)
    inside = _within_margins(small)
    framed = LEAST_INSIDE * small.size <= inside.size < small.size
    return Texture(
        textured=textured,
        inside=_textured(inside) if framed else textured,
        plain=float(np.convolve(histogram, np.ones(LEVELS, dtype=np.int64)).max() / small.size),
    )


def _reduced(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    factor = -(-max(grey.shape) // MEASURED_SIDE)
    return np.asarray(Image.fromarray(grey).reduce(factor)) if factor > 1 else grey


def _second_differences(grey: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Return how far each inner pixel is from the line through its neighbours, along rows or columns: the larger one.

    Shape (h - 2, w - 2). A gradient, however steep, gives 0, give or take its rounding.
    """
    wide = grey.astype(np.int16)
    twice = 2 * wide[1:-1, 1:-1]
    along = np.abs(wide[1:-1, :-2] + wide[1:-1, 2:] - twice)
    across = np.abs(wide[:-2, 1:-1] + wide[2:, 1:-1] - twice)
    return np.maximum(along, across)


def _textured(grey: NDArray[np.uint8]) -> float:
    """Return the share of cells without a ground in which enough pixels are soft; 0 for less than a cell."""
    if min(grey.shape) < CELL + 2:
        return 0.0
    bends = _second_differences(grey)
    soft = (bends >= SOFT[0]) & (bends <= SOFT[1])
    cells = _cells(grey[1:-1, 1:-1])
    ordered = np.sort(cells.astype(np.int16), axis=1)  # three times as fast as bytes
    spread = (ordered[:, GROUND:] - ordered[:, :-GROUND]).min(axis=1)
    return float(((spread >= LEVELS) & (_cells(soft).mean(axis=1) >= SOFT_SHARE)).mean())


def _cells(pixels: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return whole cells as rows, shape (n, CELL * CELL); what is left at the right and below is not looked at."""
    down, across = pixels.shape[0] // CELL, pixels.shape[1] // CELL
    whole = pixels[: down * CELL, : across * CELL].reshape(down, CELL, across, CELL)
    return whole.swapaxes(1, 2).reshape(down * across, CELL * CELL)


def _within_margins(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the picture without the rows and columns at its edges that are all of one level."""
    for _ in range(2):  # bars above and below make columns vary: those at the sides are seen in the second round
        rows = np.flatnonzero(grey.max(axis=1) - grey.min(axis=1) > MARGIN_LEVELS)
        columns = np.flatnonzero(grey.max(axis=0) - grey.min(axis=0) > MARGIN_LEVELS)
        if not len(rows) or not len(columns):
            return grey
        inner = grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        if inner.shape == grey.shape:
            return grey
        grey = inner
    return grey
