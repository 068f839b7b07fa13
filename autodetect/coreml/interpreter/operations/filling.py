"""Tensors made of their shape alone, and bands of matrices."""

import numpy as np

from autodetect.coreml.interpreter.operations import opset, rows, tensors
from autodetect.coreml.interpreter.registry import Arguments, Node, operation

HERE = "iOS15.tensor_operation"


def _value(given: Arguments) -> Node:
    kind = {"bool": np.bool_, "fp16": np.float32, "fp32": np.float32}.get(tensors.declared(given), np.int32)
    return opset.constant(np.asarray(given.constant("value", 0.0)).astype(kind))


@operation("fill", reference=f"{HERE}.fill", rows_apart=rows.together)
def fill(given: Arguments) -> Node:
    """A tensor of `shape`, every element `value` (0).

    Limits: a constant shape.
    """
    return opset.broadcast(_value(given), tensors.integers(given.integers("shape")))


@operation("fill_like", reference="iOS16.tensor_operation.fill_like", rows_apart=rows.of("ref_tensor"))
def fill_like(given: Arguments) -> Node:
    """A tensor of the shape of ref_tensor, every element `value` (0)."""
    return opset.broadcast(_value(given), tensors.integers(tensors.lengths(given.tensor("ref_tensor"))))


@operation("range_1d", reference=f"{HERE}.range_1d", rows_apart=rows.together)
def range_1d(given: Arguments) -> Node:
    """The numbers from start by step to before end.

    Limits: constant start, end and step.
    """
    bounds = (np.asarray(given.constant(name)) for name in ("start", "end", "step"))
    kind = np.float32 if tensors.declared(given) in {"fp16", "fp32"} else np.int32
    return opset.constant(np.arange(*(bound.item() for bound in bounds)).astype(kind))


@operation("shape", reference=f"{HERE}.shape", rows_apart=rows.together)
def shape(given: Arguments) -> Node:
    """The lengths of x."""
    return tensors.integers(tensors.lengths(given.tensor("x")))


@operation("band_part", reference=f"{HERE}.band_part", rows_apart=rows.trailing(2))
def band_part(given: Arguments) -> Node:
    """x, in each matrix 0 beyond `lower` (-1: none) diagonals below and `upper` (-1: none) above the middle one."""
    x = given.tensor("x")
    lower, upper = given.integer("lower", -1), given.integer("upper", -1)
    m, n = np.indices(tensors.lengths(x)[-2:])
    band = ((lower < 0) | (m - n <= lower)) & ((upper < 0) | (n - m <= upper))
    return opset.select(opset.constant(band), x, tensors.like(x, 0))
