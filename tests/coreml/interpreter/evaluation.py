"""One operation evaluated by the interpreter's own executor, beside what it should give."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from autodetect.coreml.interpreter.graph import Graph
from autodetect.coreml.interpreter.nodes import leads_with_rows
from autodetect.coreml.interpreter.program import Argument, DType, Operation, Program, Ref, Value, ValueType
from autodetect.coreml.interpreter.registry import UnknownOperationError
from autodetect.coreml.interpreter.rowwise import Rows

TENSORFLOW, FORMULA = "TensorFlow", "NumPy"
COVERED: dict[str, set[str]] = {}  # kind -> what it is tested against
ROWS = 3
_EVALUATED: set[str] = set()
_TYPES: dict[str, tuple[DType, type]] = {
    "f": ("fp32", np.float32),
    "i": ("int32", np.int32),
    "u": ("int32", np.int32),
    "b": ("bool", np.bool_),
}
Array = npt.NDArray[Any]


def covers(*kinds: str, against: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Note that a test checks these kinds, and fail it where it does not evaluate them (`kind`, if it has such)."""
    for kind in kinds:
        COVERED.setdefault(kind, set()).add(against)

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def checked(*args: Any, **kwargs: Any) -> None:
            _EVALUATED.clear()
            test(*args, **kwargs)
            assert ({kwargs["kind"]} if "kind" in kwargs else set(kinds)) <= _EVALUATED

        return checked

    return decorate


def evaluated(*kinds: str) -> None:
    """Note that the test at hand evaluated operations of these kinds."""
    _EVALUATED.update(kinds)


@dataclass(frozen=True)
class Fed:
    """A tensor that is given at run time; everything else is constant."""

    values: Any


def check(kind: str, inputs: Mapping[str, Any], *expected: Any, rtol: float = 1e-5, atol: float = 1e-6) -> None:
    """Assert that an operation gives what is expected, and several rows at once what they give one by one.

    Args:
        kind: of the operation.
        inputs: its parameters: tensors and numbers as arrays, texts, or a list of tensors; `Fed` at run time.
        expected: its results. They stand for what the program declares, too.
        rtol: relative to what is expected.
        atol: absolute.
    """
    wanted = [np.asarray(one) for one in expected]
    program, fed = _program(kind, inputs, [(_TYPES[one.dtype.kind][0], one.shape) for one in wanted])
    graph = Graph(program, batch_size=ROWS, threads=1)
    results = _evaluate(graph, program, fed)
    evaluated(kind)
    for result, want in zip(results, wanted, strict=True):
        assert result.shape == want.shape
        assert result.dtype == _TYPES[want.dtype.kind][1]
        if want.dtype.kind == "f":
            np.testing.assert_allclose(result, want, rtol=rtol, atol=atol)
        else:
            np.testing.assert_array_equal(result, want)
    moving = [value.name for value in program.inputs if leads_with_rows(value)]
    if moving:
        many = [fed, *({**fed, **{name: _other(kind, fed[name], seed) for name in moving}} for seed in range(1, ROWS))]
        alone = [_evaluate(graph, program, one) for one in many]
        stacked = {**fed, **{name: np.concatenate([one[name] for one in many]) for name in moving}}
        for at, together in enumerate(_evaluate(graph, program, stacked)):
            each = [one[at] for one in alone]
            grown = not each[0].ndim or len(each[0]) != 1 or together.ndim > each[0].ndim
            one_by_one = np.stack(each) if grown else np.concatenate(each)
            np.testing.assert_allclose(together, one_by_one, rtol=rtol, atol=atol)


def refused(kind: str, inputs: Mapping[str, Any], shape: tuple[int, ...] = (1,)) -> str:
    """Return why a use of an operation is refused."""
    program, fed = _program(kind, inputs, [("fp32", shape)])
    try:
        _evaluate(Graph(program, batch_size=1, threads=1), program, fed)
    except UnknownOperationError as error:
        evaluated(kind)
        return error.what
    raise AssertionError(f"{kind} was not refused")


def _program(
    kind: str, inputs: Mapping[str, Any], results: Sequence[tuple[DType, tuple[int, ...]]]
) -> tuple[Program, dict[str, Array]]:
    """Return a program of one operation, and what its inputs are given."""
    arguments: dict[str, tuple[Argument, ...]] = {}
    fed: dict[str, Array] = {}
    for name, value in inputs.items():
        found: list[Argument] = []
        for at, one in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(one, Fed):
                values = np.asarray(one.values)
                fed[f"{name}{at}"] = values.astype(_TYPES[values.dtype.kind][1])
                found.append(Ref(f"{name}{at}"))
            else:
                found.append(one if isinstance(one, str) else np.asarray(one))
        arguments[name] = tuple(found)
    outputs = tuple(Value(f"result{at}", ValueType(*one)) for at, one in enumerate(results))
    program = Program(
        inputs=tuple(Value(n, ValueType(_TYPES[one.dtype.kind][0], one.shape)) for n, one in fed.items()),
        images=(),
        outputs=tuple(value.name for value in outputs),
        operations=(Operation(kind, "tested", arguments, outputs),),
        constants={},
        compressed={},
        counts={},
        labels=(),
        opset="CoreML8",
        metadata={},
        source="a test",
    )
    return program, fed


def _evaluate(graph: Graph, program: Program, fed: Mapping[str, Array]) -> list[Array]:
    by_rows = frozenset(value.name for value in program.inputs if leads_with_rows(value))
    count = len(fed[min(by_rows)]) if by_rows else 1
    found = graph.evaluate(Rows(count, fed, by_rows), program.outputs)
    return [found[name] for name in program.outputs]


def _other(kind: str, values: Array, seed: int) -> Array:
    """Return another row of the same kind: the same elements in another order, but vectors of indices whole."""
    units = values.reshape(-1, values.shape[-1] if kind == "gather_nd" and values.dtype.kind == "i" else 1)
    return np.random.default_rng(seed).permutation(units).reshape(values.shape)
