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


def weighted(program: Program) -> tuple[Weighted, ...]:
    """Return the operations that hold a kernel, in the order of the program.

    A constant that is added to what such an operation alone answers is its bias.
    """
    found: list[Weighted] = []
    origins: dict[str, tuple[Source, ...]] = {value.name: () for value in program.inputs}
    names = {id(constant): name for name, constant in program.constants.items()}
    answering: dict[str, int] = {}
    readers = Counter(argument.name for operation in program.operations for argument in _read(operation))
    for operation in program.operations:
        read = [origins.get(argument.name, ()) for argument in _read(operation)]
        kernel = _kernel(operation)
        [result, *others] = [value.name for value in operation.outputs]
        added = _added(operation)
        if kernel is not None:
            answering[result] = len(found)
            origins[result] = (len(found),)
            form = stored_by(program.compressed.get(names.get(id(kernel), "")), kernel.shape)
            if operation.kind == _MATMUL and not _flag(operation, "transpose_y"):
                kernel, form = kernel.T, form.transposed()
            place = Place(operation.name or result, kernel.shape, read[0])
            found.append(Weighted(place, kernel, _bias(operation, len(kernel)), form))
            continue
        if added is not None and len(read) == 1:
            [argument] = _read(operation)
            before = answering.get(argument.name)
            if before is not None and readers[argument.name] == 1 and added.size == found[before].bias.size:
                found[before] = replace(found[before], bias=found[before].bias + added.ravel())
                answering[result] = before
        origins[result] = merged(read, ordered=operation.kind == "concat") if read else ()
        for other in others:
            origins[other] = origins[result]
    return tuple(found)


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


def _added(operation: Operation) -> npt.NDArray[np.floating] | None:
    """Return the constant that an operation adds."""
    if operation.kind != "add":
        return None
    constants = [each for name in ("x", "y") for each in operation.inputs[name] if isinstance(each, np.ndarray)]
    return constants[0] if len(constants) == 1 else None


def _flag(operation: Operation, name: str) -> bool:
    given = operation.inputs.get(name, ())
    return bool(given and given[0])
