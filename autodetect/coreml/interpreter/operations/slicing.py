"""Parts of tensors, and tensors with edges added."""

from collections.abc import Sequence

from autodetect.coreml.interpreter.operations import opset, rows, tensors
from autodetect.coreml.interpreter.registry import Arguments, Node, operation

HERE = "iOS15.tensor_transformation"


def _sliced(x: Node, parts: Sequence[slice]) -> Node:
    """Return x[parts] as Python slices."""
    shape = tensors.lengths(x)
    bounds = [part.indices(length) for part, length in zip(parts, shape, strict=True)]
    cut = [place for place, (bound, length) in enumerate(zip(bounds, shape, strict=True)) if bound != (0, length, 1)]
    if not cut:
        return x
    starts, stops, steps = zip(*(bounds[place] for place in cut), strict=True)
    # A stop before the first element is written as far before it: -1 would mean the last one.
    stops = tuple(stop if stop >= 0 else -shape[place] - 1 for place, stop in zip(cut, stops, strict=True))
    return opset.slice(x, *(tensors.integers(part) for part in (starts, stops, steps, cut)))


def _masks(given: Arguments, name: str) -> tuple[int, ...]:
    return given.integers(name, (0,) * given.rank("x"))


def _index_apart(given: Arguments) -> bool:
    """Apart unless the leading axis is dropped."""
    return rows.of("x")(given) and not (rows.moving(given) and _masks(given, "squeeze_mask")[0])


@operation("slice_by_index", reference=f"{HERE}.slice_by_index", rows_apart=_index_apart)
def slice_by_index(given: Arguments) -> Node:
    """x[begin:end:stride], as NumPy slices; stride 1.

    begin_mask and end_mask (false) leave a bound open; squeeze_mask (false) takes the element at begin and drops the
    axis.

    Limits: constant begin and end.
    """
    x, rank = given.tensor("x"), given.rank("x")
    begin, end, stride = given.integers("begin"), given.integers("end"), given.integers("stride", (1,) * rank)
    begin_mask, end_mask, squeeze_mask = (_masks(given, f"{name}_mask") for name in ("begin", "end", "squeeze"))
    shape, parts = tensors.lengths(x), []
    for at in range(rank):
        if squeeze_mask[at]:
            start = 0 if begin_mask[at] else begin[at]
            if not -shape[at] <= start < shape[at]:
                raise given.refuse(f"element {start} of {shape[at]}")
            parts.append(slice(start, start + 1 or None))
        else:
            parts.append(slice(None if begin_mask[at] else begin[at], None if end_mask[at] else end[at], stride[at]))
    if rows.moving(given) and _index_apart(given):
        parts[0] = slice(None)
    result = _sliced(x, parts)
    kept = tuple(length for length, drop in zip(tensors.lengths(result), squeeze_mask, strict=True) if not drop)
    return tensors.reshaped(result, kept) if any(squeeze_mask) else result


@operation("slice_by_size", reference=f"{HERE}.slice_by_size", rows_apart=rows.of("x"))
def slice_by_size(given: Arguments) -> Node:
    """`size` elements from `begin` on along each axis; all that are left where the size is -1.

    Limits: constant begin and size.
    """
    x = given.tensor("x")
    parts = []
    for length, begin, size in zip(tensors.lengths(x), given.integers("begin"), given.integers("size"), strict=True):
        start = begin + length if begin < 0 else begin
        parts.append(slice(start, None if size == -1 else start + size))
    if rows.moving(given) and rows.of("x")(given):
        parts[0] = slice(None)
    return _sliced(x, parts)


@operation("crop", reference="iOS15.image_resizing.crop", rows_apart=rows.trailing(2))
def crop(given: Arguments) -> Node:
    """`x` (*d, H, W) without crop_height rows and crop_width columns, each (before, after)."""
    x = given.tensor("x")
    parts = [slice(None)] * (given.rank("x") - 2)
    for name, length in zip(("crop_height", "crop_width"), tensors.lengths(x)[-2:], strict=True):
        before, after = given.integers(name)
        parts.append(slice(before, length - after))
    return _sliced(x, parts)


def _reverse_apart(given: Arguments) -> bool:
    """Apart unless the leading axis is reversed, as it is where no axes are given."""
    return not rows.moving(given) or (given.has("axes") and 0 not in tensors.axes(given))


@operation("reverse", reference=f"{HERE}.reverse", rows_apart=_reverse_apart)
def reverse(given: Arguments) -> Node:
    """`x` in reverse order along axes (all)."""
    rank = given.rank("x")
    chosen = tensors.axes(given, tuple(range(rank)))
    return _sliced(given.tensor("x"), [slice(None, None, -1 if at in chosen else 1) for at in range(rank)])


def _padding(given: Arguments) -> list[int]:
    """Return (before, after) of every axis in turn; those in front of the ones that are given get none."""
    pad = given.integers("pad")
    return [0] * (2 * given.rank("x") - len(pad)) + list(pad)


def _pad_apart(given: Arguments) -> bool:
    """Apart unless the leading axis is padded."""
    return not rows.moving(given) or _padding(given)[:2] == [0, 0]


@operation("pad", reference="iOS15.tensor_operation.pad", rows_apart=_pad_apart)
def pad(given: Arguments) -> Node:
    """`x` with edges added to its last axes: `pad` holds (before, after) of each.

    mode constant (the default, filled with constant_val, 0), reflect (mirrored at the edge, which is not repeated) or
    replicate (the edge repeated).

    Limits: constant pad.
    """
    x, padding = given.tensor("x"), _padding(given)
    mode = {"constant": "constant", "reflect": "reflect", "replicate": "edge"}.get(given.text("mode", "constant"))
    if mode is None:
        raise given.refuse(f"mode {given.text('mode')!r}")
    edges = (tensors.integers(padding[0::2]), tensors.integers(padding[1::2]))
    return opset.pad(x, *edges, mode, tensors.like(x, given.number("constant_val", 0.0)))
