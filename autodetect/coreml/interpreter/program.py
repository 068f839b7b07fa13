"""A Core ML program in memory: what the specification says, as plain typed values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

DType = Literal[
    "fp16",
    "fp32",
    "fp64",
    "int4",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint1",
    "uint2",
    "uint3",
    "uint4",
    "uint6",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
    "string",
    "dictionary",  # of labels and probabilities: the second result of `classify`
    "other",  # lists, tuples, states, and types that MIL has and no export here uses
]
Constant = npt.NDArray[Any] | str  # a tensor of any rank (a number has rank 0), or a text


@dataclass(frozen=True)
class ValueType:
    """What a value is: the type of its elements, and its shape; an axis of unknown length is None."""

    dtype: DType
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        """Return such as `fp16 (1, 3, ?, 224)`."""
        axes = ", ".join("?" if axis is None else str(axis) for axis in self.shape)
        return f"{self.dtype} ({axes}{',' if len(self.shape) == 1 else ''})"


@dataclass(frozen=True)
class Value:
    """A result of an operation, or an input of the program."""

    name: str
    type: ValueType


@dataclass(frozen=True)
class Ref:
    """An argument that is a value computed at run time."""

    name: str


Argument = Ref | np.ndarray | str


@dataclass(frozen=True)
class Operation:
    """One operation of the main block.

    `kind` is its MIL type, such as `conv`; `inputs` maps a parameter to its arguments (one, or several where the
    parameter is variadic, as `values` of `concat`); constants are filled in already.
    """

    kind: str
    name: str
    inputs: Mapping[str, tuple[Argument, ...]]
    outputs: tuple[Value, ...]


@dataclass(frozen=True)
class ImageFeature:
    """An input that is an image: pixels 0..255 in `color_space` (RGB, BGR or GRAYSCALE), as (1, 3 or 1, h, w)."""

    name: str
    width: int
    height: int
    color_space: str


@dataclass(frozen=True)
class Program:
    """An ML Program: its inputs, its operations in order of evaluation, and the values it answers with.

    `constants` holds what `const` and `constexpr_*` operations stand for, decompressed, in the type that the program
    declares (elements of less than a byte in whole bytes); `compressed` holds, by the same names, the `constexpr_*`
    operations themselves, their parameters as arrays. `operations` are all the others. `counts` counts operations of
    every kind, constants included. `images` are the inputs that are images; `labels` are those of the `classify`
    operation, in order of the probabilities, and empty where there is none. `opset` is such as `CoreML6`. `metadata` is
    the user-defined part. `source` names the package in errors.
    """

    inputs: tuple[Value, ...]
    images: tuple[ImageFeature, ...]
    outputs: tuple[str, ...]
    operations: tuple[Operation, ...]
    constants: Mapping[str, Constant]
    compressed: Mapping[str, Operation]
    counts: Mapping[str, int]
    labels: tuple[str, ...]
    opset: str
    metadata: Mapping[str, str]
    source: str
