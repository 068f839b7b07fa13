"""A palette for a weight tensor: the few values that stand for all of them with the least squared error.

Lloyd's algorithm (Least Squares Quantization in PCM, IEEE Trans. Information Theory 28, 1982) in one dimension: a
cluster is an interval of the sorted values, so a round costs two look-ups per boundary in their prefix sums, however
many weights there are. It comes to rest where it begins, nearly; so it begins at the best palette of the values put
into a thousand groups, found by dynamic programming (Fisher, J. American Statistical Association 53, 1958; Wang and
Song, R Journal 3, 2011). The groups are as dense as the cube root of the values' density, which is how Panter and Dite
(Proc. IRE 39, 1951) expect the best levels to lie. Nothing is drawn at random.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_BINS = 4096  # of the density by which values are grouped
_GROUPS = 16  # per entry of the palette
_WIDEST = 4  # a cluster of the start holds at most this many times the groups that it would if all were alike
_MOST_ROUNDS = 1000

Doubles = npt.NDArray[np.float64]


class Palette(NamedTuple):
    """`values` (entries,) ascending, in the type of the weights; `indices` uint8, one per weight, flat."""

    values: npt.NDArray[np.floating]
    indices: npt.NDArray[np.uint8]


def palette(weights: npt.NDArray[np.floating], bits: int) -> Palette:
    """Return the palette of 2**bits entries for these weights, and the nearest entry of each.

    Args:
        weights: finite, of any shape, at least one.
        bits: 1 to 8. Weights of fewer different values keep them; the last entry is then repeated.

    Raises:
        ValueError: weights that are not finite.
    """
    entries = 2**bits
    different, inverse, counts = np.unique(weights, return_inverse=True, return_counts=True)
    if not np.isfinite(different).all():
        raise ValueError("weights that are not finite have no palette")
    if len(different) <= entries:
        found = np.append(different, np.repeat(different[-1:], entries - len(different)))
    else:
        centres = _Sums(different.astype(np.float64), counts).best(entries)
        found = np.sort(centres.astype(weights.dtype))
    return Palette(found, _nearest(different, found).astype(np.uint8)[inverse.ravel()])


class _Sums:
    """Values in ascending order, each with how often it occurs, and their prefix sums."""

    def __init__(self, values: Doubles, counts: npt.NDArray[np.integer]) -> None:
        self.values, self.counts = values, counts
        self.number = np.concatenate([[0.0], np.cumsum(counts, dtype=np.float64)])
        self.total = np.concatenate([[0.0], np.cumsum(values * counts)])

    def best(self, entries: int) -> Doubles:
        """Return the means of the intervals in which Lloyd's rounds come to rest, float64 (entries,), ascending."""
        cuts = self._start(entries)
        centres = np.empty(entries)
        for _ in range(_MOST_ROUNDS):
            weight, sums = np.diff(self.number[cuts]), np.diff(self.total[cuts])
            centres = np.where(weight > 0, sums / np.maximum(weight, 1.0), centres)
            before, boundaries = cuts, (centres[1:] + centres[:-1]) / 2
            cuts = np.concatenate([[0], np.searchsorted(self.values, boundaries), [len(self.values)]])
            if np.array_equal(cuts, before):
                break
        return centres

    def _start(self, entries: int) -> npt.NDArray[np.intp]:
        """Return the boundaries, positions in `values` (entries + 1,), of the best clusters of groups of values.

        A cluster that ends behind group i begins at most `_WIDEST` * `_GROUPS` groups before. Its squared error is the
        sum of its squares, which add up to the same whatever the boundaries, less sum ** 2 / number.
        """
        at = self._groups(entries * _GROUPS)
        number, total, ends = self.number[at], self.total[at], np.arange(len(at))
        begins = ends[:, None] - np.arange(1, _GROUPS * _WIDEST + 1)
        possible, begins = begins >= 0, np.maximum(begins, 0)
        sums = total[:, None] - total[begins]
        cost = np.where(possible, -(sums**2) / np.maximum(number[:, None] - number[begins], 1.0), np.inf)
        lowest = np.where(ends == 0, 0.0, np.inf)
        chosen = np.empty((entries, len(at)), np.intp)
        for cluster in range(entries):
            costs = lowest[begins] + cost
            nearest = costs.argmin(axis=1)
            chosen[cluster] = begins[ends, nearest]
            lowest = costs[ends, nearest]
        boundaries = [len(at) - 1]
        for cluster in reversed(chosen):
            boundaries.append(int(cluster[boundaries[-1]]))
        return at[boundaries[::-1]]

    def _groups(self, groups: int) -> npt.NDArray[np.intp]:
        """Return where groups of neighbouring values begin, and where the last ends: at most `groups` + 1 positions.

        No group is empty; there are at least as many as values or as `groups` / `_GROUPS` + 1.
        """
        edges = np.linspace(self.values[0], self.values[-1], _BINS + 1)
        density, _ = np.histogram(self.values, edges, weights=self.counts)
        share = np.concatenate([[0.0], np.cumsum(np.cbrt(density))])
        inner = np.interp(np.arange(1, groups) / groups * share[-1], share, edges)
        at = np.searchsorted(self.values, inner)
        evenly = np.linspace(0, len(self.values), groups // _GROUPS + 2).astype(np.intp)
        return np.unique(np.concatenate([at, evenly]))


def _nearest(different: npt.NDArray[np.floating], entries: npt.NDArray[np.floating]) -> npt.NDArray[np.intp]:
    """Return the position of the nearest entry (ascending) of each value, the lower one of two that are as near."""
    values = entries.astype(np.float64)
    return np.searchsorted((values[1:] + values[:-1]) / 2, different.astype(np.float64))
