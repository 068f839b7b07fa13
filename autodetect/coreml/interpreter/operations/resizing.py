"""Images, and anything with a height and a width, made larger or smaller.

Where the samples lie is computed here and the samples are gathered, so that every sampling mode is exactly what its
definition says.
"""

import numpy as np
import numpy.typing as npt

from autodetect.coreml.interpreter.operations import opset, rows, tensors
from autodetect.coreml.interpreter.registry import Arguments, Node, operation

HERE = "iOS15.image_resizing"
Points = npt.NDArray[np.float64]


def _points(mode: str, held: int, wanted: int) -> Points | None:
    """Return where along an axis of `held` elements the `wanted` samples lie; None for an unknown sampling mode."""
    index = np.arange(wanted, dtype=np.float64)
    if mode == "STRICT_ALIGN_CORNERS" or (mode == "ALIGN_CORNERS" and wanted > 1):
        points = index * ((held - 1) / max(wanted - 1, 1))
    elif mode == "ALIGN_CORNERS":
        points = np.array([(held - 1) / 2])
    elif mode == "DEFAULT":
        points = index * (held / wanted)
    elif mode == "OFFSET_CORNERS":
        points = (index + 0.5) * (max(1, held - 1) / wanted)
    elif mode == "UNALIGN_CORNERS":
        points = (index + 0.5) * (held / wanted) - 0.5
    else:
        return None
    return np.clip(points, 0, held - 1)


def _linear(given: Arguments, mode: str, target: tuple[int, ...]) -> Node:
    """Return x with its last axes resized to `target` by linear interpolation along each."""
    x = given.tensor("x")
    rank = given.rank("x")
    for place, wanted in enumerate(target, start=rank - len(target)):
        held = tensors.lengths(x)[place]
        points = _points(mode, held, wanted)
        if points is None:
            raise given.refuse(f"sampling mode {mode!r}")
        below = np.floor(points).astype(np.int32)
        share = (points - below).astype(np.float32).reshape(-1, *(1 for _ in range(rank - 1 - place)))
        if held == wanted and not share.any() and np.array_equal(below, np.arange(held)):
            continue
        low, high = (_taken(x, index, place) for index in (below, np.minimum(below + 1, held - 1)))
        x = opset.add(low, opset.multiply(opset.subtract(high, low), opset.constant(share)))
    return x


def _nearest(given: Arguments, target: tuple[int, ...], *, centred: bool) -> Node:
    """Return x with its last two axes resized to `target` by the nearest element below each sample."""
    x = given.tensor("x")
    for place, wanted in enumerate(target, start=given.rank("x") - len(target)):
        held, index = tensors.lengths(x)[place], np.arange(wanted, dtype=np.int64)
        samples = (2 * index + 1) * held // (2 * wanted) if centred else index * held // wanted
        x = _taken(x, np.minimum(samples, held - 1), place)
    return x


def _taken(x: Node, index: npt.NDArray[np.integer], place: int) -> Node:
    return opset.gather(x, tensors.integers(index), tensors.integers(place))


def _target(given: Arguments) -> tuple[int, int]:
    if given.rank("x") < 3:
        raise given.refuse("x has fewer than three axes")
    return given.integer("target_size_height", 1), given.integer("target_size_width", 1)


def _scaled(given: Arguments) -> tuple[int, ...]:
    """Return the height and the width that the program declares: it has rounded the scaled ones down already."""
    if given.rank("x") < 3:
        raise given.refuse("x has fewer than three axes")
    scales = (given.number("scale_factor_height", 1.0), given.number("scale_factor_width", 1.0))
    held = tensors.lengths(given.tensor("x"))[-2:]
    said = given.operation.outputs[0].type.shape[-2:]
    wanted = zip(said, held, scales, strict=True)
    return tuple(int(np.float32(scale) * length) if known is None else known for known, length, scale in wanted)


@operation("upsample_nearest_neighbor", reference=f"{HERE}.upsample_nearest_neighbor", rows_apart=rows.trailing(2))
def upsample_nearest_neighbor(given: Arguments) -> Node:
    """`x` (*d, H, W) by scale_factor_height (1) and scale_factor_width (1): element i is that at floor(i * H / H').

    H' and W' are the scaled lengths, rounded down.
    """
    return _nearest(given, _scaled(given), centred=False)


@operation("resize_nearest_neighbor", reference=f"{HERE}.resize_nearest_neighbor", rows_apart=rows.trailing(2))
def resize_nearest_neighbor(given: Arguments) -> Node:
    """`x` (*d, H, W) as target_size_height by target_size_width: element i is that at floor((i + 0.5) * H / H').

    The reference leaves the place of the samples open; this is what coremltools converts to it from TensorFlow.
    """
    return _nearest(given, _target(given), centred=True)


@operation("upsample_bilinear", reference=f"{HERE}.upsample_bilinear", rows_apart=rows.trailing(2))
def upsample_bilinear(given: Arguments) -> Node:
    """`x` (*d, H, W) by scale_factor_height (1) and scale_factor_width (1), linearly between neighbours.

    align_corners (true) samples from corner to corner; half_pixel_centers (not align_corners) at the middles.

    Limits: not both align_corners and half_pixel_centers.
    """
    corners = given.flag("align_corners", True)
    middles = given.flag("half_pixel_centers", not corners)
    if corners and middles:
        raise given.refuse("align_corners together with half_pixel_centers")
    mode = "STRICT_ALIGN_CORNERS" if corners else "UNALIGN_CORNERS" if middles else "DEFAULT"
    return _linear(given, mode, _scaled(given))


@operation("resize_bilinear", reference=f"{HERE}.resize_bilinear", rows_apart=rows.trailing(2))
def resize_bilinear(given: Arguments) -> Node:
    """`x` (*d, H, W) as target_size_height (1) by target_size_width (1), linearly between neighbours.

    sampling_mode DEFAULT, STRICT_ALIGN_CORNERS, ALIGN_CORNERS, OFFSET_CORNERS or UNALIGN_CORNERS, as the reference
    defines them.
    """
    return _linear(given, given.text("sampling_mode", "DEFAULT"), _target(given))


def _resize_apart(given: Arguments) -> bool:
    """Apart unless the leading axis is resized."""
    return rows.of("x")(given) and (not rows.moving(given) or given.integer("resized_dims") < given.rank("x"))


@operation("resize", reference="iOS17.image_resizing.resize", rows_apart=_resize_apart)
def resize(given: Arguments) -> Node:
    """`x` with its last resized_dims axes as long as the last of `shape` say; 0 leaves an axis as it is.

    interpolation_mode LINEAR (the default) or NEAREST_NEIGHBOR; sampling_mode DEFAULT, see resize_bilinear.

    Limits: a constant shape; NEAREST_NEIGHBOR in sampling_mode DEFAULT, as in resize_nearest_neighbor.
    """
    count, rank = given.integer("resized_dims"), given.rank("x")
    held = tensors.lengths(given.tensor("x"))[rank - count :]
    asked = given.integers("shape")
    target = tuple(want or have for want, have in zip(asked[len(asked) - count :], held, strict=True))
    mode, sampling = given.text("interpolation_mode", "LINEAR"), given.text("sampling_mode", "DEFAULT")
    if mode == "LINEAR":
        return _linear(given, sampling, target)
    if (mode, sampling) != ("NEAREST_NEIGHBOR", "DEFAULT"):
        raise given.refuse(f"interpolation_mode {mode!r} with sampling_mode {sampling!r}")
    return _nearest(given, target, centred=True)
