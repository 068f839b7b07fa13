"""A package's files, to be damaged."""

import struct
from pathlib import Path
from typing import Any

import numpy as np

_HEADER = struct.Struct("<IIQQ")


class Files:
    """Specification and weight file of a package; changes go to disk by `save`."""

    def __init__(self, package: Path) -> None:
        from coremltools.proto import Model_pb2

        self._data = package / "Data/com.apple.CoreML"
        self.spec = Model_pb2.Model()
        self.spec.ParseFromString((self._data / "model.mlmodel").read_bytes())
        path = self._data / "weights/weight.bin"
        self.weights = bytearray(path.read_bytes() if path.is_file() else b"")  # a program without weights has no file

    @property
    def operations(self) -> list[Any]:
        """The program's operations, in order."""
        function = self.spec.mlProgram.functions["main"]
        return list(function.block_specializations[function.opset].operations)

    def of_kind(self, *kinds: str) -> list[Any]:
        """The operations of some kinds."""
        return [operation for operation in self.operations if operation.type in kinds]

    def constant(self, operation: Any, parameter: str) -> Any:
        """The constant that an operation is given."""
        name = operation.inputs[parameter].arguments[0].name
        return next(each for each in self.operations if each.outputs[0].name == name)

    def blob(self, constant: Any, attribute: str = "val") -> slice:
        """Where the bytes of a constant lie in the weight file."""
        offset = constant.attributes[attribute].blobFileValue.offset
        _, _, size, start = _HEADER.unpack_from(self.weights, offset)
        return slice(start, start + size)

    def kernel(self, layer: int) -> slice:
        """The kernel of a layer, by its number, as it lies in the weight file."""
        return self.blob(self.constant(self.of_kind("conv", "linear")[layer], "weight"))

    def bias(self, layer: int) -> slice:
        """Its bias."""
        return self.blob(self.constant(self.of_kind("conv", "linear")[layer], "bias"))

    def halves(self, where: slice) -> np.ndarray:
        """These bytes as float16; changes stay."""
        return np.frombuffer(memoryview(self.weights)[where], np.float16)

    def save(self) -> None:
        """Write both files."""
        (self._data / "model.mlmodel").write_bytes(self.spec.SerializeToString())
        if self.weights:
            (self._data / "weights/weight.bin").write_bytes(self.weights)
