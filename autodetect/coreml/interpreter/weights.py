"""A weight file (`weights/weight.bin`): records of raw numbers that a program refers to by their offset.

The file begins with 64 bytes: how many records there are, and the version of the layout (2). A record is at an offset
that 64 divides: a header of 64 bytes (magic, code of the element type, bytes of data, offset of the data, bits at the
end that belong to no element), and the data, from another offset that 64 divides. Elements of less than a byte are
packed.
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autodetect.coreml.interpreter.packing import bytes_for, unpacked
from autodetect.coreml.interpreter.program import DType
from autodetect.errors import CorruptError

REMEDY = "export the model again, or fetch the package again from where it came"

_FILE = struct.Struct("<II56x")
_VERSION = 2
_RECORD = struct.Struct("<IIQQQ32x")
_MAGIC = 0xDEADBEEF
_ALIGNMENT = 64

# Element type: its code in a record's header, bits, and the type in memory.
_TYPES: dict[DType, tuple[int, int, type[np.generic]]] = {
    "fp16": (1, 16, np.float16),
    "fp32": (2, 32, np.float32),
    "uint8": (3, 8, np.uint8),
    "int8": (4, 8, np.int8),
    "int16": (6, 16, np.int16),
    "uint16": (7, 16, np.uint16),
    "int4": (8, 4, np.int8),
    "uint1": (9, 1, np.uint8),
    "uint2": (10, 2, np.uint8),
    "uint4": (11, 4, np.uint8),
    "uint3": (12, 3, np.uint8),
    "uint6": (13, 6, np.uint8),
    "int32": (14, 32, np.int32),
    "uint32": (15, 32, np.uint32),
}
_NAMES = {code: name for name, (code, _, _) in _TYPES.items()}


class WeightFile:
    """A weight file, read once, whole: arrays are views of it. Not mapped, as a file cut meanwhile kills who maps it.

    Attributes:
        path: where it is.
    """

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            CorruptError: it cannot be read, or is no weight file.
        """
        self.path = path
        try:
            self._bytes = np.fromfile(path, np.uint8)
            self._view = memoryview(self._bytes)  # type: ignore[arg-type]  # NumPy types hide that arrays are buffers
        except OSError as error:
            raise CorruptError(f"the weight file {path} cannot be read: {error}", REMEDY) from error
        if len(self._bytes) < _FILE.size:
            raise CorruptError(f"the weight file {path} has {len(self._bytes)} bytes: it is cut", REMEDY)
        _, version = _FILE.unpack_from(self._view)
        if version != _VERSION:
            raise CorruptError(f"the weight file {path} has version {version}, not {_VERSION}", REMEDY)

    def array(self, offset: int, dtype: DType, shape: tuple[int, ...], *, weight: str) -> npt.NDArray[Any]:
        """Return the record at an offset; its header must agree with what the program declares.

        Args:
            offset: of the record's header, bytes.
            dtype: type of the elements.
            shape: of the weight.
            weight: its name in the program, for errors.

        Returns:
            The weight; elements of less than a byte as int8 or uint8.

        Raises:
            CorruptError: there is no such record, or it is another one.
        """
        if dtype not in _TYPES:
            raise self._corrupt(weight, offset, f"is declared {dtype}, which no weight file holds")
        code, bits, kind = _TYPES[dtype]
        count = int(np.prod(shape, dtype=np.int64))
        start, size = self._header(offset, code, weight)
        if size != bytes_for(count, bits):
            what = f"has {size} bytes of data, {dtype} {list(shape)} needs {bytes_for(count, bits)}"
            raise self._corrupt(weight, offset, what)
        data = self._bytes[start : start + size]
        if bits < 8:
            return unpacked(data, bits, count, signed=dtype == "int4").reshape(shape)
        return data.view(kind).reshape(shape)

    def _header(self, offset: int, code: int, weight: str) -> tuple[int, int]:
        """Return where the record's data begins and how many bytes it has."""
        if offset % _ALIGNMENT or offset + _RECORD.size > len(self._bytes):
            raise self._corrupt(weight, offset, f"is not in the file, which has {len(self._bytes)} bytes")
        magic, found, size, start, _ = _RECORD.unpack_from(self._view, offset)
        if magic != _MAGIC:
            raise self._corrupt(weight, offset, "does not begin as a record does: the file is overwritten or shifted")
        if found != code:
            raise self._corrupt(weight, offset, f"holds {_NAMES.get(found, f'type {found}')}, not {_NAMES[code]}")
        if start % _ALIGNMENT or start < offset + _RECORD.size or start + size > len(self._bytes):
            what = f"has its data from byte {start} to {start + size}, the file has {len(self._bytes)} bytes"
            raise self._corrupt(weight, offset, what)
        return start, size

    def _corrupt(self, weight: str, offset: int, what: str) -> CorruptError:
        return CorruptError(f"weight '{weight}' of {self.path}: the record at byte {offset} {what}", REMEDY)
