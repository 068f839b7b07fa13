"""Landmarks of a picture, and the windows that pairs of them span: what a crop, a frame or a tilt leaves as it was.

A landmark is a blob, where the difference of two Gaussians peaks (Lowe: Distinctive Image Features from Scale-Invariant
Keypoints, 2004), or a corner, where the picture changes in every direction (Harris, Stephens: A Combined Corner and
Edge Detector, 1988; Noble's measure). Two of a kind fix place, size and tilt of a window: the same window in a copy
that was cropped or turned by a few degrees, as far as both are found again. A window stands upright to within 45
degrees and its left is the picture's left, so a mirrored picture has the mirrored windows.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from autodetect.photos.resampling import KEPT, Matrix, gaussian

FINE, COARSE = 1.5, 2.4  # pixels of a picture whose longer side is 64: the Gaussians of blobs
AROUND = 1.8  # pixels: the Gaussian over which a corner's changes are gathered
EDGE = 1e-3  # keeps Noble's measure from dividing by zero
MARGIN = 0.05  # of the longer side: no landmarks so near the edge
APART = 0.12  # of the longer side: least distance of two landmarks
SPAN = 0.2  # of the longer side: least distance of two that span a window
CENTRED = 1.0  # how much less a landmark counts the farther it lies from the middle: what a crop takes first
POINTS = 7  # of each kind
WINDOW = 0.65  # a window's side, in distances of its two landmarks
SAMPLES = 16  # pixels of a window's side
MOST_WINDOWS = POINTS * (POINTS - 1)

Points = NDArray[np.float32]


def landmarks(picture: Matrix) -> tuple[Points, Points]:
    """Return the strongest blobs and corners of a grey picture, up to `POINTS` of each: (n, 2) of y, x in pixels."""
    rows, columns = (_smoothing(size) for size in picture.shape)
    fine, coarse = rows[:2] @ picture @ columns[:2].transpose(0, 2, 1)
    return _peaks(np.abs(fine - coarse)), _peaks(_cornered(fine, rows[2], columns[2]))


def _cornered(fine: Matrix, rows: Matrix, columns: Matrix) -> Matrix:
    """Return Noble's measure, det / trace of the gathered products of the two slopes."""
    slopes = np.zeros((2, *fine.shape), np.float32)
    slopes[0, 1:-1] = fine[2:] - fine[:-2]
    slopes[1, :, 1:-1] = fine[:, 2:] - fine[:, :-2]
    products = np.stack([slopes[0] * slopes[0], slopes[1] * slopes[1], slopes[0] * slopes[1]])
    down, across, mixed = rows @ products @ columns.T
    return (down * across - mixed * mixed) / (down + across + EDGE)


def _peaks(strength: Matrix) -> Points:
    """Return the highest peaks that are far enough apart."""
    height, width = strength.shape
    margin = max(1, int(MARGIN * max(height, width)))
    across = np.maximum(np.maximum(strength[:, :-2], strength[:, 1:-1]), strength[:, 2:])
    around = np.maximum(np.maximum(across[:-2], across[1:-1]), across[2:])
    cut = slice(margin - 1, height - margin - 1), slice(margin - 1, width - margin - 1)
    inner = strength[margin : height - margin, margin : width - margin]
    places = np.flatnonzero((inner >= around[cut]) & (inner > 0))
    weighted = (inner * _centred(height, width, margin)).ravel()[places]
    places = places[np.argsort(-weighted, kind="stable")]
    y, x = np.divmod(places, max(inner.shape[1], 1))
    return _refined(strength, _far_apart(y + margin, x + margin, APART * max(height, width)))


def windows(picture: Matrix, kinds: tuple[Points, Points]) -> Matrix:
    """Return the windows that pairs of landmarks of a kind span, (n, SAMPLES**2) float32, n up to `MOST_WINDOWS`.

    What lies outside the picture is that of its edge.
    """
    pairs = np.concatenate([points[_pairs(len(points))] for points in kinds], axis=1)
    step = pairs[1] - pairs[0]
    spanning = (step * step).sum(axis=1) >= (SPAN * max(picture.shape)) ** 2
    one, other, step = pairs[0, spanning], pairs[1, spanning], step[spanning]
    lying = np.abs(step[:, 1]) >= np.abs(step[:, 0])
    along = np.where(lying, step[:, 1], step[:, 0])
    dy, dx = (step * np.where(along < 0, -WINDOW / 2, WINDOW / 2).astype(np.float32)[:, None]).T
    # the window's own right and down: along the pair where it lies flat, across it where it stands
    right_y, right_x = np.where(lying, dy, -dx), np.where(lying, dx, dy)
    middle_y, middle_x = ((one + other) / 2).T
    y = np.stack([middle_y, right_y, right_x], axis=1)
    x = np.stack([middle_x, right_x, -right_y], axis=1)
    return _sampled(picture, y @ _offsets(), x @ _offsets())


def _sampled(picture: Matrix, y: Matrix, x: Matrix) -> Matrix:
    """Return a picture's values between pixels, bilinear, of the shape of `y`; outside, those of the edge."""
    height, width = picture.shape
    np.clip(y, 0, height - 1.001, out=y)
    np.clip(x, 0, width - 1.001, out=x)
    first, column = y.astype(np.int32), x.astype(np.int32)
    y -= first
    x -= column
    first *= width
    first += column
    flat = picture.ravel()
    above, below = flat.take(first), flat.take(first + width)
    right = flat[1:].take(first)
    right -= above
    right *= x
    above += right
    right = flat[1:].take(first + width)
    right -= below
    right *= x
    below += right
    below -= above
    below *= y
    above += below
    return above


def _far_apart(y: NDArray[np.int64], x: NDArray[np.int64], distance: float) -> NDArray[np.int64]:
    """Return the first places, (n, 2), none of them nearer than `distance` to one before it."""
    limit = distance * distance
    found: list[tuple[int, int]] = []
    for here_y, here_x in zip(y.tolist(), x.tolist(), strict=True):
        for old_y, old_x in found:
            if (here_y - old_y) ** 2 + (here_x - old_x) ** 2 < limit:
                break
        else:
            found.append((here_y, here_x))
            if len(found) == POINTS:
                break
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _refined(strength: Matrix, places: NDArray[np.int64]) -> Points:
    """Return where the peaks lie between the pixels: the top of the parabola through three of them, per axis."""
    y, x = places.T
    width = strength.shape[1]
    flat, middle = strength.ravel(), y * width + x
    around = flat[middle + np.array([[0], [-width], [width], [-1], [1]])]
    before, after = around[[1, 3]], around[[2, 4]]
    bend = np.minimum(before - 2 * around[0] + after, -1e-6)
    return (places + np.clip((before - after) / (2 * bend), -0.5, 0.5).T).astype(np.float32)


@lru_cache(KEPT)
def _centred(height: int, width: int, margin: int) -> Matrix:
    """Return what a landmark counts by its place: 1 in the middle, exp(-2 * CENTRED) in a corner."""
    y, x = ((2 * np.arange(size) + 1) / size - 1 for size in (height, width))
    weights = np.exp(-CENTRED * (y[:, None] ** 2 + x[None, :] ** 2)).astype(np.float32)
    return weights[margin : height - margin, margin : width - margin]


@lru_cache(KEPT)
def _smoothing(length: int) -> Matrix:
    return np.stack([gaussian(length, sigma) for sigma in (FINE, COARSE, AROUND)])


@lru_cache(POINTS + 1)
def _pairs(count: int) -> NDArray[np.int64]:
    """Return all pairs of `count` landmarks, (2, n)."""
    pairs = [(one, other) for other in range(count) for one in range(other)]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2).T


@lru_cache(1)
def _offsets() -> Matrix:
    """Return 1 and how far right and down a window's pixels lie, -1 to 1: (3, SAMPLES**2)."""
    steps = (np.arange(SAMPLES) + 0.5) / SAMPLES * 2 - 1
    rows = np.stack([np.ones(SAMPLES**2), np.tile(steps, SAMPLES), np.repeat(steps, SAMPLES)])
    return rows.astype(np.float32)
