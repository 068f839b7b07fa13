"""The same elements in another shape or order."""

import math

from autodetect.coreml.interpreter.operations import opset, rows, tensors
from autodetect.coreml.interpreter.registry import Arguments, Node, operation

HERE = "iOS15.tensor_transformation"


def _reshape_apart(given: Arguments) -> bool:
    """Apart where the shape leads with the one row, as the program declares it."""
    return rows.of("x")(given)


@operation("reshape", reference=f"{HERE}.reshape", rows_apart=_reshape_apart)
def reshape(given: Arguments) -> Node:
    """`x` in another shape: -1 is what is left, 0 the length of x on that axis, counted from the back.

    Where rows go at once, the one row that the shape leads with stands for all.

    Limits: a constant shape.
    """
    x, shape = given.tensor("x"), list(given.integers("shape"))
    held = tensors.lengths(x)
    at_once = bool(rows.moving(given)) and _reshape_apart(given)
    if at_once:
        held = (1, *held[1:])
    for back in range(1, len(shape) + 1):
        if shape[-back] == 0:
            shape[-back] = held[-back] if back <= len(held) else 1
    if -1 in shape:
        rest = -math.prod(shape)
        shape[shape.index(-1)] = math.prod(held) // rest if rest else 0
    if min(shape, default=1) < 0 or math.prod(shape) != math.prod(held):
        raise given.refuse(f"{list(held)} does not go into {list(given.integers('shape'))}")
    if at_once:
        shape[0] = tensors.lengths(x)[0]
    return tensors.reshaped(x, tuple(shape))


def _inserted(given: Arguments) -> tuple[int, ...]:
    return tensors.axes(given, rank=given.rank("x") + len(given.integers("axes")))


def _expand_apart(given: Arguments) -> bool:
    """Apart unless a new axis leads."""
    return not rows.moving(given) or 0 not in _inserted(given)


@operation("expand_dims", reference=f"{HERE}.expand_dims", rows_apart=_expand_apart)
def expand_dims(given: Arguments) -> Node:
    """`x` with axes of length 1 where `axes` of the result says."""
    shape = list(tensors.lengths(given.tensor("x")))
    for place in _inserted(given):
        shape.insert(place, 1)
    return tensors.reshaped(given.tensor("x"), tuple(shape))


def _squeeze_apart(given: Arguments) -> bool:
    """Apart unless the leading axis is dropped, as it is where no axes are given."""
    return not rows.moving(given) or (given.has("axes") and 0 not in tensors.axes(given))


@operation("squeeze", reference=f"{HERE}.squeeze", rows_apart=_squeeze_apart)
def squeeze(given: Arguments) -> Node:
    """`x` without `axes` (all) of length 1; a longer one stays."""
    shape = tensors.lengths(given.tensor("x"))
    chosen = tensors.axes(given, tuple(range(len(shape))))
    kept = (length for place, length in enumerate(shape) if length != 1 or place not in chosen)
    return tensors.reshaped(given.tensor("x"), tuple(kept))


def _flatten_apart(given: Arguments) -> bool:
    """Apart unless the leading axis is flattened with those behind it."""
    rank = given.rank("x") if rows.moving(given) else 0
    return rows.of("x")(given) and (not rows.moving(given) or range(rank + 1)[: given.integer("axis", 1)] != range(0))


@operation("flatten2d", reference="iOS15.tensor_operation.flatten2d", rows_apart=_flatten_apart)
def flatten2d(given: Arguments) -> Node:
    """`x` as a matrix: the axes before axis (1) and those from it on."""
    shape = tensors.lengths(given.tensor("x"))
    place = given.integer("axis", 1)
    return tensors.reshaped(given.tensor("x"), (math.prod(shape[:place]), math.prod(shape[place:])))


def _order(given: Arguments) -> list[int]:
    rank, perm = given.rank("x"), given.integers("perm")
    if sorted(place % rank for place in perm) != list(range(rank)):
        raise given.refuse(f"perm {list(perm)} is no order of {rank} axes")
    return [place % rank for place in perm]


def _transpose_apart(given: Arguments) -> bool:
    """Apart unless the leading axis moves."""
    return not rows.moving(given) or _order(given)[0] == 0


@operation("transpose", reference=f"{HERE}.transpose", rows_apart=_transpose_apart)
def transpose(given: Arguments) -> Node:
    """`x` with its axes in the order `perm`."""
    return opset.transpose(given.tensor("x"), tensors.integers(_order(given)))


@operation("depth_to_space", reference=f"{HERE}.depth_to_space", rows_apart=rows.of("x"))
def depth_to_space(given: Arguments) -> Node:
    """(n, b * b * C, H, W) to (n, C, H * b, W * b), b block_size: the place in a block varies slowest."""
    return opset.depth_to_space(given.tensor("x"), "blocks_first", given.integer("block_size"))


@operation("space_to_depth", reference=f"{HERE}.space_to_depth", rows_apart=rows.of("x"))
def space_to_depth(given: Arguments) -> Node:
    """(n, C, H, W) to (n, b * b * C, H / b, W / b), b block_size: the place in a block varies slowest."""
    return opset.space_to_depth(given.tensor("x"), "blocks_first", given.integer("block_size"))


@operation("pixel_shuffle", reference=f"{HERE}.pixel_shuffle", rows_apart=rows.of("x"))
def pixel_shuffle(given: Arguments) -> Node:
    """(n, C * f * f, H, W) to (n, C, H * f, W * f), f upscale_factor: the place in a block varies fastest."""
    return opset.depth_to_space(given.tensor("x"), "depth_first", given.integer("upscale_factor"))


@operation("pixel_unshuffle", reference="iOS16.tensor_transformation.pixel_unshuffle", rows_apart=rows.of("x"))
def pixel_unshuffle(given: Arguments) -> Node:
    """(n, C, H, W) to (n, C * f * f, H / f, W / f), f downscale_factor: the place in a block varies fastest."""
    return opset.space_to_depth(given.tensor("x"), "depth_first", given.integer("downscale_factor"))
