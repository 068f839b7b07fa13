"""Tensors put together and taken apart along an axis."""

from autodetect.coreml.interpreter.operations import opset, rows, tensors
from autodetect.coreml.interpreter.registry import Arguments, Node, operation

HERE = "iOS15.tensor_operation"


def _place(given: Arguments, *, more: int = 0) -> int:
    """Return the axis, counted from the front; `more` axes than the values have."""
    return tensors.axis(given, rank=max(1, given.rank("values") + more))


def _values(given: Arguments, place: int) -> list[Node]:
    """Return the values; one that does not go by rows is repeated for all rows of those that do."""
    values = given.tensors("values")
    most = max(tensors.lengths(value)[:1] for value in values)
    if place == 0 or not rows.moving(given) or most == (1,):
        return values
    spread = []
    for value in values:
        shape = tensors.lengths(value)
        repeat = tensors.integers([*most, *(1 for _ in shape[1:])])
        spread.append(opset.tile(value, repeat) if shape[:1] == (1,) else value)
    return spread


def _concat_apart(given: Arguments) -> bool:
    """Apart unless it goes along the leading axis."""
    return not rows.moving(given) or (_place(given) != 0 and rows.declared_apart(given))


@operation("concat", reference=f"{HERE}.concat", rows_apart=_concat_apart)
def concat(given: Arguments) -> Node:
    """The values one after the other along axis, or with `interleave` (false) their elements in turn."""
    place = _place(given)
    if given.rank("values") == 0:
        return opset.concat([tensors.reshaped(value, (1,)) for value in given.tensors("values")], 0)
    values = _values(given, place)
    if not given.flag("interleave", False):
        return opset.concat(values, place)
    shape = tensors.lengths(values[0])
    if any(tensors.lengths(value) != shape for value in values):
        raise given.refuse("values of different shapes cannot interleave")
    turns = opset.concat(
        [tensors.reshaped(v, (*shape[: place + 1], 1, *shape[place + 1 :])) for v in values], place + 1
    )
    return tensors.reshaped(turns, (*shape[:place], shape[place] * len(values), *shape[place + 1 :]))


def _stack_apart(given: Arguments) -> bool:
    """Apart unless the new axis leads."""
    return not rows.moving(given) or (_place(given, more=1) != 0 and rows.declared_apart(given))


@operation("stack", reference=f"{HERE}.stack", rows_apart=_stack_apart)
def stack(given: Arguments) -> Node:
    """The values, all of one shape, along a new axis."""
    place = _place(given, more=1)
    values = _values(given, place)
    shape = tensors.lengths(values[0])
    return opset.concat([tensors.reshaped(value, (*shape[:place], 1, *shape[place:])) for value in values], place)


@operation("split", reference=f"{HERE}.split", rows_apart=rows.along(None))
def split(given: Arguments) -> list[Node]:
    """`x` cut along axis into parts of split_sizes, or into num_splits equal ones."""
    place = tensors.axis(given)
    length = tensors.lengths(given.tensor("x"))[place]
    if given.has("split_sizes"):
        sizes = given.integers("split_sizes")
    else:
        count = given.integer("num_splits")
        sizes = (length // count,) * count
    if sum(sizes) != length:
        raise given.refuse(f"parts of {list(sizes)} do not make {length}")
    parts = opset.variadic_split(given.tensor("x"), tensors.integers(place), tensors.integers(sizes))
    return [parts.output(at) for at in range(len(sizes))]


def _tile_apart(given: Arguments) -> bool:
    """Apart unless the leading axis is repeated."""
    return not rows.moving(given) or given.integers("reps")[0] == 1


@operation("tile", reference=f"{HERE}.tile", rows_apart=_tile_apart)
def tile(given: Arguments) -> Node:
    """`x` repeated `reps` times along each axis.

    Limits: constant reps.
    """
    return opset.tile(given.tensor("x"), tensors.integers(given.integers("reps")))
