"""How well two small pictures agree once one is laid over the other: mirrored, shifted, enlarged or tilted as it takes.

First the best of a few scales and both orientations, each at its best shift (by Fourier transform), on pictures of
16 x 16; then the affine map that fits best, by Gauss-Newton steps with a free gain and level (Lucas, Kanade 1981;
Baker, Matthews: Lucas-Kanade 20 Years On, 2004), on 24 x 24 and, for pairs that may be copies, on 48 x 48. The verdict
is the correlation of what is left after smooth parts are taken away: two photos of one model in one pose share those.

A map is (n, 6) float32: x' = m0 + m1 x + m2 y, y' = m3 + m4 x + m5 y, from places of the first picture to the second's;
a picture reaches from -1 to 1. All functions take n pairs at once.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from autodetect.photos.resampling import gaussian

Floats = NDArray[np.float32]

COARSE, MIDDLE = 16, 24
SCALES = (0.8, 0.89, 1.0, 1.12, 1.25)  # a crop of 10 % a side is 0.8
STARTS = 2  # of the coarse search, that are followed
MIDDLE_STEPS, FINE_STEPS = 6, 5
LEAST_OVERLAP = 0.4  # of the first picture: less in common proves nothing
LONGEST_STEP = 0.15
PROMISING = 0.6  # on 24 x 24 copies reach 0.9; what stays below is not looked at any closer
DETAIL = 0.1  # of the side: the smoothing that detail is measured against


@dataclass(frozen=True)
class Agreement:
    """What n pairs agree in: `correlation` and `detail` (n,), -1 to 1, the latter of fine structure; `maps` (n, 6)."""

    correlation: Floats
    detail: Floats
    maps: Floats


def align(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Agreement:
    """Lay the second of each pair over the first.

    Args:
        first: n grey pictures, (n, 48, 48) uint8.
        second: likewise.
    """
    one, other = (pictures.astype(np.float32) for pictures in (first, second))
    maps = _searched(*(_less_smooth(_reduced(each, COARSE), COARSE / 6) for each in (one, other)))
    middle, middle_other = _reduced(one, MIDDLE), _reduced(other, MIDDLE)
    reached = [_fitted(middle, middle_other, start, MIDDLE_STEPS) for start in maps]
    found = np.stack([correlation for correlation, _ in reached])
    best, every = found.argmax(axis=0), np.arange(len(one))
    correlation, chosen = found[best, every], np.stack([fitted for _, fitted in reached])[best, every]
    detail = np.full(len(one), -1, np.float32)
    close = np.flatnonzero(correlation >= PROMISING)
    if len(close):
        one, other = one[close], other[close]
        correlation[close], chosen[close] = _fitted(one, other, chosen[close], FINE_STEPS)
        sigma = one.shape[1] * DETAIL
        values, inside = _laid_over(_less_smooth(other, sigma), chosen[close])
        detail[close] = _correlation(_less_smooth(one, sigma).reshape(len(one), -1), values, inside)
    return Agreement(correlation, detail, chosen)


def detail_of(pictures: NDArray[np.uint8]) -> Floats:
    """Return how much fine structure pictures (n, s, s) have: its standard deviation in grey levels, (n,).

    It is measured away from the edges, where the smoothing is lopsided and a mere gradient leaves something.
    """
    side = pictures.shape[1]
    away = slice(round(2 * DETAIL * side), side - round(2 * DETAIL * side))
    return _less_smooth(pictures.astype(np.float32), DETAIL * side)[:, away, away].std(axis=(1, 2))


def _searched(one: Floats, other: Floats) -> Floats:
    """Return the `STARTS` most promising maps of each pair, (STARTS, n, 6), from all scales and both orientations."""
    count, side, _ = one.shape
    padded = (2 * side, 2 * side)
    wanted = np.fft.rfft2(one, s=padded)
    norm = _norm(one)
    reach = side // 4
    maps, agreements = [], []
    for mirror in (1, -1):
        for scale in SCALES:
            start = np.tile(np.array([0, mirror * scale, 0, 0, 0, scale], np.float32), (count, 1))
            values, inside = _laid_over(other, start)
            values = (values * inside).reshape(one.shape)
            shifts = np.fft.irfft2(wanted * np.fft.rfft2(values, s=padded).conj(), s=padded)
            near = np.roll(shifts, (reach, reach), axis=(1, 2))[:, : 2 * reach + 1, : 2 * reach + 1]
            near = near.reshape(count, (2 * reach + 1) ** 2)
            place = near.argmax(axis=1)
            dy, dx = np.divmod(place, 2 * reach + 1)
            start[:, 0] = mirror * scale * (reach - dx) * 2 / side
            start[:, 3] = scale * (reach - dy) * 2 / side
            maps.append(start)
            agreements.append(near[np.arange(count), place] / (norm * _norm(values) + 1e-3))
    order = np.argsort(-np.stack(agreements), axis=0, kind="stable")[:STARTS]
    return np.stack(maps)[order, np.arange(count)]


def _fitted(one: Floats, other: Floats, maps: Floats, steps: int) -> tuple[Floats, Floats]:
    """Return the best correlation on the way, (n,), and its map, (n, 6), after Gauss-Newton steps from `maps`."""
    count, side, _ = one.shape
    x, y = _places(side)
    target = one.reshape(count, side * side)
    down, right = ((side / 2) * np.gradient(one, axis=axis).reshape(count, side * side) for axis in (1, 2))
    slopes = np.stack([right, right * x, right * y, down, down * x, down * y, target, np.ones_like(target)], axis=1)
    best, chosen = np.full(count, -1, np.float32), maps
    for step in range(steps + 1):
        values, inside = _laid_over(other, maps)
        reached = _correlation(target, values, inside)
        better = reached > best
        best, chosen = np.where(better, reached, best), np.where(better[:, None], maps, chosen)
        if step < steps:
            maps = _stepped(slopes * inside[:, None], slopes, values, maps)
    return best, chosen


def _stepped(counted: Floats, slopes: Floats, values: Floats, maps: Floats) -> Floats:
    """Return the maps after one step: what moves `one` towards the values laid over it, undone in the map."""
    normal = counted @ slopes.transpose(0, 2, 1)
    damping = 1e-4 * np.trace(normal, axis1=1, axis2=2) / normal.shape[1] + 1e-3
    normal += damping[:, None, None] * np.eye(normal.shape[1], dtype=np.float32)
    solved = np.linalg.solve(normal, counted @ values[:, :, None])[:, :, 0]
    gain = np.where(np.abs(solved[:, 6:7]) < 0.2, 0.2, solved[:, 6:7])
    move = _as_matrices(np.clip(solved[:, :6] / gain, -LONGEST_STEP, LONGEST_STEP)) + np.eye(3, dtype=np.float32)
    move[:, 2] = (0, 0, 1)
    whole = _as_matrices(maps)
    whole[:, 2, 2] = 1
    after = whole @ np.linalg.inv(move)
    return np.ascontiguousarray(after[:, :2][:, :, [2, 0, 1]].reshape(-1, 6))


def _as_matrices(maps: Floats) -> Floats:
    """Return maps as (n, 3, 3) matrices with an empty last row."""
    matrices = np.zeros((len(maps), 3, 3), np.float32)
    matrices[:, :2] = maps.reshape(-1, 2, 3)[:, :, [1, 2, 0]]
    return matrices


def _laid_over(pictures: Floats, maps: Floats) -> tuple[Floats, Floats]:
    """Return pictures (n, s, s) seen through maps, (n, s * s), bilinear, and 1 where they have a value, else 0."""
    count, side, _ = pictures.shape
    across, along = _places(side)
    x = maps[:, 0:1] + maps[:, 1:2] * across + maps[:, 2:3] * along
    y = maps[:, 3:4] + maps[:, 4:5] * across + maps[:, 5:6] * along
    inside = (np.abs(x) <= 1) & (np.abs(y) <= 1)
    x, y = (np.clip((each + 1) * (side / 2) - 0.5, 0, side - 1.001) for each in (x, y))
    column, row = x.astype(np.int32), y.astype(np.int32)
    x -= column
    y -= row
    place = row * side + column + (np.arange(count, dtype=np.int32) * (side * side))[:, None]
    flat = pictures.ravel()
    above, below = flat.take(place), flat.take(place + side)
    above += (flat.take(place + 1) - above) * x
    below += (flat.take(place + side + 1) - below) * x
    return above + (below - above) * y, inside.astype(np.float32)


def _correlation(one: Floats, other: Floats, inside: Floats) -> Floats:
    """Return Pearson's correlation of (n, p) values where `inside` is 1; -1 where that is too little or flat."""
    counts = inside.sum(axis=1)
    share = np.maximum(counts, 1)[:, None]
    one = (one - (one * inside).sum(axis=1, keepdims=True) / share) * inside
    other = (other - (other * inside).sum(axis=1, keepdims=True) / share) * inside
    norm = np.sqrt(np.einsum("np,np->n", one, one) * np.einsum("np,np->n", other, other))
    found = np.einsum("np,np->n", one, other) / np.maximum(norm, 1e-6)
    found[(counts < LEAST_OVERLAP * inside.shape[1]) | (norm <= 1e-3)] = -1
    return found.astype(np.float32)


def _less_smooth(pictures: Floats, sigma: float) -> Floats:
    """Return pictures (n, s, s) less what a Gaussian of `sigma` pixels leaves of them."""
    smooth = gaussian(pictures.shape[1], sigma)
    return np.subtract(pictures, smooth @ pictures @ smooth.T)


def _reduced(pictures: Floats, side: int) -> Floats:
    """Return pictures averaged down to a side that divides theirs."""
    count, before, _ = pictures.shape
    factor = before // side
    return pictures.reshape(count, side, factor, side, factor).mean(axis=(2, 4), dtype=np.float32)


def _norm(pictures: Floats) -> Floats:
    return np.sqrt(np.einsum("nyx,nyx->n", pictures, pictures))


@lru_cache(4)
def _places(side: int) -> tuple[Floats, Floats]:
    """Return x and y of a picture's pixels, (side * side,) each, -1 to 1."""
    steps = ((np.arange(side) + 0.5) / side * 2 - 1).astype(np.float32)
    return np.tile(steps, side), np.repeat(steps, side)
