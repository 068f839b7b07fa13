"""Compressed weights: what a `constexpr_*` operation stands for, as a phone would decompress it when it loads.

The formulas are those of coremltools' definitions (iOS16 `constexpr_ops`, iOS18 `compression`).
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from autodetect.coreml.interpreter.packing import bytes_for, unpacked
from autodetect.coreml.interpreter.program import Constant

Array = npt.NDArray[Any]
Parameters = Mapping[str, Any]

PREFIX = "constexpr_"


def decompressed(kind: str, given: Mapping[str, Constant]) -> tuple[Array, ...] | None:
    """Return the results of a `constexpr_*` operation, None where its kind is unknown.

    Args:
        kind: such as `constexpr_lut_to_dense`.
        given: its parameters.

    Raises:
        ValueError: parameters are missing, or do not fit together.
    """
    if kind not in _KINDS:
        return None
    try:
        return _KINDS[kind](given)
    except KeyError as error:
        raise ValueError(f"it has no parameter {error}") from error
    except (AttributeError, IndexError, TypeError) as error:  # a text where numbers belong has no shape
        raise ValueError(f"its parameters do not fit together: {error}") from error


def compressed_kinds() -> tuple[str, ...]:
    """Return the kinds of `constexpr_*` operations that the interpreter knows."""
    return tuple(_KINDS)


def _affine(given: Parameters) -> tuple[Array, ...]:
    """Scale * (quantized_data - zero_point), each a number or one per element of the axis; float32, then rounded."""
    data, scale, zero = given["quantized_data"], given["scale"], given["zero_point"]
    along = [1] * data.ndim
    along[int(given["axis"])] = -1
    return (_cast((_f32(data) - _along(zero, along)) * _along(scale, along), scale),)


def _along(parameter: Array, along: list[int]) -> Array:
    return _f32(parameter) if parameter.ndim == 0 else _f32(parameter).reshape(along)


def _cast_down(given: Parameters) -> tuple[Array, ...]:
    """source_val in another type; the definition knows float16 to float32 alone."""
    if given["output_dtype"] != "fp32":
        raise ValueError(f"a cast to {given['output_dtype']}")
    return (_f32(given["source_val"]),)


def _lut(given: Parameters) -> tuple[Array, ...]:
    """Entries of a table by their index; `shape` says that the indices are packed into bytes (iOS16)."""
    if "shape" in given:
        shape, lut = _shape(given["shape"]), given["lut"].reshape(-1)
        bits, count = _bits(len(lut)), int(np.prod(shape, dtype=np.int64))
        if given["indices"].size != bytes_for(count, bits):
            raise ValueError(f"{given['indices'].size} bytes of indices, {bytes_for(count, bits)} are needed")
        return (lut[unpacked(given["indices"].reshape(-1).view(np.uint8), bits, count)].reshape(shape),)
    return (_looked_up(given["indices"], given["lut"], given.get("vector_axis")),)


def _looked_up(indices: Array, lut: Array, vector_axis: Array | None) -> Array:
    """Look every index up in the table of its block; an entry may be a vector that goes along an axis.

    Args:
        indices: any shape.
        lut: (blocks per axis of indices..., entries, length of an entry).
        vector_axis: which axis vectors go along; needed where they have more than one element.
    """
    if lut.ndim != indices.ndim + 2:
        raise ValueError(f"a table of rank {lut.ndim} for indices of rank {indices.ndim}")
    entries, length = lut.shape[-2:]
    _bits(entries)
    if indices.size and indices.max() >= entries:
        raise ValueError(f"index {indices.max()} into a table of {entries} entries")
    where = np.zeros(indices.shape, np.intp)  # the block that each element is in
    for axis, blocks in enumerate(lut.shape[:-2]):
        size = _block(indices.shape[axis], blocks)
        place = np.arange(indices.shape[axis]) // size
        where = where * blocks + place.reshape((-1,) + (1,) * (indices.ndim - axis - 1))
    found = lut.reshape(-1, entries, length)[where, indices]
    if length == 1:
        return found[..., 0]
    if vector_axis is None:
        raise ValueError("entries are vectors, and no axis says where they go along")
    axis = int(vector_axis) % indices.ndim
    shape = list(indices.shape)
    shape[axis] *= length
    return np.moveaxis(found, -1, axis + 1).reshape(shape)


def _blockwise(given: Parameters) -> tuple[Array, ...]:
    """Scale * (data - offset), one scale and offset per block."""
    return (_scaled(given["data"], given["scale"], given.get("offset")),)


def _scaled(data: Array, scale: Array, offset: Array | None) -> Array:
    """Return scale * (data - offset) in the scale's type, as the definition computes it."""
    if offset is not None and offset.shape != scale.shape:
        raise ValueError(f"offsets {list(offset.shape)} for scales {list(scale.shape)}")
    found = data.astype(scale.dtype)
    if offset is not None:
        found = found - _spread(offset, data.shape)
    return _cast(_spread(scale, data.shape) * found, scale)


def _spread(parameter: Array, shape: tuple[int, ...]) -> Array:
    """Repeat one number per block over the elements of the block."""
    if parameter.ndim != len(shape):
        raise ValueError(f"one number per block of rank {parameter.ndim} for data of rank {len(shape)}")
    for axis, length in enumerate(shape):
        size = _block(length, parameter.shape[axis])
        if size > 1 and parameter.shape[axis] > 1:  # a single block broadcasts
            parameter = np.repeat(parameter, size, axis)
    return parameter


def _sparse(given: Parameters) -> tuple[Array, ...]:
    """nonzero_data where the mask is set, else 0; `shape` says that the mask is packed into bytes (iOS16)."""
    mask = given["mask"]
    if "shape" in given:
        shape = _shape(given["shape"])
        count = int(np.prod(shape, dtype=np.int64))
        if mask.size != bytes_for(count, 1):
            raise ValueError(f"{mask.size} bytes of mask, {bytes_for(count, 1)} are needed")
        mask = unpacked(mask.reshape(-1).view(np.uint8), 1, count).reshape(shape)
    return (_dense(given["nonzero_data"], mask),)


def _dense(nonzero: Array, mask: Array) -> Array:
    if np.count_nonzero(mask) != nonzero.size:
        raise ValueError(f"{nonzero.size} elements for {np.count_nonzero(mask)} places of the mask")
    found = np.zeros(mask.shape, nonzero.dtype)
    found[mask != 0] = nonzero.reshape(-1)
    return found


def _lut_sparse(given: Parameters) -> tuple[Array, ...]:
    """The mask, and entries of a table for the elements that it marks."""
    mask, lut, axis = given["indices_mask"], given["lut"], given.get("vector_axis")
    found = _looked_up(_dense(given["indices_nonzero_data"], mask), lut, axis)
    if axis is not None and lut.shape[-1] > 1:
        mask = np.repeat(mask, lut.shape[-1], axis=int(axis))
    return mask, found[mask != 0]


def _blockwise_sparse(given: Parameters) -> tuple[Array, ...]:
    """The mask, and scale * (nonzero_data - offset) for the elements that it marks."""
    mask = given["data_mask"]
    found = _scaled(_dense(given["nonzero_data"], mask), given["scale"], given.get("offset"))
    return mask, found[mask != 0]


def _f32(array: Array) -> Array:
    return array.astype(np.float32)


def _cast(found: Array, like: Array) -> Array:
    with np.errstate(over="ignore"):  # float16 overflows to infinity, here and there
        return found.astype(like.dtype)


def _shape(given: Array) -> tuple[int, ...]:
    return tuple(int(length) for length in given.reshape(-1))


def _bits(entries: int) -> int:
    bits = entries.bit_length() - 1
    if entries != 1 << bits or not 1 <= bits <= 8:
        raise ValueError(f"a table of {entries} entries")
    return bits


def _block(length: int, blocks: int) -> int:
    """Return the size of a block where `blocks` of them share an axis."""
    if not blocks or length % blocks:
        raise ValueError(f"an axis of {length} in {blocks} blocks")
    return length // blocks


_KINDS: dict[str, Callable[[Parameters], tuple[Array, ...]]] = {
    "constexpr_affine_dequantize": _affine,
    "constexpr_cast": _cast_down,
    "constexpr_lut_to_dense": _lut,
    "constexpr_sparse_to_dense": _sparse,
    "constexpr_blockwise_shift_scale": _blockwise,
    "constexpr_lut_to_sparse": _lut_sparse,
    "constexpr_sparse_blockwise_shift_scale": _blockwise_sparse,
}
