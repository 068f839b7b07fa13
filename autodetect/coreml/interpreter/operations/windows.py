"""Padding and reach of windows that slide over spatial axes, shared by convolution and pooling."""

from collections.abc import Sequence
from dataclasses import dataclass

from autodetect.coreml.interpreter.operations import tensors
from autodetect.coreml.interpreter.registry import Arguments


@dataclass(frozen=True)
class Windows:
    """Windows over the spatial axes of x (n, channels, *spatial): one number per spatial axis.

    `reach` is the length that a window spans, dilation included; `begin` and `end` are the padding.
    """

    lengths: tuple[int, ...]
    reach: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    begin: tuple[int, ...]
    end: tuple[int, ...]


def windows(given: Arguments, kernel: Sequence[int]) -> Windows:
    """Return the windows of a convolution or a pooling whose kernel has these lengths.

    `same` pads so that ceil(length / stride) windows fit, the odd element behind (`same_lower`: in front), which is
    what coremltools' shape inference (`aggregated_pad`) and TensorFlow do; `pad` counts for `custom` alone.
    """
    spatial = tensors.lengths(given.tensor("x"))[2:]
    ones = (1,) * len(spatial)
    if not 1 <= len(spatial) <= 3 or len(kernel) != len(spatial):
        raise given.refuse(f"a kernel of {len(kernel)} axes over {len(spatial)} spatial axes")
    strides, dilations = given.integers("strides", ones), given.integers("dilations", ones)
    reach = tuple((length - 1) * dilation + 1 for length, dilation in zip(kernel, dilations, strict=True))
    kind = given.text("pad_type", "valid")
    begin = end = (0,) * len(spatial)
    if kind == "custom":
        pad = given.integers("pad", (0, 0) * len(spatial))
        begin, end = pad[0::2], pad[1::2]
    elif kind in {"same", "same_lower"}:
        totals = [
            max(0, -(-length // stride) * stride - length + span - stride)
            for length, span, stride in zip(spatial, reach, strides, strict=True)
        ]
        less, more = tuple(total // 2 for total in totals), tuple(total - total // 2 for total in totals)
        begin, end = (less, more) if kind == "same" else (more, less)
    elif kind != "valid":
        raise given.refuse(f"pad_type {kind!r}")
    return Windows(spatial, reach, strides, dilations, begin, end)
