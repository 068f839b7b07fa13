"""Which operations there are, and what each is given.

An operation is a function from its arguments to nodes of an OpenVINO graph, one per result:

    @operation("relu", reference="elementwise_unary.relu")
    def relu(given: Arguments) -> Node:
        '''max(x, 0). x: any shape.'''
        return ops.relu(given.tensor("x"))

Whether the whole program becomes one graph, or every operation one of its own, the function does not see.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from autodetect.coreml.interpreter.program import Constant, Operation
from autodetect.errors import UsageError

Node = Any  # openvino.Output or openvino.Node: the library ships no types
REFERENCE = "coremltools.converters.mil.mil.ops.defs"


class UnknownOperationError(UsageError):
    """The program holds an operation, or a use of one, that the interpreter does not know."""


class Arguments(Protocol):
    """What an operation is given: tensors as graph nodes, parameters as plain values.

    A tensor of floats is float32 whatever the program declares, of integers int32, of truth values boolean.
    """

    operation: Operation
    rows: int
    """How many inputs are evaluated at once: the length of the leading axis that the package, made for one, calls 1."""

    def has(self, name: str) -> bool:
        """Return whether the parameter is given."""

    def tensor(self, name: str) -> Node:
        """Return a tensor parameter."""

    def tensors(self, name: str) -> list[Node]:
        """Return all tensors of a variadic parameter."""

    def constant(self, name: str, default: Any = None) -> Constant:
        """Return a parameter that must be known before the program runs, `default` where it is not given.

        Raises:
            UnknownOperationError: it is computed at run time.
        """

    def integers(self, name: str, default: Sequence[int] | None = None) -> tuple[int, ...]:
        """Return a constant parameter as integers."""

    def integer(self, name: str, default: int | None = None) -> int:
        """Return a constant parameter as one integer."""

    def number(self, name: str, default: float | None = None) -> float:
        """Return a constant parameter as one float."""

    def flag(self, name: str, default: bool | None = None) -> bool:
        """Return a constant parameter as a truth value."""

    def text(self, name: str, default: str | None = None) -> str:
        """Return a constant parameter as text."""

    def rank(self, name: str) -> int:
        """Return the number of axes of a tensor parameter."""

    def by_rows(self, name: str) -> bool:
        """Return whether the leading axis of a tensor parameter is the rows that are evaluated at once."""

    def refuse(self, why: str) -> UnknownOperationError:
        """Return an error that names the operation, its kind and why this use of it is unknown."""


Builder = Callable[[Arguments], Node | Sequence[Node]]


@dataclass(frozen=True)
class Known:
    """An operation that the interpreter knows.

    `rows_apart` says whether a use of it keeps rows (the leading axis, where a tensor goes `by_rows`) apart: then rows
    may be evaluated at once. `reference` is where coremltools defines it, below `REFERENCE`.
    """

    kind: str
    builder: Builder
    reference: str
    rows_apart: Callable[[Arguments], bool]


_KNOWN: dict[str, Known] = {}


def operation(
    *kinds: str, reference: str, rows_apart: Callable[[Arguments], bool] = lambda _: True
) -> Callable[[Builder], Builder]:
    """Register a builder for operations of these kinds."""

    def register(builder: Builder) -> Builder:
        for kind in kinds:
            _KNOWN[kind] = Known(kind, builder, reference, rows_apart)
        return builder

    return register


def known() -> Mapping[str, Known]:
    """Return all operations that the interpreter knows, by kind; importing the interpreter registers them."""
    return _KNOWN
