"""A saved Core ML package, evaluated as a phone would, anywhere."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from autodetect.coreml.interpreter.graph import Graph
from autodetect.coreml.interpreter.images import pixels
from autodetect.coreml.interpreter.nodes import CLASSIFY, agree, check_known, element, leads_with_rows
from autodetect.coreml.interpreter.program import Operation, Ref, Value, ValueType
from autodetect.coreml.interpreter.reader import read_program
from autodetect.coreml.interpreter.rowwise import Rows
from autodetect.coreml.interpreter.stepwise import Stepwise
from autodetect.errors import UsageError
from autodetect.openvino_library import usable_cores

Precision = Literal["fp32", "fp16"]
Array = npt.NDArray[Any]

_ACCEPTED = {"f32": "fiu", "i32": "iu", "boolean": "b"}  # kinds of NumPy types that an input may come in
_ARRAYS = {"f32": np.float32, "i32": np.int32, "boolean": np.bool_}


class _Executor(Protocol):
    def evaluate(self, rows: Rows, names: Sequence[str]) -> dict[str, Array]: ...


class Interpreter:
    """Evaluates the ML Program of a package with the CPU kernels of OpenVINO.

    With precision `fp32` every value is float32, whatever type the program declares; with `fp16` the result of each
    operation is rounded to float16 where the program declares it so, sums within an operation being float32. Weights
    are as stored in both. The same call gives the same bits, however many threads there are. Several threads may call;
    they wait for each other.

    Attributes:
        program: what was read.
        labels: of the `classify` operation, in order of the probabilities; empty where there is none.
    """

    def __init__(self, package: Path, *, precision: Precision = "fp32", batch_size: int = 8, threads: int = 0) -> None:
        """Read a package; the first evaluation compiles it.

        Args:
            package: the `.mlpackage` folder.
            precision: what results are rounded to.
            batch_size: rows that `fp32` evaluates at once in one request; with 1, which rows are evaluated together
                changes no bit.
            threads: 0 is one per core that the process may use.

        Raises:
            CorruptError: the package is damaged.
            UnknownOperationError: the program holds operations that the interpreter does not know; all are named.
            UsageError: it is no package of an ML Program, or OpenVINO is missing.
        """
        self.program = read_program(package)
        self.labels = self.program.labels
        check_known(self.program)
        threads = threads or usable_cores()
        self._executor: _Executor = (
            Stepwise(self.program, threads=threads)
            if precision == "fp16"
            else Graph(self.program, batch_size=max(1, batch_size), threads=threads)
        )
        self._turn = Lock()
        self._types = {value.name: value for value in self.program.inputs}
        for operation in self.program.operations:
            self._types.update((value.name, value) for value in operation.outputs)
        self._classify = next((one for one in self.program.operations if one.kind == CLASSIFY), None)
        outputs = self._classify.outputs if self._classify else ()
        self._chosen = frozenset(value.name for value in outputs if value.type.dtype != "dictionary")

    def predict(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the probability of each label for each image.

        Args:
            images: uint8 (n, height, width, 3), RGB, whatever colour layout the package declares.

        Returns:
            float32 (n, labels), in the order of `labels`.

        Raises:
            UsageError: the program is no classifier of one image, or the images have another size.
        """
        if self._classify is None or len(self.program.images) != 1 or len(self.program.inputs) != 1:
            raise UsageError(f"{self.program.source} is no classifier of images", "evaluate it by `run`")
        (image,) = self.program.images
        name = self._probabilities(self._classify)
        if not len(images):
            pixels(images, image, source=self.program.source)
            return np.empty((0, len(self.labels)), np.float32)
        found = self._evaluate({image.name: pixels(images, image, source=self.program.source)}, [name])
        return found[name].reshape(len(images), len(self.labels)).astype(np.float32, copy=False)

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return the program's outputs by name, evaluated for as many rows as the inputs have.

        Args:
            inputs: arrays by name, shaped as the program declares them (an image as (n, channels, height, width),
                0..255, in the layout that it declares), with n rows where the program says 1.

        Returns:
            Outputs with a leading axis of n. The label that a classifier predicts is an array of n texts (or numbers),
            its dictionary of probabilities float32 (n, labels).

        Raises:
            UsageError: an input is missing, unknown, or has another type or shape.
        """
        return self.values(inputs, self.program.outputs)

    def values(self, inputs: Mapping[str, Array], names: Sequence[str]) -> dict[str, Array]:
        """Return values of the program by their MIL name, such as the result of an operation in its middle.

        Args:
            inputs: as for `run`.
            names: of inputs, results, outputs or constants.

        Raises:
            UsageError: there is no such value, or an input is wrong.
        """
        for name in names:
            if name not in self._types and name not in self.program.constants:
                raise UsageError(*self._no_value(name))
        chosen = self._chosen.intersection(names)
        wanted = [name for name in names if name in self._types and name not in chosen]
        if chosen and self._classify is not None:
            wanted.append(self._probabilities(self._classify))
        found = self._evaluate(inputs, list(dict.fromkeys(wanted)))
        return {name: self._answer(name, found, chosen) for name in names}

    def _answer(self, name: str, found: Mapping[str, Array], chosen: frozenset[str]) -> Array:
        if name in self.program.constants:
            return np.asarray(self.program.constants[name])
        if name not in chosen:
            return found[name]
        assert self._classify is not None, "only a classification chooses"
        probabilities = found[self._probabilities(self._classify)]
        labels = np.array(self.labels)
        if self._types[name].type.dtype != "string":
            labels = labels.astype(np.int64)
        return labels[probabilities.reshape(-1, len(self.labels)).argmax(axis=1)]

    def _probabilities(self, classify: Operation) -> str:
        (argument,) = classify.inputs["probabilities"]
        assert isinstance(argument, Ref), "a classification of constants is folded away"
        return argument.name

    def _evaluate(self, inputs: Mapping[str, Array], names: list[str]) -> dict[str, Array]:
        rows = self._rows(inputs)
        with self._turn:
            return self._executor.evaluate(rows, names) if names else {}

    def _rows(self, inputs: Mapping[str, Array]) -> Rows:
        """Return inputs as graphs take them, checked."""
        expected = {value.name: value for value in self.program.inputs}
        if set(inputs) != set(expected):
            raise UsageError(
                f"{self.program.source} takes {_listed(expected)}; given are {_listed(inputs)}",
                "give every input by its name",
            )
        by_rows = frozenset(name for name, value in expected.items() if leads_with_rows(value))
        counts = {len(inputs[name]) if np.ndim(inputs[name]) else 0 for name in by_rows}
        checked = {name: self._checked(value, np.asarray(inputs[name])) for name, value in expected.items()}
        if len(counts) > 1 or 0 in counts:
            shapes = ", ".join(f"{name} {checked[name].shape}" for name in sorted(by_rows))
            raise UsageError(
                f"inputs of {self.program.source} have no common number of rows: {shapes}", "give as many of each"
            )
        return Rows(counts.pop() if counts else 1, checked, by_rows)

    def _checked(self, value: Value, given: Array) -> Array:
        kind = element(value.type.dtype)
        by_rows = leads_with_rows(value)
        declared = (None, *value.type.shape[1:]) if by_rows else value.type.shape
        if given.dtype.kind not in _ACCEPTED[kind] or not agree(declared, given.shape):
            raise UsageError(
                f"input '{value.name}' of {self.program.source} is {ValueType(value.type.dtype, declared)}; "
                f"given is {given.dtype} {given.shape}",
                "give it as the program declares it" + (", with as many rows as you like" if by_rows else ""),
            )
        return np.ascontiguousarray(given, _ARRAYS[kind])

    def _no_value(self, name: str) -> tuple[str, str]:
        there = [*self._types, *self.program.constants]
        near = difflib.get_close_matches(name, there, n=5, cutoff=0.4)
        return (
            f"{self.program.source} has no value '{name}'",
            f"there are such as {', '.join(near or there[:5])}",
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names)) or "nothing"
