"""What operations ask of the tensors that they are given: lengths, axes, kinds of elements."""

import numpy as np
import numpy.typing as npt

from autodetect.coreml.interpreter.operations import opset
from autodetect.coreml.interpreter.program import DType
from autodetect.coreml.interpreter.registry import Arguments, Node


def lengths(node: Node) -> tuple[int, ...]:
    """Return the length of each axis of a tensor."""
    return tuple(int(length) for length in node.shape)


def is_float(node: Node) -> bool:
    """Return whether a tensor holds floats."""
    return bool(node.get_element_type().is_real())


def is_truth(node: Node) -> bool:
    """Return whether a tensor holds truth values."""
    return str(node.get_element_type().get_type_name()) == "boolean"


def declared(given: Arguments) -> DType:
    """Return the type of elements that the program declares for the first result."""
    return given.operation.outputs[0].type.dtype


def axis(given: Arguments, default: int | None = None, *, rank: int | None = None, name: str = "axis") -> int:
    """Return a constant axis of `x`, counted from the front; `rank` where it is not an axis of `x`."""
    count = given.rank("x") if rank is None else rank
    place = given.integer(name, default)
    if not -count <= place < count:
        raise given.refuse(f"{name} is {place}, the tensor has {count} axes")
    return place % count


def axes(given: Arguments, default: tuple[int, ...] | None = None, *, rank: int | None = None) -> tuple[int, ...]:
    """Return the constant `axes` of `x`, counted from the front and in order; `rank` where they are not axes of `x`."""
    count = given.rank("x") if rank is None else rank
    places = given.integers("axes", default)
    if any(not -count <= place < count for place in places):
        raise given.refuse(f"axes are {list(places)}, the tensor has {count} axes")
    return tuple(sorted({place % count for place in places}))


def epsilon(given: Arguments, default: float) -> float:
    """Return `epsilon`; one that is not given has the type of the program's values, as a phone would hold it."""
    held = np.float16(default) if declared(given) == "fp16" else np.float32(default)
    return given.number("epsilon", float(held))


def like(node: Node, value: float) -> Node:
    """Return a constant of the element type of `node`."""
    return opset.constant(np.asarray(value), dtype=node.get_element_type())


def integers(values: npt.ArrayLike) -> Node:
    """Return a constant of int32, such as a shape or axes."""
    return opset.constant(np.asarray(values, np.int32))


def reshaped(node: Node, shape: tuple[int, ...]) -> Node:
    """Return a tensor in another shape."""
    return opset.reshape(node, integers(np.asarray(shape, np.int32)), special_zero=False)


def per_channel(node: Node, rank: int) -> Node:
    """Return one number per channel in a shape that meets tensors of (n, channel, ...)."""
    return reshaped(node, (1, -1) + (1,) * (rank - 2))
