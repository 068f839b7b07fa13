"""What a wrong kernel looks like: words for a person who has to find out what damaged it."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from autodetect.coreml.parity.layers import Layer

_CLOSE = 0.15  # relative distance: far above what any format loses, far below that of unrelated weights (1.4)
_SHIFTS = range(-64, 65)
_TINY = np.finfo(float).tiny

Doubles = npt.NDArray[np.float64]


def diagnosed(layer: Layer, stored: Doubles, others: Sequence[Layer]) -> str:
    """Return what the kernel seems to be instead of the layer's; empty where nothing known explains it.

    Args:
        layer: whose kernel it should be.
        stored: the kernel that the package holds, in the shape of the layer's.
        others: all layers, whose kernels may have changed places with it.
    """
    if not np.isfinite(stored).all():
        return ""
    found = [(_apart(kernel, stored), words) for words, kernel in _guesses(layer, stored, others)]
    least = min((apart for apart, _ in found), default=np.inf)
    # The first of those that fit about as well: they go from plain damage to what has more freedom to fit.
    return next((words for apart, words in found if apart <= min(2 * least, _CLOSE)), "")


def _guesses(layer: Layer, stored: Doubles, others: Sequence[Layer]) -> Iterator[tuple[str, Doubles]]:
    wanted = layer.kernel
    yield "", wanted
    factor = float((stored * wanted).sum() / max((wanted**2).sum(), _TINY))
    if abs(factor - 1) > 1e-3:
        yield f"all of it seems to be {factor:.4g} times too large", wanted * factor
    for other in others:
        if other is not layer and other.kernel.shape == wanted.shape:
            yield f"it seems to be that of {other.place.name}", other.kernel
    yield "its input channels seem to be reversed", wanted[:, ::-1]
    yield "its outputs seem to be reversed", wanted[::-1]
    for shift in sorted(_SHIFTS, key=abs):
        if shift:
            yield f"it seems to be shifted by {abs(shift)} values", np.roll(wanted, shift)
    if wanted.ndim == 2 and wanted.shape[0] == wanted.shape[1]:
        yield "it seems to be transposed", wanted.T
    axes = tuple(range(1, wanted.ndim))
    factors = (stored * wanted).sum(axes, keepdims=True) / np.maximum((wanted**2).sum(axes, keepdims=True), _TINY)
    yield "each of its outputs seems to be scaled by another factor, as by another batch norm", wanted * factors


def _apart(kernel: Doubles, stored: Doubles) -> float:
    """Return how far the stored kernel is from a guess, in sizes of the guess."""
    size = float(np.sqrt((kernel**2).sum()))
    return float(np.sqrt(((kernel - stored) ** 2).sum())) / size if size > 0 else np.inf
