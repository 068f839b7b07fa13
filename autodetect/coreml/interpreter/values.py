"""Values and types of the specification, as NumPy knows them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autodetect.coreml.interpreter.packing import bytes_for, unpacked
from autodetect.coreml.interpreter.program import Constant, DType, ValueType

# The specification's element types; `other` are those that no export here uses.
_DTYPES: dict[str, DType] = {
    "BOOL": "bool",
    "STRING": "string",
    "FLOAT16": "fp16",
    "FLOAT32": "fp32",
    "FLOAT64": "fp64",
    "INT4": "int4",
    "INT8": "int8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "UINT1": "uint1",
    "UINT2": "uint2",
    "UINT3": "uint3",
    "UINT4": "uint4",
    "UINT6": "uint6",
    "UINT8": "uint8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
}
_IN_MEMORY: dict[DType, type[np.generic]] = {
    "bool": np.bool_,
    "fp16": np.float16,
    "fp32": np.float32,
    "fp64": np.float64,
    "int4": np.int8,
    "int8": np.int8,
    "int16": np.int16,
    "int32": np.int32,
    "int64": np.int64,
    "uint1": np.uint8,
    "uint2": np.uint8,
    "uint3": np.uint8,
    "uint4": np.uint8,
    "uint6": np.uint8,
    "uint8": np.uint8,
    "uint16": np.uint16,
    "uint32": np.uint32,
    "uint64": np.uint64,
}
BITS: dict[DType, int] = {"int4": 4, "uint1": 1, "uint2": 2, "uint3": 3, "uint4": 4, "uint6": 6}

# Kinds of NumPy types that each field of the specification's tensors may hold.
_KINDS = {"floats": "f", "doubles": "f", "ints": "iu", "longInts": "iu", "bools": "b", "strings": ""}

FileReader = Callable[[str, int, DType, tuple[int, ...]], npt.NDArray[Any]]
"""(file name in the specification, offset, element type, shape) -> array."""


def dtype_of(code: int) -> DType:
    """Return the element type of a code of the specification."""
    from coremltools.proto import MIL_pb2

    return _DTYPES.get(MIL_pb2.DataType.Name(code), "other") if code in MIL_pb2.DataType.values() else "other"


def type_of(declared: Any) -> ValueType:
    """Return a `ValueType` message as a type; what is no tensor has no shape."""
    kind = declared.WhichOneof("type")
    if kind == "tensorType":
        tensor = declared.tensorType
        return ValueType(dtype_of(tensor.dataType), tuple(_length(axis) for axis in tensor.dimensions))
    return ValueType("dictionary" if kind == "dictionaryType" else "other", ())


def _length(axis: Any) -> int | None:
    return int(axis.constant.size) if axis.WhichOneof("dimension") == "constant" else None


def in_memory(dtype: DType) -> np.dtype[Any]:
    """Return the type that arrays of these elements have; strings have one per length and are left out."""
    return np.dtype(_IN_MEMORY[dtype])


def constant(value: Any, from_file: FileReader) -> Constant:
    """Return a `Value` message as an array, or as a text.

    Raises:
        ValueError: it disagrees with the type it declares, or is of a kind that the interpreter does not know.
    """
    if value.WhichOneof("value") == "immediateValue" and value.immediateValue.WhichOneof("value") == "list":
        return _listed(value.immediateValue.list.values, from_file)
    declared = type_of(value.type)
    shape = _known_shape(declared)
    if value.WhichOneof("value") == "blobFileValue":
        blob = value.blobFileValue
        return from_file(blob.fileName, int(blob.offset), declared.dtype, shape)
    if value.WhichOneof("value") != "immediateValue" or value.immediateValue.WhichOneof("value") != "tensor":
        raise ValueError("it is neither a tensor nor a list nor in a weight file")
    return _immediate(value.immediateValue.tensor, declared.dtype, shape)


def _known_shape(declared: ValueType) -> tuple[int, ...]:
    if declared.dtype in {"other", "dictionary"} or None in declared.shape:
        raise ValueError(f"its type, {declared}, is not one of a constant tensor")
    return tuple(axis for axis in declared.shape if axis is not None)


def _listed(values: Sequence[Any], from_file: FileReader) -> Constant:
    """Return a list of numbers or texts as an array of rank 1."""
    found = [constant(value, from_file) for value in values]
    if len({type(element) for element in found}) > 1 or any(np.ndim(element) for element in found):
        raise ValueError("it is a list of values that differ in kind")
    return np.array(found)


def _immediate(tensor: Any, dtype: DType, shape: tuple[int, ...]) -> Constant:
    kind = tensor.WhichOneof("value")
    count = int(np.prod(shape, dtype=np.int64))
    if kind is None:
        raise ValueError("it has no value")
    values = getattr(tensor, kind).values
    if kind == "bytes":
        return _from_bytes(values, dtype, count).reshape(shape)
    if len(values) != count:
        raise ValueError(f"it has {len(values)} elements, its type {dtype} {list(shape)} has {count}")
    if dtype == "string":
        if kind != "strings":
            raise ValueError(f"it holds {kind} and declares texts")
        return np.array(list(values)).reshape(shape) if shape else str(values[0])
    if in_memory(dtype).kind not in _KINDS[kind]:
        raise ValueError(f"it holds {kind} and declares {dtype}")
    return np.array(values).astype(in_memory(dtype)).reshape(shape)


def _from_bytes(raw: bytes, dtype: DType, count: int) -> npt.NDArray[Any]:
    if dtype == "string":
        raise ValueError("it holds bytes and declares texts")
    bits = BITS.get(dtype, in_memory(dtype).itemsize * 8)
    if len(raw) != bytes_for(count, bits):
        raise ValueError(f"it has {len(raw)} bytes, {count} elements of {dtype} need {bytes_for(count, bits)}")
    if bits < 8:
        return unpacked(np.frombuffer(raw, np.uint8), bits, count, signed=dtype == "int4")
    return np.frombuffer(raw, in_memory(dtype))
