"""What an operation is given while its part of a graph is built."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from autodetect.coreml.interpreter.program import Argument, Constant, Operation, Ref
from autodetect.coreml.interpreter.registry import Node, UnknownOperationError
from autodetect.openvino_library import load_openvino

REMEDY = "evaluate it with Core ML itself, or add the operation to autodetect/coreml/interpreter/operations"

_INT32 = np.iinfo(np.int32)


class Given:
    """The arguments of one operation: implements `registry.Arguments`."""

    def __init__(
        self, operation: Operation, nodes: Mapping[str, Node], by_rows: Collection[str], *, rows: int, source: str
    ) -> None:
        """Bind an operation to the nodes of the graph that it joins.

        Args:
            operation: whose arguments they are.
            nodes: what gives each value computed before it.
            by_rows: names of the values whose leading axis is the rows.
            rows: how many are evaluated at once.
            source: the package, for errors.
        """
        self.operation = operation
        self.rows = rows
        self._nodes, self._by_rows, self._source = nodes, by_rows, source

    def has(self, name: str) -> bool:
        """Return whether the parameter is given."""
        return bool(self.operation.inputs.get(name))

    def tensor(self, name: str) -> Node:
        """Return a tensor parameter, in the type that graphs compute in."""
        return self._node(self._only(name), name)

    def tensors(self, name: str) -> list[Node]:
        """Return all tensors of a variadic parameter; none where it is not given."""
        return [self._node(argument, name) for argument in self.operation.inputs.get(name, ())]

    def constant(self, name: str, default: Any = None) -> Constant:
        """Return a parameter that must be known before the program runs, `default` where it is not given."""
        if not self.has(name):
            if default is None:
                raise self.refuse(f"it has no {name}")
            return default if isinstance(default, str) else np.asarray(default)
        argument = self._only(name)
        if isinstance(argument, Ref):
            raise self.refuse(f"its {name} is computed by the program, not known before it runs")
        return argument

    def integers(self, name: str, default: Sequence[int] | None = None) -> tuple[int, ...]:
        """Return a constant parameter as integers."""
        return tuple(int(number) for number in self._numbers(name, default).reshape(-1))

    def integer(self, name: str, default: int | None = None) -> int:
        """Return a constant parameter as one integer."""
        return int(self._number(name, default))

    def number(self, name: str, default: float | None = None) -> float:
        """Return a constant parameter as one float."""
        return float(self._number(name, default))

    def flag(self, name: str, default: bool | None = None) -> bool:
        """Return a constant parameter as a truth value."""
        return bool(self._number(name, default))

    def text(self, name: str, default: str | None = None) -> str:
        """Return a constant parameter as text."""
        found = self.constant(name, default)
        if not isinstance(found, str):
            raise self.refuse(f"its {name} is no text")
        return found

    def rank(self, name: str) -> int:
        """Return the number of axes; of a variadic parameter, those of its first tensor."""
        if not self.has(name):
            raise self.refuse(f"it has no {name}")
        argument = self.operation.inputs[name][0]
        return len(self._nodes[argument.name].shape) if isinstance(argument, Ref) else np.ndim(argument)

    def by_rows(self, name: str) -> bool:
        """Return whether the leading axis is the rows; of a variadic parameter, that of any of its tensors."""
        arguments = self.operation.inputs.get(name, ())
        return any(isinstance(argument, Ref) and argument.name in self._by_rows for argument in arguments)

    def refuse(self, why: str) -> UnknownOperationError:
        """Return an error that names the operation, its kind and why this use of it is unknown."""
        return UnknownOperationError(
            f"{self._source}: the interpreter does not know this use of {self.operation.kind}, "
            f"'{self.operation.name}': {why}",
            REMEDY,
        )

    def _only(self, name: str) -> Argument:
        arguments = self.operation.inputs.get(name, ())
        if len(arguments) != 1:
            raise self.refuse(f"it has {len(arguments) or 'no'} {name}")
        return arguments[0]

    def _node(self, argument: Argument, name: str) -> Node:
        if isinstance(argument, Ref):
            return self._nodes[argument.name]
        if isinstance(argument, str) or argument.dtype.kind == "U":
            raise self.refuse(f"its {name} is a text, not a tensor")
        return constant_node(self._as_tensor(argument, name))

    def _as_tensor(self, array: np.ndarray, name: str) -> np.ndarray:
        """Return an array in the type that graphs compute in: float32, int32 or bool."""
        if array.dtype.kind == "f":
            return array.astype(np.float32)
        if array.dtype.kind == "b":
            return array
        if array.size and not (_INT32.min <= int(array.min()) and int(array.max()) <= _INT32.max):
            raise self.refuse(f"its {name} holds integers that int32 does not")
        return array.astype(np.int32)

    def _numbers(self, name: str, default: Any) -> np.ndarray:
        found = self.constant(name, default)
        if isinstance(found, str) or found.dtype.kind == "U":
            raise self.refuse(f"its {name} is a text, not a number")
        return found

    def _number(self, name: str, default: Any) -> Any:
        found = self._numbers(name, default)
        if found.size != 1:
            raise self.refuse(f"its {name} is {found.size} numbers, not one")
        return found.reshape(-1)[0]


def constant_node(array: np.ndarray) -> Node:
    """Return a constant of a graph."""
    return load_openvino().opset15.constant(np.asarray(array, order="C")).output(0)
