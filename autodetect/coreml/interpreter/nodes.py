"""From a program to nodes of a graph: every operation built by its function, and what it gives checked."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from autodetect.coreml.interpreter import operations  # noqa: F401  # importing registers them
from autodetect.coreml.interpreter.arguments import REMEDY, Given
from autodetect.coreml.interpreter.program import DType, Program, Value
from autodetect.coreml.interpreter.registry import Known, Node, UnknownOperationError, known
from autodetect.openvino_library import load_openvino

CLASSIFY = "classify"
Shape = tuple[int, ...]
T = TypeVar("T")


@dataclass(frozen=True)
class Nodes:
    """A program as nodes, for so many rows at once.

    Attributes:
        parameters: the graph's inputs, by name.
        values: what gives each value that is a tensor, inputs included.
        by_rows: values whose leading axis is the rows.
        rows: how many.
    """

    parameters: dict[str, Node]
    values: dict[str, Node]
    by_rows: frozenset[str]
    rows: int


def check_known(program: Program) -> None:
    """Raise an error that names all operations of kinds that the interpreter does not know.

    Raises:
        UnknownOperationError: there are any.
    """
    unknown: dict[str, list[str]] = {}
    for operation in program.operations:
        if operation.kind not in known():
            unknown.setdefault(operation.kind, []).append(operation.name)
    if unknown:
        listed = "; ".join(f"{kind} ({_some(names)})" for kind, names in sorted(unknown.items()))
        what = f"{program.source} holds operations that the interpreter does not know: {listed}"
        raise UnknownOperationError(what, REMEDY)


def leads_with_rows(value: Value) -> bool:
    """Return whether the leading axis of an input is 1, as for one row, or of unknown length."""
    return bool(value.type.shape) and value.type.shape[0] in {1, None}


def build(program: Program, shapes: Mapping[str, Shape], rows: int) -> Nodes | None:
    """Return the program as nodes, None where an operation does not keep several rows apart.

    Args:
        program: of known operations.
        shapes: of the inputs, one row each.
        rows: how many to evaluate at once; the leading axis of inputs whose leading axis is 1 becomes this long.

    Raises:
        UnknownOperationError: an operation is used in a way that the interpreter does not know.
    """
    parameters = {
        value.name: parameter(
            value.type.dtype, (rows, *shapes[value.name][1:]) if leads_with_rows(value) else shapes[value.name]
        )
        for value in program.inputs
    }
    values = {name: node.output(0) for name, node in parameters.items()}
    by_rows = {value.name for value in program.inputs if leads_with_rows(value)}
    for operation in program.operations:
        given = Given(operation, values, by_rows, rows=rows, source=program.source)
        entry = known()[operation.kind]
        moving = any(given.by_rows(name) for name in operation.inputs)
        if rows > 1 and moving and not _building(given, partial(_rows_apart, given, entry)):
            return None
        for value, node in operation_nodes(given, entry):
            if moving and (leads_with_rows(value) or _classified_by_rows(given, value)):
                by_rows.add(value.name)
            if not _as_declared(value, node, rows if value.name in by_rows else None):
                if rows > 1:
                    return None
                raise given.refuse(f"it gives {list(node.shape)}, and declares {value.type}")
            values[value.name] = node
    return Nodes(parameters, values, frozenset(by_rows), rows)


def operation_nodes(given: Given, entry: Known) -> list[tuple[Value, Node]]:
    """Return the results of an operation that are tensors, each with the node that gives it."""
    outputs = given.operation.outputs
    built = _building(given, partial(entry.builder, given))
    found = [_output(node) for node in (built if isinstance(built, list | tuple) else [built])]
    if given.operation.kind == CLASSIFY:  # the label is no tensor: it is chosen from the probabilities
        outputs = tuple(value for value in outputs if value.type.dtype == "dictionary")
        found = found[-1:]
    if len(outputs) != len(found):
        raise given.refuse(f"it gives {len(found)} results, and declares {len(outputs)}")
    return [(value, _typed(given, value, node)) for value, node in zip(outputs, found, strict=True)]


def agree(declared: tuple[int | None, ...], found: Shape) -> bool:
    """Return whether a shape is the declared one, whose axes of unknown length (None) may have any."""
    return len(found) == len(declared) and all(
        axis in {None, length} for axis, length in zip(declared, found, strict=True)
    )


def parameter(dtype: DType, shape: Iterable[int]) -> Node:
    """Return an input of a graph."""
    openvino = load_openvino()
    return openvino.opset15.parameter(list(shape), getattr(openvino.Type, element(dtype)))


def element(dtype: DType) -> str:
    """Return the kernel library's name of the type in which graphs compute values of a type."""
    if dtype.startswith("fp") or dtype == "dictionary":
        return "f32"
    return "boolean" if dtype == "bool" else "i32"


def _building(given: Given, build_it: Callable[[], T]) -> T:
    """Return what a call gives; what the kernel library or an operation stumbles over is told with its place.

    Raises:
        UnknownOperationError: parameters and tensors do not fit together.
    """
    try:
        return build_it()
    except (RuntimeError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        words = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise given.refuse(f"its parameters do not fit: {words}") from error


def _rows_apart(given: Given, entry: Known) -> bool:
    return given.rank("probabilities") == 2 if given.operation.kind == CLASSIFY else entry.rows_apart(given)


def _classified_by_rows(given: Given, value: Value) -> bool:
    """Return whether a dictionary, which declares no shape, has one row of probabilities per row."""
    return value.type.dtype == "dictionary" and given.rank("probabilities") == 2


def _output(node: Node) -> Node:
    return node.output(0) if hasattr(node, "output") else node


def _typed(given: Given, value: Value, node: Node) -> Node:
    """Return a result in the type that graphs compute in; libraries give some indices in int64."""
    if node.get_partial_shape().is_dynamic:
        raise given.refuse(f"the shape of its result '{value.name}' is not known before the program runs")
    wanted, found = element(value.type.dtype), node.get_element_type().to_string()
    if found == wanted:
        return node
    if wanted != "i32" or found not in {"i64", "u8", "i8", "i16", "u32"}:
        raise given.refuse(f"it gives {found}, and declares {value.type}")
    return load_openvino().opset15.convert(node, wanted).output(0)


def _as_declared(value: Value, node: Node, rows: int | None) -> bool:
    """Return whether the shape is what the program declares, with so many rows in front where it goes by rows."""
    if value.type.dtype == "dictionary":
        return True
    declared = value.type.shape
    if rows is not None:
        declared = (rows, *declared[1:])
    return agree(declared, tuple(node.shape))


def _some(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
