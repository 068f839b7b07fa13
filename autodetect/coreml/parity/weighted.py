"""The operations of a package that hold a kernel: what they hold, and where they stand in the program."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from autodetect.coreml.interpreter.program import Operation, Program, Ref
from autodetect.coreml.parity.layers import merged
from autodetect.coreml.parity.places import Place, Source
from autodetect.coreml.parity.stored import Stored, stored_by

_SHIFTS = frozenset({"add", "sub", "mul", "real_div"})
_CONVOLUTION, _LINEAR, _MATMUL = "conv", "linear", "matmul"


@dataclass(frozen=True)
class Weighted:
    """A convolution or a product with a matrix.

    Attributes:
        place: its name in the program, its kernel's shape and where it stands.
        kernel: as stored, in the type that the program declares: (out, in, height, width) or (out, in).
        bias: (out,); zeros where there is none.
        form: how the kernel is stored.
    """

    place: Place
    kernel: npt.NDArray[np.floating]
    bias: npt.NDArray[np.floating]
    form: Stored


@dataclass(frozen=True)
class Shift:
    """An operation by a constant, value by value, that stands behind an operation with a kernel and is not its bias.

    Attributes:
        name: its name in the program.
        kind: `add`, `sub`, `mul` or `real_div`.
        constant: the values, (n,), in the type that the program declares.
        form: how they are stored.
    """

    name: str
    kind: str
    constant: npt.NDArray[np.floating]
    form: Stored


@dataclass(frozen=True)
class Held:
    """What a program holds: operations with a kernel, and shifts, each in the order of the program."""

    weighted: tuple[Weighted, ...]
    shifts: tuple[Shift, ...]


def weighted(program: Program) -> tuple[Weighted, ...]:
    """Return the operations that hold a kernel, in the order of the program."""
    return held(program).weighted


def held(program: Program) -> Held:
    """Return what a program holds; a constant added to what an operation with a kernel alone answers is its bias."""
    found: list[Weighted] = []
    shifts: list[Shift] = []
    origins: dict[str, tuple[Source, ...]] = {value.name: () for value in program.inputs}
    names = {id(constant): name for name, constant in program.constants.items()}
    answering: dict[str, int] = {}
    readers = Counter(argument.name for operation in program.operations for argument in _read(operation))
    for operation in program.operations:
        read = [origins.get(argument.name, ()) for argument in _read(operation)]
        kernel = _kernel(operation)
        [result, *others] = [value.name for value in operation.outputs]
        by = _constant(operation)
        if kernel is not None:
            answering[result] = len(found)
            origins[result] = (len(found),)
            form = stored_by(program.compressed.get(names.get(id(kernel), "")), kernel.shape)
            if operation.kind == _MATMUL and not _flag(operation, "transpose_y"):
                kernel, form = kernel.T, form.transposed()
            place = Place(operation.name or result, kernel.shape, read[0])
            found.append(Weighted(place, kernel, _bias(operation, len(kernel)), form))
            continue
        if by is not None and len(read) == 1:
            [argument] = _read(operation)
            before = answering.get(argument.name)
            alone = before is not None and readers[argument.name] == 1 and by.size == found[before].bias.size
            if before is not None and alone and operation.kind == "add":
                found[before] = replace(found[before], bias=found[before].bias + by.ravel())
                answering[result] = before
            elif read[0] and by.size > 1:
                form = stored_by(program.compressed.get(names.get(id(by), "")), by.shape)
                shifts.append(Shift(operation.name or result, operation.kind, by, form))
        origins[result] = merged(read, ordered=operation.kind == "concat") if read else ()
        for other in others:
            origins[other] = origins[result]
    return Held(tuple(found), tuple(shifts))


def _read(operation: Operation) -> Sequence[Ref]:
    """Return the values that an operation reads, in the order of their parameters' names."""
    arguments = (argument for name in sorted(operation.inputs) for argument in operation.inputs[name])
    return [argument for argument in arguments if isinstance(argument, Ref)]


def _kernel(operation: Operation) -> npt.NDArray[np.floating] | None:
    """Return the constant kernel of an operation that has one."""
    parameter = {_CONVOLUTION: "weight", _LINEAR: "weight", _MATMUL: "y"}.get(operation.kind)
    if parameter is None:
        return None
    kernel = operation.inputs[parameter][0]
    return kernel if isinstance(kernel, np.ndarray) and kernel.ndim >= 2 else None


def _bias(operation: Operation, units: int) -> npt.NDArray[np.floating]:
    given = operation.inputs.get("bias", ())
    if given and isinstance(given[0], np.ndarray):
        return np.ravel(given[0])
    return np.zeros(units, np.float16)


def _constant(operation: Operation) -> npt.NDArray[np.floating] | None:
    """Return the constant that a sum, difference, product or quotient is made with."""
    if operation.kind not in _SHIFTS:
        return None
    constants = [each for name in ("x", "y") for each in operation.inputs[name] if isinstance(each, np.ndarray)]
    return constants[0] if len(constants) == 1 else None


def _flag(operation: Operation, name: str) -> bool:
    given = operation.inputs.get(name, ())
    return bool(given and given[0])
