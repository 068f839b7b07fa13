"""How a package stores a kernel: plain, in even steps, or as entries of a palette."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from autodetect.coreml.interpreter.program import Operation

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Stored:
    """As it is, in the type that the program declares."""

    @property
    def words(self) -> str:
        """Return what its values are."""
        return "plain floats"

    def transposed(self) -> Self:
        """Return the same of the kernel's transpose."""
        return self


@dataclass(frozen=True)
class Affine(Stored):
    """A whole number times `step`, whose shape spreads over the kernel's."""

    step: Doubles

    @property
    def words(self) -> str:
        """Return what its values are."""
        return "whole steps"

    def transposed(self) -> Self:
        """Return the same of the kernel's transpose."""
        return type(self)(self.step.T)


@dataclass(frozen=True)
class Palette(Stored):
    """An entry of `table`, shape (entries,)."""

    table: Doubles

    @property
    def words(self) -> str:
        """Return what its values are."""
        return f"{self.table.size} entries"


@dataclass(frozen=True)
class Strange(Stored):
    """By an operation that the audit does not know."""

    kind: str

    @property
    def words(self) -> str:
        """Return what its values are."""
        return self.kind


PLAIN = Stored()


def stored_by(operation: Operation | None, shape: tuple[int, ...]) -> Stored:
    """Return how a kernel is stored.

    Args:
        operation: the `constexpr_*` operation that stands for the kernel; None where it is stored as it is.
        shape: of the kernel in the program.
    """
    if operation is None:
        return PLAIN
    if operation.kind == "constexpr_affine_dequantize":
        scale = _parameter(operation, "scale")
        along = [1] * len(shape)
        along[int(_parameter(operation, "axis"))] = scale.size
        return Affine(scale.astype(np.float64).reshape(along if scale.size > 1 else [1] * len(shape)))
    if operation.kind == "constexpr_blockwise_shift_scale":
        return Affine(_spread(_parameter(operation, "scale").astype(np.float64), shape))
    table = _parameter(operation, "lut") if operation.kind == "constexpr_lut_to_dense" else None
    if table is not None and (table.ndim == 1 or table.size == table.shape[-2]):  # one table of plain numbers
        return Palette(table.astype(np.float64).ravel())
    return Strange(operation.kind)


def _parameter(operation: Operation, name: str) -> npt.NDArray[Any]:
    return np.asarray(operation.inputs[name][0])


def _spread(scale: Doubles, shape: tuple[int, ...]) -> Doubles:
    """Return one number per block as one that spreads over the blocks' elements."""
    for axis, length in enumerate(shape):
        if 1 < scale.shape[axis] < length:
            scale = np.repeat(scale, length // scale.shape[axis], axis)
    return scale
