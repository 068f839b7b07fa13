"""Elements chosen by index, in order of size, or summed up along the way."""

import math

import numpy as np

from autodetect.coreml.interpreter.operations import opset, rows, tensors
from autodetect.coreml.interpreter.registry import Arguments, Node, operation

ORDER = "iOS15.tensor_operation"


def _checked(given: Arguments, limits: tuple[int, ...]) -> None:
    """Refuse constant indices beyond `limits` where the program asks for validation; others are not looked at."""
    held = given.operation.inputs["indices"][0]
    if given.flag("validate_indices", False) and isinstance(held, np.ndarray):
        values = held.astype(np.int64)
        if ((values < 0) | (values >= np.asarray(limits))).any():
            raise given.refuse(f"indices beyond {list(limits)}")


def _gather_apart(given: Arguments) -> bool:
    """Apart unless the leading axis is chosen from, or rows of indices meet rows of x with no batch_dims."""
    moving = rows.moving(given)
    if not moving:
        return True
    place, batch = tensors.axis(given, 0), given.integer("batch_dims", 0)
    fits = {"x": place > 0 and batch == 0, "indices": place == 0 and batch == 0}
    return rows.declared_apart(given) and (place > 0 and batch > 0 if len(moving) > 1 else fits[moving.pop()])


@operation("gather", reference="iOS17.scatter_gather.gather", rows_apart=_gather_apart)
def gather(given: Arguments) -> Node:
    """The slices of x at `indices` along axis (0), the first batch_dims (0) axes of both side by side.

    An index below 0 counts from the end.

    Limits: validate_indices (false) holds for constant indices; beyond x the result is not defined.
    """
    x, indices = given.tensor("x"), given.tensor("indices")
    place, batch = tensors.axis(given, 0), given.integer("batch_dims", 0)
    held, picked = tensors.lengths(x), tensors.lengths(indices)
    _checked(given, (held[place],))
    if batch == 0 or math.prod(held[:batch]) > 1:
        return opset.gather(x, indices, tensors.integers(place), batch)
    # A batch of one crashes the kernels of OpenVINO 2026.4: it goes without.
    alone = (tensors.reshaped(x, held[batch:]), tensors.reshaped(indices, picked[batch:]))
    found = opset.gather(*alone, tensors.integers(place - batch))
    return tensors.reshaped(found, (*held[:place], *picked[batch:], *held[place + 1 :]))


def _along_axis_apart(given: Arguments) -> bool:
    """Apart where x and indices go by rows together and it does not go along the leading axis."""
    return not rows.moving(given) or (rows.moving(given) == {"x", "indices"} and tensors.axis(given, 0) != 0)


@operation("gather_along_axis", reference="iOS17.scatter_gather.gather_along_axis", rows_apart=_along_axis_apart)
def gather_along_axis(given: Arguments) -> Node:
    """The elements of x at `indices` along axis (0), place by place. An index below 0 counts from the end.

    Limits: validate_indices (false) holds for constant indices; beyond x the result is not defined.
    """
    x, place = given.tensor("x"), tensors.axis(given, 0)
    length = tensors.lengths(x)[place]
    _checked(given, (length,))
    return opset.gather_elements(x, _from_front(given.tensor("indices"), length), place)


def _nd_apart(given: Arguments) -> bool:
    """Apart where indices alone go by rows, or x and they with batch_dims."""
    moving, batch = rows.moving(given), given.integer("batch_dims", 0)
    if moving == {"indices"}:
        return batch == 0 and given.rank("indices") > 1
    return not moving or (len(moving) == 2 and batch > 0)


@operation("gather_nd", reference="iOS17.scatter_gather.gather_nd", rows_apart=_nd_apart)
def gather_nd(given: Arguments) -> Node:
    """The slices of x at the vectors along the last axis of `indices`; the first batch_dims (0) axes side by side.

    An index below 0 counts from the end.

    Limits: validate_indices (false) holds for constant indices; beyond x the result is not defined.
    """
    x, indices, batch = given.tensor("x"), given.tensor("indices"), given.integer("batch_dims", 0)
    depth = tensors.lengths(indices)[-1]
    limits = tensors.lengths(x)[batch : batch + depth]
    _checked(given, limits)
    return opset.gather_nd(x, _from_front(indices, limits), batch)


def _from_front(indices: Node, length: int | tuple[int, ...]) -> Node:
    counted = opset.add(indices, tensors.integers(length))
    return opset.select(opset.less(indices, tensors.integers(0)), counted, indices)


@operation("cumsum", reference=f"{ORDER}.cumsum", rows_apart=rows.along(0))
def cumsum(given: Arguments) -> Node:
    """The running sum along axis (0).

    Without the element itself if exclusive (false), from the end if reverse (false).
    """
    flags = {name: given.flag(name, False) for name in ("exclusive", "reverse")}
    return opset.cum_sum(given.tensor("x"), tensors.integers(tensors.axis(given, 0)), **flags)


@operation("topk", reference="iOS17.tensor_operation.topk", rows_apart=rows.along(-1))
def topk(given: Arguments) -> list[Node]:
    """The k (1; -1: all) largest along axis (-1), or the smallest if ascending (false), and their indices.

    In order, of equal ones the first in front, whatever `sort` (true) says; no indices if return_indices (true) is
    false.
    """
    place, k = tensors.axis(given, -1), given.integer("k", 1)
    count = tensors.lengths(given.tensor("x"))[place] if k == -1 else k
    found = _ranked(given, count, place)
    return [found.output(0), found.output(1)] if given.flag("return_indices", True) else [found.output(0)]


@operation("argsort", reference=f"{ORDER}.argsort", rows_apart=rows.along(-1))
def argsort(given: Arguments) -> Node:
    """The indices that put x in order along axis (-1), largest first unless ascending (false)."""
    place = tensors.axis(given, -1)
    return _ranked(given, tensors.lengths(given.tensor("x"))[place], place).output(1)


def _ranked(given: Arguments, count: int, place: int) -> Node:
    mode = "min" if given.flag("ascending", False) else "max"
    return opset.topk(given.tensor("x"), tensors.integers(count), place, mode, "value", stable=True)


def _hot_apart(given: Arguments) -> bool:
    """Apart unless the new axis leads."""
    return not rows.moving(given) or (rows.moving(given) == {"indices"} and _hot_axis(given) != 0)


def _hot_axis(given: Arguments) -> int:
    return tensors.axis(given, -1, rank=given.rank("indices") + 1)


@operation("one_hot", reference=f"{ORDER}.one_hot", rows_apart=_hot_apart)
def one_hot(given: Arguments) -> Node:
    """on_value (1) at each index along a new axis (-1) of one_hot_vector_size, off_value (0) elsewhere.

    An index beyond the axis or below 0 gives off_value everywhere.

    Limits: a constant one_hot_vector_size.
    """
    place, size, rank = _hot_axis(given), given.integer("one_hot_vector_size"), given.rank("indices")
    indices = tensors.reshaped(given.tensor("indices"), _with_axis(tensors.lengths(given.tensor("indices")), place))
    counter = np.arange(size, dtype=np.int32).reshape([-1 if at == place else 1 for at in range(rank + 1)])
    kind = {"bool": np.bool_, "fp16": np.float32, "fp32": np.float32}.get(tensors.declared(given), np.int32)
    on = opset.constant(np.asarray(given.constant("on_value", 1)).astype(kind))
    off = opset.constant(np.asarray(given.constant("off_value", 0)).astype(kind))
    hot = opset.equal(indices, opset.constant(counter))
    return opset.select(hot, on, off)


def _with_axis(shape: tuple[int, ...], place: int) -> tuple[int, ...]:
    return (*shape[:place], 1, *shape[place:])
