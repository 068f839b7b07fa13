"""Whether a use of an operation keeps rows apart: then a package that was made for one row evaluates many at once."""

from collections.abc import Callable

from autodetect.coreml.interpreter.operations import tensors
from autodetect.coreml.interpreter.program import Ref
from autodetect.coreml.interpreter.registry import Arguments

_SHAPELESS = frozenset({"string", "dictionary"})
RowsApart = Callable[[Arguments], bool]


def moving(given: Arguments) -> set[str]:
    """Return the parameters whose leading axis is the rows."""
    computed = (name for name, values in given.operation.inputs.items() if any(isinstance(v, Ref) for v in values))
    return {name for name in computed if given.by_rows(name)}


def declared_apart(given: Arguments) -> bool:
    """Return whether each result, as the program declares it, leads with the one row."""
    shapes = [output.type.shape for output in given.operation.outputs if output.type.dtype not in _SHAPELESS]
    return all(shape and shape[0] in {1, None} for shape in shapes)


def elementwise(given: Arguments) -> bool:
    """Apart unless broadcasting gives rows another place."""
    rank = len(given.operation.outputs[0].type.shape)
    return not moving(given) or (declared_apart(given) and all(given.rank(name) == rank for name in moving(given)))


def single(given: Arguments) -> bool:
    """Apart always."""
    return elementwise(given)


def of(*names: str) -> RowsApart:
    """Apart where only these parameters go by rows."""

    def apart(given: Arguments) -> bool:
        return moving(given) <= set(names) and (not moving(given) or declared_apart(given))

    apart.__doc__ = f"Apart where only {' and '.join(names)} goes by rows."
    return apart


def along(default: int | None, *, name: str = "axis") -> RowsApart:
    """Apart unless it goes along the leading axis of `x`."""

    def apart(given: Arguments) -> bool:
        return of("x")(given) and (not moving(given) or tensors.axis(given, default, name=name) != 0)

    apart.__doc__ = "Apart unless it goes along the leading axis."
    return apart


def together(given: Arguments) -> bool:
    """Apart never: there is one shape for all."""
    return not moving(given)


def trailing(count: int) -> RowsApart:
    """Apart where `x` has more axes than the trailing ones that it mixes."""

    def apart(given: Arguments) -> bool:
        return not moving(given) or (of("x")(given) and given.rank("x") > count)

    apart.__doc__ = f"Apart where x has more than {count} axes."
    return apart
