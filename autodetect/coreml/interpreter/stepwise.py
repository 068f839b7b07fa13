"""A program operation by operation, each result rounded to the type that the program declares.

Every operation is a small graph of its own that takes and gives float32: sums within it are float32, as on hardware
that accumulates in it; what it gives is rounded to float16 where the program says so. An operation that only chooses
among the elements of its argument, in their order, as `relu` and `max_pool` do, joins the graph of the one before it:
choosing among rounded numbers and rounding the chosen one are the same. Rows go one by one: a row's result depends on
nothing but the row.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from autodetect.coreml.interpreter.arguments import Given
from autodetect.coreml.interpreter.graph import compile_model
from autodetect.coreml.interpreter.nodes import Shape, build, operation_nodes, parameter
from autodetect.coreml.interpreter.program import Argument, DType, Operation, Program, Ref, ValueType
from autodetect.coreml.interpreter.registry import known
from autodetect.coreml.interpreter.rounding import rounded
from autodetect.coreml.interpreter.rowwise import Joined, Rows
from autodetect.openvino_library import load_openvino

Array = npt.NDArray[Any]

_COMPARED = 64  # elements: constants up to this size are compared by value, larger ones (weights) by identity
# What these give is among their arguments, or 0: rounded numbers stay as they are.
_CHOOSING = frozenset(
    {"expand_dims", "identity", "max_pool", "relu", "reshape", "slice_by_index", "squeeze", "transpose"}
)
_JOINING = frozenset({"concat", "split", "stack"})  # so do these, of several tensors


@dataclass(frozen=True)
class _Step:
    """A graph, ready to run.

    Attributes:
        graph: its place among those compiled; it takes `takes` in order and gives `gives` in order.
        takes: values.
        gives: values.
        rounded: of `gives`, those to be rounded to float16.
        last: values that no later step reads.
    """

    graph: int
    takes: tuple[str, ...]
    gives: tuple[str, ...]
    rounded: frozenset[str]
    last: tuple[str, ...]


@dataclass(frozen=True)
class _Plan:
    steps: tuple[_Step, ...]
    rounded_inputs: frozenset[str]
    by_rows: frozenset[str]


class Stepwise:
    """Evaluates a program operation by operation; compiles at the first use.

    Operations that are equal in kind, parameters and shapes share a graph.
    """

    def __init__(self, program: Program, *, threads: int) -> None:
        """Compile nothing yet.

        Args:
            program: of known operations.
            threads: how many to use.
        """
        self._program, self._threads = program, threads
        self._graphs: dict[Hashable, int] = {}
        self._requests: list[Any] = []
        self._plans: dict[Hashable, _Plan] = {}

    def evaluate(self, rows: Rows, names: Sequence[str]) -> dict[str, Array]:
        """Return values by name, all rows of each, float16 values as float32.

        Raises:
            UnknownOperationError: an operation is used in a way that the interpreter does not know.
        """
        plan = self._plan(rows.shapes, names)
        joined = Joined(rows.count)
        for row in range(rows.count):
            at = slice(row, row + 1)
            inputs = dict(zip(rows.inputs, rows.part(at, 1, rows.inputs), strict=True))
            for name, data in self._walk(plan, inputs, frozenset(names)):
                joined.keep(name, data, at, by_rows=name in plan.by_rows)
        return {name: joined.value(name) for name in names}

    def _walk(self, plan: _Plan, inputs: Mapping[str, Array], names: frozenset[str]) -> Iterator[tuple[str, Array]]:
        """Evaluate one row; give the wanted values as they come, and drop what no later step reads."""
        values = {name: rounded(data) if name in plan.rounded_inputs else data for name, data in inputs.items()}
        yield from ((name, values[name]) for name in names & values.keys())
        for step in plan.steps:
            request = self._requests[step.graph]
            request.infer([values[name] for name in step.takes], share_inputs=True)
            for place, name in enumerate(step.gives):
                data = request.get_output_tensor(place).data
                values[name] = rounded(data) if name in step.rounded else data.copy()
                if name in names:
                    yield name, values[name]
            for name in step.last:
                del values[name]

    def _plan(self, shapes: Mapping[str, Shape], names: Sequence[str]) -> _Plan:
        key = (tuple(sorted(shapes.items())), tuple(names))
        if key not in self._plans:
            self._plans[key] = self._planned(shapes, frozenset(names))
        return self._plans[key]

    def _planned(self, shapes: Mapping[str, Shape], names: frozenset[str]) -> _Plan:
        """Compile what the wanted values need, and say when each value was read for the last time."""
        whole = build(self._program, shapes, 1)
        assert whole is not None, "one row is always apart"
        types = {value.name: value.type for value in self._program.inputs}
        for operation in self._program.operations:
            types.update((value.name, value.type) for value in operation.outputs)
        chains = _chains(_needed(self._program.operations, names), types, names)
        steps: list[_Step] = []
        later: set[str] = set()
        for chain in reversed(chains):
            takes = _read(chain[0])
            gives = tuple(value.name for value in chain[-1].outputs if value.name in whole.values)
            ending = {*takes, *gives} - later
            later.update(takes)
            exact = all(_keeps_rounded(operation, types) for operation in chain)
            to_round = frozenset(name for name in gives if types[name].dtype == "fp16" and not exact)
            tensors = [(tuple(whole.values[name].shape), types[name].dtype) for name in takes]
            steps.append(_Step(self._graph(chain, takes, tensors), takes, gives, to_round, tuple(sorted(ending))))
        inputs = frozenset(value.name for value in self._program.inputs if value.type.dtype == "fp16")
        return _Plan(tuple(reversed(steps)), inputs, whole.by_rows)

    def _graph(self, chain: list[Operation], takes: tuple[str, ...], tensors: list[tuple[Shape, DType]]) -> int:
        """Return the place of a chain's graph, which takes such tensors, among those compiled."""
        key = (tuple(_key_of(operation, takes) for operation in chain), tuple(tensors))
        if key not in self._graphs:
            parameters = [parameter(dtype, shape) for shape, dtype in tensors]
            values = {name: node.output(0) for name, node in zip(takes, parameters, strict=True)}
            for operation in chain:
                given = Given(operation, values, (), rows=1, source=self._program.source)
                results = operation_nodes(given, known()[operation.kind])
                values.update((value.name, node) for value, node in results)
            model = load_openvino().Model([node for _, node in results], parameters)
            # No streams: a graph runs on the thread that asks, and needs none that waits for work.
            what = f"{self._program.source}: '{chain[0].name}'"
            compiled = compile_model(model, streams=0, threads=self._threads, what=what)
            self._requests.append(compiled.create_infer_request())
            self._graphs[key] = len(self._requests) - 1
        return self._graphs[key]


def _needed(operations: Sequence[Operation], names: frozenset[str]) -> list[Operation]:
    """Return the operations that the wanted values need, in order."""
    found, alive = [], set(names)
    for operation in reversed(operations):
        if not alive.isdisjoint(value.name for value in operation.outputs):
            alive.update(_read(operation))
            found.append(operation)
    return found[::-1]


def _chains(
    operations: list[Operation], types: Mapping[str, ValueType], names: frozenset[str]
) -> list[list[Operation]]:
    """Return the operations in order, each with those behind it that join its graph."""
    readers = Counter(name for operation in operations for name in _read(operation))
    chains: list[list[Operation]] = []
    ends: dict[str, list[Operation]] = {}  # by the value that a chain gives, and one other operation reads
    for operation in operations:
        reads = _read(operation)
        joins = len(reads) == 1 and operation.kind in _CHOOSING and _keeps_rounded(operation, types)
        chain = ends.pop(reads[0], None) if joins else None
        if chain is None:
            chain = []
            chains.append(chain)
        chain.append(operation)
        given = [value.name for value in operation.outputs]
        if len(given) == 1 and readers[given[0]] == 1 and given[0] not in names:
            ends[given[0]] = chain
    return chains


def _read(operation: Operation) -> tuple[str, ...]:
    """Return the names of the values that an operation reads, each once."""
    refs = (one.name for given in operation.inputs.values() for one in given if isinstance(one, Ref))
    return tuple(dict.fromkeys(refs))


def _keeps_rounded(operation: Operation, types: Mapping[str, ValueType]) -> bool:
    """Return whether an operation gives only numbers that float16 holds because it is given only such."""
    names = (*_read(operation), *(value.name for value in operation.outputs))
    return operation.kind in _CHOOSING | _JOINING and all(types[name].dtype == "fp16" for name in names)


def _key_of(operation: Operation, takes: tuple[str, ...]) -> Hashable:
    """Return what tells two operations apart."""
    given = tuple((name, tuple(_key(one, takes) for one in found)) for name, found in operation.inputs.items())
    return operation.kind, given, tuple(value.type for value in operation.outputs)


def _key(argument: Argument, takes: tuple[str, ...]) -> Hashable:
    """Return what tells two arguments apart: the place of a value among those taken, a small constant, a weight."""
    if isinstance(argument, Ref):
        return takes.index(argument.name) if argument.name in takes else "the one before"
    if isinstance(argument, str):
        return argument
    if argument.size <= _COMPARED:
        return argument.dtype.str, argument.shape, argument.tobytes()
    return "weight", id(argument)  # the program keeps it alive
