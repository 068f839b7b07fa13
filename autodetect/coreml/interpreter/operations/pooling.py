"""Pooling: the largest, the mean or the root of the sum of squares of windows."""

import numpy as np

from autodetect.coreml.interpreter.operations import opset, rows, tensors
from autodetect.coreml.interpreter.operations.windows import Windows, windows
from autodetect.coreml.interpreter.registry import Arguments, Node, operation


@operation("max_pool", reference="iOS15.pool.max_pool", rows_apart=rows.of("x"))
def max_pool(given: Arguments) -> Node:
    """The largest of each window of x (n, C, *d); padding never wins. 1 to 3 spatial axes.

    Defaults: strides 1, pad 0, ceil_mode false.

    Limits: with ceil_mode, every window starts within x or its padding in front.
    """
    over, kernel = _windows(given), list(given.integers("kernel_sizes"))
    begin, end = list(over.begin), [a + b for a, b in zip(over.end, _extra(given, over), strict=True)]
    pooled = opset.max_pool(given.tensor("x"), list(over.strides), [1] * len(kernel), begin, end, kernel)
    return pooled.output(0)


@operation("avg_pool", reference="iOS15.pool.avg_pool", rows_apart=rows.of("x"))
def avg_pool(given: Arguments) -> Node:
    """The mean of each window of x (n, C, *d). 1 to 3 spatial axes.

    Defaults: strides 1, pad 0, ceil_mode false, exclude_padding_from_average false: zeros of the padding count. What
    ceil_mode reaches beyond the padding never counts.

    Limits: with ceil_mode, every window starts within x or its padding in front.
    """
    over, kernel, x = _windows(given), list(given.integers("kernel_sizes")), given.tensor("x")
    extra, strides = _extra(given, over), list(over.strides)
    if given.flag("exclude_padding_from_average", False):
        end = [a + b for a, b in zip(over.end, extra, strict=True)]
        return opset.avg_pool(x, strides, list(over.begin), end, kernel, exclude_pad=True)
    if any(extra):
        zero = tensors.like(x, 0)
        x = opset.pad(x, tensors.integers([0, 0, *over.begin]), tensors.integers([0, 0, *over.end]), "constant", zero)
        return opset.avg_pool(x, strides, [0] * len(kernel), extra, kernel, exclude_pad=True)
    return opset.avg_pool(x, strides, list(over.begin), list(over.end), kernel, exclude_pad=False)


@operation("l2_pool", reference="iOS15.pool.l2_pool", rows_apart=rows.of("x"))
def l2_pool(given: Arguments) -> Node:
    """The root of the sum of squares of each window of x (n, C, *d). 1 or 2 spatial axes.

    Defaults: strides 1, pad 0, ceil_mode false.

    Limits: with ceil_mode, every window starts within x or its padding in front.
    """
    over, kernel, x = _windows(given), list(given.integers("kernel_sizes")), given.tensor("x")
    end = [a + b for a, b in zip(over.end, _extra(given, over), strict=True)]
    squares = opset.multiply(x, x)
    mean = opset.avg_pool(squares, list(over.strides), list(over.begin), end, kernel, exclude_pad=False)
    return opset.sqrt(opset.multiply(mean, tensors.like(x, float(np.prod(kernel)))))


def _windows(given: Arguments) -> Windows:
    return windows(given, given.integers("kernel_sizes"))


def _extra(given: Arguments, over: Windows) -> list[int]:
    """Return how far ceil_mode lets the last window reach beyond the padding, per spatial axis."""
    if not given.flag("ceil_mode", False):
        return [0] * len(over.lengths)
    extra = []
    for at, length in enumerate(over.lengths):
        padded = length + over.begin[at] + over.end[at]
        count = -((over.reach[at] - padded) // over.strides[at]) + 1
        if over.begin[at] + over.end[at] > 0 and (count - 1) * over.strides[at] >= length + over.begin[at]:
            count -= 1
        if (count - 1) * over.strides[at] >= length + over.begin[at]:
            raise given.refuse("ceil_mode lets a window start beyond its input")
        extra.append(max(0, (count - 1) * over.strides[at] + over.reach[at] - padded))
    return extra
