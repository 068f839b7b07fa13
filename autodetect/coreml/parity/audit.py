"""Whether every weight of a package is what it stands for, as near as its format allows.

Comparing answers cannot tell: Keras carrying the package's weights repeats whatever damage they have. A blob that was
shifted by a byte, a batch norm folded without its epsilon, or a temperature that was folded twice answers just as
Keras does when it carries the same. So each weight is held against the one that the trained model gives in exact
arithmetic, and may differ from it by what its format loses and no more:

- float16: half a unit in the last place; at least one subnormal (2^-24), to which converters raise what would vanish.
- affine (8 bit): half a step of its channel, and what counting and storing steps in float16 shifts it by.
- a palette: the entry that was chosen must be the nearest of the table, within the rounding of both; and the tensor's
  relative RMS error must be near what k-means reaches with so many entries (Panter, Dite: Quantization distortion in
  pulse-count modulation, 1951).

What a converter's folding in float32 may be off comes on top. An error of 1 is all that is allowed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from autodetect.coreml.parity.diagnosis import diagnosed
from autodetect.coreml.parity.layers import FOLDED_IN_FLOAT32, Centring, Layer
from autodetect.coreml.parity.stored import PLAIN, Affine, Palette, Stored, Strange
from autodetect.coreml.parity.weighted import Shift, Weighted

# k-means with n entries leaves a Gaussian a relative RMS error of 1.65 / n. Trained kernels have longer tails, more so
# with batch norm's factors in them: four times as much is the limit.
_PALETTE_ERROR = 4 * 1.65
_SMALLEST = 2.0**-24
_NAMED = 3

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Finding:
    """What the audit says of one tensor: `error` is the worst, 1 is allowed; `words` are empty where all is well."""

    layer: str
    error: float
    words: str


def audit(pairs: Sequence[tuple[Layer, Weighted]]) -> tuple[Finding, ...]:
    """Return a finding for every kernel and every bias of these layers, each with its operation."""
    others = [layer for layer, _ in pairs]
    found = []
    for layer, operation in pairs:
        found.append(_kernel(layer, operation, others))
        found.append(_bias(layer, operation))
    return tuple(found)


def audit_shifts(centrings: Sequence[Centring], shifts: Sequence[Shift]) -> tuple[Finding, ...]:
    """Return a finding for every constant beside the kernels, against the layers that stand for them.

    A mean of zeros and a factor of ones may be left out. A constant that no layer stands for is a finding, too.
    """
    wanted = [(each.name, difference, values) for each in centrings for difference, values in _parts(each)]
    found, left = [], list(shifts)
    for name, difference, values in wanted:
        neutral = not values.any() if difference else bool((values == 1).all())
        if not left or (left[0].kind in {"add", "sub"}) != difference:
            if not neutral:
                found.append(Finding(name, np.inf, f"nothing in the package stands for the layer {name}"))
            continue
        found.append(_shift(name, values, left.pop(0)))
    found += [Finding(each.name, np.inf, f"no layer stands for the package's operation {each.name}") for each in left]
    return tuple(found)


def _parts(centring: Centring) -> tuple[tuple[bool, Doubles], ...]:
    return (True, centring.mean), (False, centring.factor)


def _shift(name: str, values: Doubles, shift: Shift) -> Finding:
    if shift.constant.size != values.size:
        return Finding(name, np.inf, f"{shift.name} has {shift.constant.size} values, the layer {name} {values.size}")
    wanted = {"add": -values, "sub": values, "mul": values, "real_div": 1 / np.where(values == 0, np.inf, values)}
    expected = wanted[shift.kind].reshape(shift.constant.shape)
    found = errors(expected, np.abs(expected) * FOLDED_IN_FLOAT32, shift.constant, shift.form)
    if found.max(initial=0.0) <= 1:
        return Finding(name, float(found.max(initial=0.0)), "")
    at = np.unravel_index(int(found.argmax()), found.shape)
    words = (
        f"{name}: {int((found > 1).sum()):,} of {found.size:,} values of {shift.name} are not what they must be, that "
        f"at {list(map(int, at))} is {float(shift.constant[at]):.6g} for {expected[at]:.6g}"
    )
    return Finding(name, float(found.max()), words)


def worst(findings: Sequence[Finding]) -> Finding:
    """Return the finding with the largest error."""
    return max(findings, key=lambda each: each.error, default=Finding("", 0.0, ""))


def faults(findings: Sequence[Finding]) -> list[str]:
    """Return the words of the findings that are beyond what is allowed, worst first, at most a few."""
    bad = sorted((each for each in findings if each.words), key=lambda each: -each.error)
    more = [f"{len(bad) - _NAMED} more tensors are wrong"] if len(bad) > _NAMED else []
    return [each.words for each in bad[:_NAMED]] + more


def errors(wanted: Doubles, slack: Doubles, stored: npt.NDArray[np.floating], form: Stored) -> Doubles:
    """Return the error of each value, in the shape of `wanted`: 1 is all that its format allows.

    Args:
        wanted: what the values stand for, float64.
        slack: how far `wanted` may be off.
        stored: the values that the package holds, decompressed; its type says how finely.
        form: how they were compressed.
    """
    found = np.where(np.isfinite(stored), stored, 0.0).astype(np.float64)
    off = np.abs(found - wanted)
    allowed = _rounding(wanted, stored.dtype) + slack
    if isinstance(form, Affine):
        step = np.abs(form.step)
        with np.errstate(divide="ignore", invalid="ignore"):
            counted = np.where(step > 0, np.abs(wanted) / step, 0.0)
        # Steps are counted, stored and multiplied in float16: each is off by half a unit in its own last place.
        half = np.dtype(np.float16)
        allowed = 2 * allowed + step * (0.5 + _rounding(counted, half)) + (counted + 1) * _rounding(step, half)
    elif isinstance(form, Palette):
        off = np.maximum(off - _to_nearest(wanted, form.table), 0.0)
        allowed = 2 * allowed + _rounding(found, stored.dtype)
    error = np.divide(off, allowed, out=np.where(off > 0, np.inf, 0.0), where=allowed > 0)
    return np.where(np.isfinite(stored), error, np.inf)


def _kernel(layer: Layer, operation: Weighted, others: Sequence[Layer]) -> Finding:
    form = operation.form
    if isinstance(form, Strange):
        return Finding(layer.place.name, np.inf, f"how {layer.place.name} is stored cannot be judged: {form.kind}")
    found = errors(layer.kernel, layer.kernel_slack, operation.kernel, form)
    finding = _finding(layer, found, f"a kernel of {form.words}", (operation.kernel, layer.kernel))
    if finding.words:
        hint = diagnosed(layer, operation.kernel.astype(np.float64), others)
        return replace(finding, words=f"{finding.words}; {hint}") if hint else finding
    return _spread(layer, operation.kernel, form, finding.error) if isinstance(form, Palette) else finding


def _bias(layer: Layer, operation: Weighted) -> Finding:
    found = errors(layer.bias, layer.bias_slack, operation.bias, PLAIN)
    return _finding(layer, found, f"a bias of {PLAIN.words}", (operation.bias, layer.bias))


def _finding(layer: Layer, found: Doubles, what: str, values: tuple[npt.NDArray[Any], Doubles]) -> Finding:
    """Return a finding with words where an error is beyond 1.

    Args:
        layer: whose tensor it is.
        found: the error of each value.
        what: the kind of tensor.
        values: the tensor as stored and as wanted.
    """
    largest = float(found.max(initial=0.0))
    if largest <= 1:
        return Finding(layer.place.name, largest, "")
    at = np.unravel_index(int(found.argmax()), found.shape)
    folded = f", the batch norm {layer.norm} folded in" if layer.norm else ""
    return Finding(
        layer.place.name,
        largest,
        f"{layer.place.name}{folded}: {int((found > 1).sum()):,} of {found.size:,} values are farther from what they "
        f"must be than {what} may be, that at {list(map(int, at))} is {float(values[0][at]):.6g} for "
        f"{values[1][at]:.6g}",
    )


def _spread(layer: Layer, stored: npt.NDArray[np.floating], form: Palette, error: float) -> Finding:
    """Return what a palette's mean error says, each value being the nearest of its table."""
    size = float(np.sqrt((layer.kernel**2).mean()))
    rms = float(np.sqrt(((stored.astype(np.float64) - layer.kernel) ** 2).mean()))
    relative, allowed = rms / size if size else rms, _PALETTE_ERROR / form.table.size
    if relative <= allowed:
        return Finding(layer.place.name, max(error, relative / allowed), "")
    words = (
        f"the palette of {layer.place.name} does not suit its kernel: a relative error of {relative:.1%} (RMS), "
        f"where {form.table.size} entries allow {allowed:.1%}"
    )
    return Finding(layer.place.name, max(error, relative / allowed), words)


def _rounding(values: Doubles, dtype: np.dtype[Any]) -> Doubles:
    """Return what storing values as a floating type may be off: half a unit in the last place."""
    if dtype != np.float16:
        return np.abs(values) * float(np.finfo(np.float32).eps) / 2
    clipped = np.minimum(np.abs(values), float(np.finfo(np.float16).max)).astype(np.float16)
    return np.maximum(np.spacing(clipped).astype(np.float64) / 2, _SMALLEST)


def _to_nearest(wanted: Doubles, table: Doubles) -> Doubles:
    """Return the distance of each value to the nearest entry."""
    entries = np.unique(table)
    after = np.searchsorted(entries, wanted).clip(1, max(len(entries) - 1, 1))
    above, below = entries[np.minimum(after, len(entries) - 1)], entries[after - 1]
    return np.minimum(np.abs(wanted - above), np.abs(wanted - below))
