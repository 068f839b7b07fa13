"""Reductions along axes."""

import numpy as np

from autodetect.coreml.interpreter.operations import opset, rows, tensors
from autodetect.coreml.interpreter.registry import Arguments, Node, operation

HERE = "iOS15.reduction"


def _apart(given: Arguments) -> bool:
    """Apart unless the leading axis is among the axes, as it is where none are given."""
    return not rows.moving(given) or (rows.of("x")(given) and 0 not in _axes(given))


def _axes(given: Arguments) -> tuple[int, ...]:
    return tensors.axes(given, tuple(range(given.rank("x"))))


def _reduced(given: Arguments, name: str, x: Node) -> Node:
    return getattr(opset, name)(x, tensors.integers(_axes(given)), given.flag("keep_dims", False))


def _floats(given: Arguments) -> Node:
    x = given.tensor("x")
    if not tensors.is_float(x):
        raise given.refuse("integers: the reference rounds what has a fraction, and does not say how")
    return x


@operation("reduce_sum", reference=f"{HERE}.reduce_sum", rows_apart=_apart)
def reduce_sum(given: Arguments) -> Node:
    """The sum along axes (all); keep_dims false.

    Limits: integers are exact up to 2^24.
    """
    return _reduced(given, "reduce_sum", given.tensor("x"))


@operation("reduce_mean", reference=f"{HERE}.reduce_mean", rows_apart=_apart)
def reduce_mean(given: Arguments) -> Node:
    """The mean along axes (all); keep_dims false.

    Limits: floats.
    """
    return _reduced(given, "reduce_mean", _floats(given))


@operation("reduce_max", reference=f"{HERE}.reduce_max", rows_apart=_apart)
def reduce_max(given: Arguments) -> Node:
    """The largest along axes (all); keep_dims false.

    Limits: integers are exact up to 2^24.
    """
    return _reduced(given, "reduce_max", given.tensor("x"))


@operation("reduce_min", reference=f"{HERE}.reduce_min", rows_apart=_apart)
def reduce_min(given: Arguments) -> Node:
    """The smallest along axes (all); keep_dims false.

    Limits: integers are exact up to 2^24.
    """
    return _reduced(given, "reduce_min", given.tensor("x"))


@operation("reduce_prod", reference=f"{HERE}.reduce_prod", rows_apart=_apart)
def reduce_prod(given: Arguments) -> Node:
    """The product along axes (all); keep_dims false.

    Limits: integers are exact up to 2^24.
    """
    return _reduced(given, "reduce_prod", given.tensor("x"))


@operation("reduce_l1_norm", reference=f"{HERE}.reduce_l1_norm", rows_apart=_apart)
def reduce_l1_norm(given: Arguments) -> Node:
    """The sum of |x| along axes (all); keep_dims false.

    Limits: integers are exact up to 2^24.
    """
    return _reduced(given, "reduce_sum", opset.abs(given.tensor("x")))


@operation("reduce_l2_norm", reference=f"{HERE}.reduce_l2_norm", rows_apart=_apart)
def reduce_l2_norm(given: Arguments) -> Node:
    """The root of the sum of x^2 along axes (all); keep_dims false.

    Limits: floats.
    """
    x = _floats(given)
    return opset.sqrt(_reduced(given, "reduce_sum", opset.multiply(x, x)))


@operation("reduce_sum_square", reference=f"{HERE}.reduce_sum_square", rows_apart=_apart)
def reduce_sum_square(given: Arguments) -> Node:
    """The sum of x^2 along axes (all); keep_dims false.

    Limits: integers are exact up to 2^24.
    """
    x = given.tensor("x")
    return _reduced(given, "reduce_sum", opset.multiply(x, x))


@operation("reduce_log_sum", reference=f"{HERE}.reduce_log_sum", rows_apart=_apart)
def reduce_log_sum(given: Arguments) -> Node:
    """The logarithm of the sum along axes (all); keep_dims false.

    Limits: floats.
    """
    return opset.log(_reduced(given, "reduce_sum", _floats(given)))


@operation("reduce_log_sum_exp", reference=f"{HERE}.reduce_log_sum_exp", rows_apart=_apart)
def reduce_log_sum_exp(given: Arguments) -> Node:
    """The logarithm of the sum of e^x along axes (all), without overflow; keep_dims false.

    Limits: floats.
    """
    x, along = _floats(given), tensors.integers(_axes(given))
    most = opset.reduce_max(x, along, keep_dims=True)
    total = opset.log(opset.reduce_sum(opset.exp(opset.subtract(x, most)), along, keep_dims=True))
    result = opset.add(total, most)
    return result if given.flag("keep_dims", False) else opset.squeeze(result, along)


@operation("reduce_argmax", reference=f"{HERE}.reduce_argmax", rows_apart=rows.along(-1))
def reduce_argmax(given: Arguments) -> Node:
    """The index of the largest along axis (-1), of equal ones the first; keep_dims false."""
    return _index(given, "max")


@operation("reduce_argmin", reference=f"{HERE}.reduce_argmin", rows_apart=rows.along(-1))
def reduce_argmin(given: Arguments) -> Node:
    """The index of the smallest along axis (-1), of equal ones the first; keep_dims false."""
    return _index(given, "min")


def _index(given: Arguments, mode: str) -> Node:
    along = tensors.axis(given, -1)
    best = opset.topk(given.tensor("x"), opset.constant(np.int32(1)), along, mode, "value", stable=True).output(1)
    return best if given.flag("keep_dims", False) else opset.squeeze(best, tensors.integers([along]))
