"""A whole program as one graph of the kernel library, in float32, for several rows at once."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy.typing as npt

from autodetect.coreml.interpreter.nodes import Nodes, Shape, build
from autodetect.coreml.interpreter.program import Program
from autodetect.coreml.interpreter.rowwise import Joined, Rows
from autodetect.errors import UsageError
from autodetect.openvino_library import load_openvino

Array = npt.NDArray[Any]

_KEPT = 3  # compiled graphs; each holds the weights in the layout of its kernels


class Compiled:
    """A graph compiled for the CPU: what the names stand for, for `rows` rows at once, in `streams` requests at once.

    Attributes:
        rows: how many rows a request has.
        streams: how many requests run at once, each on threads of its own.
    """

    def __init__(self, nodes: Nodes, names: Sequence[str], *, streams: int, threads: int, source: str) -> None:
        """Compile.

        Args:
            nodes: of the program.
            names: the values wanted; each is a tensor.
            streams: requests at once.
            threads: how many to use.
            source: the package, for errors.

        Raises:
            UsageError: the kernel library cannot evaluate it.
        """
        openvino = load_openvino()
        self.rows, self.streams, self._names = nodes.rows, streams, tuple(names)
        self._places = list(nodes.parameters)
        self._by_rows = nodes.by_rows
        model = openvino.Model([nodes.values[name] for name in names], list(nodes.parameters.values()))
        compiled = compile_model(model, streams=streams, threads=threads, what=source)
        self._requests = openvino.AsyncInferQueue(compiled, streams)

    def evaluate(self, rows: Rows, start: int, end: int, into: Joined) -> None:
        """Evaluate the rows from `start` to `end`; the last request is filled up with copies of its last row."""

        def keep(request: Any, at: slice) -> None:
            for place, name in enumerate(self._names):
                into.keep(name, request.get_output_tensor(place).data, at, by_rows=name in self._by_rows)

        self._requests.set_callback(keep)
        for first in range(start, end, self.rows):
            at = slice(first, min(first + self.rows, end))
            self._requests.start_async(dict(enumerate(rows.part(at, self.rows, self._places))), at)
        self._requests.wait_all()


class Graph:
    """Evaluates a program whole; compiles what it needs when it needs it.

    Rows go in requests of `batch_size`, as many at once as there are threads; rows too few for that go one by one, each
    on all threads. So do all rows of a program whose operations do not keep rows apart.
    """

    def __init__(self, program: Program, *, batch_size: int, threads: int) -> None:
        """Compile nothing yet.

        Args:
            program: of known operations.
            batch_size: rows per request.
            threads: how many to use.
        """
        self._program, self._batch_size, self._threads = program, batch_size, threads
        self._compiled: dict[Any, Compiled | None] = {}

    def evaluate(self, rows: Rows, names: Sequence[str]) -> dict[str, Array]:
        """Return values by name, all rows of each.

        Raises:
            UnknownOperationError: an operation is used in a way that the interpreter does not know.
        """
        joined = Joined(rows.count)
        done = 0
        if self._threads > 1 or self._batch_size > 1:
            for size in (self._batch_size, 1):
                together = size * self._threads
                if rows.count < together:
                    continue
                compiled = self._ready(rows.shapes, names, size, self._threads)
                if compiled is not None:
                    done = rows.count // together * together
                    compiled.evaluate(rows, 0, done, joined)
                    break
        if done < rows.count:
            single = self._ready(rows.shapes, names, 1, 1)
            assert single is not None, "one row is always apart"
            single.evaluate(rows, done, rows.count, joined)
        return {name: joined.value(name) for name in names}

    def _ready(self, shapes: Mapping[str, Shape], names: Sequence[str], rows: int, streams: int) -> Compiled | None:
        """Return the graph for requests of so many rows, None where rows are not apart."""
        key = (tuple(sorted(shapes.items())), tuple(names), rows, streams)
        if key in self._compiled:
            self._compiled[key] = self._compiled.pop(key)  # the one used last is the last to go
        else:
            nodes = build(self._program, shapes, rows)
            made = (
                None
                if nodes is None
                else Compiled(nodes, names, streams=streams, threads=self._threads, source=self._program.source)
            )
            while len(self._compiled) >= _KEPT:
                del self._compiled[next(iter(self._compiled))]
            self._compiled[key] = made
        return self._compiled[key]


def compile_model(model: Any, *, streams: int, threads: int, what: str) -> Any:
    """Compile a model for the CPU, in float32.

    Args:
        model: an OpenVINO model.
        streams: requests at once; 0 has each run on the thread that asks.
        threads: how many to use.
        what: the package or operation that it stands for, for errors.

    Raises:
        UsageError: the kernel library cannot evaluate it.
    """
    openvino = load_openvino()
    try:
        return _compiled(openvino, model, streams, threads)
    except RuntimeError as error:
        words = " ".join(str(error).split())
        raise UsageError(f"{what} cannot be compiled for this machine: {words}", "evaluate it elsewhere") from error


def _compiled(openvino: Any, model: Any, streams: int, threads: int) -> Any:
    return _core().compile_model(
        model,
        "CPU",
        {
            openvino.properties.hint.inference_precision: openvino.Type.f32,
            openvino.properties.num_streams: streams,
            openvino.properties.inference_num_threads: threads,
            # Several processes may evaluate at once: pinned threads would all sit on the same cores.
            openvino.properties.hint.enable_cpu_pinning: False,
        },
    )


@cache
def _core() -> Any:
    return load_openvino().Core()
