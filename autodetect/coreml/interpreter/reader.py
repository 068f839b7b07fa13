"""From a saved package to a `Program`: what its files say, checked, constants decompressed."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autodetect.coreml.interpreter import values
from autodetect.coreml.interpreter.compressed import PREFIX, decompressed
from autodetect.coreml.interpreter.program import (
    Argument,
    Constant,
    DType,
    ImageFeature,
    Operation,
    Program,
    Ref,
    Value,
    ValueType,
)
from autodetect.coreml.interpreter.registry import UnknownOperationError
from autodetect.coreml.interpreter.weights import REMEDY, WeightFile
from autodetect.errors import CorruptError, UsageError

_MODEL_PATH = "@model_path"  # the folder of the specification, in names of weight files
_NAME = "name"
_CLASSIFY = "classify"


def read_program(package: Path) -> Program:
    """Return the ML Program of a `.mlpackage` folder.

    Raises:
        CorruptError: a file is missing, cut, or disagrees with another; the message names the package and the weight.
        UsageError: it is no package, or its model is no ML Program.
    """
    path = _specification(package)
    spec = _parsed(package, path)
    kind = spec.WhichOneof("Type")
    if kind != "mlProgram":
        raise UsageError(
            f"the model in {package} is of kind {kind}, not an ML Program",
            "convert it with convert_to='mlprogram' (iOS 15 or later)",
        )
    function = _main_function(package, spec)
    block = function.block_specializations[function.opset]
    reading = _Reading(package, path.parent, [_value(declared) for declared in function.inputs])
    for operation in block.operations:
        reading.read(operation)
    for name in block.outputs:
        reading.check(name, "the program's outputs")
    description = spec.description
    return Program(
        inputs=tuple(reading.inputs),
        images=tuple(_images(description.input)),
        outputs=tuple(block.outputs),
        operations=tuple(reading.operations),
        constants=reading.constants,
        compressed=reading.compressed,
        counts=dict(sorted(Counter(operation.type for operation in block.operations).items())),
        labels=reading.labels(),
        opset=function.opset,
        metadata=dict(sorted(description.metadata.userDefined.items())),
        source=str(package),
    )


class _Reading:
    """A block while it is read: what is known by the operation that comes next."""

    def __init__(self, package: Path, folder: Path, inputs: list[Value]) -> None:
        self.package, self.folder, self.inputs = package, folder, inputs
        self.operations: list[Operation] = []
        self.constants: dict[str, Constant] = {}
        self.compressed: dict[str, Operation] = {}
        self._types: dict[str, ValueType] = {}
        self._declare(inputs)
        self._files: dict[str, WeightFile] = {}

    def read(self, operation: Any) -> None:
        """Take one operation in: a constant, or one that is left for later."""
        outputs = tuple(_value(declared) for declared in operation.outputs)
        name = _text(operation.attributes.get(_NAME)) or (outputs[0].name if outputs else operation.type)
        if operation.type == "const":
            found = self._value(operation.attributes["val"], outputs[0].name if outputs else name)
            self._keep(outputs, (found,), name)
            return
        inputs = {key: self._arguments(argument, name, key) for key, argument in operation.inputs.items()}
        for key, attribute in operation.attributes.items():
            if key != _NAME and key not in inputs:
                inputs[key] = (self._value(attribute, f"{name}.{key}"),)
        read = Operation(operation.type, name, dict(sorted(inputs.items())), outputs)
        if operation.type.startswith(PREFIX):
            self._decompress(read)
        else:
            self._declare(outputs)
            self.operations.append(read)

    def labels(self) -> tuple[str, ...]:
        """Return the labels of the program's `classify`, which must be as many as its probabilities."""
        for operation in self.operations:
            if operation.kind == _CLASSIFY:
                classes, shares = operation.inputs.get("classes", ()), operation.inputs.get("probabilities", ())
                if (
                    len(classes) != 1
                    or isinstance(classes[0], Ref)
                    or len(shares) != 1
                    or not isinstance(shares[0], Ref)
                ):
                    raise self._corrupt("its classification has no constant classes, or no probabilities")
                labels = tuple(str(label) for label in np.asarray(classes[0]).reshape(-1))
                shape = self._types[shares[0].name].shape
                if not shape or shape[-1] != len(labels):
                    raise self._corrupt(f"its classification has {len(labels)} labels for probabilities {list(shape)}")
                return labels
        return ()

    def check(self, name: str, user: str) -> None:
        """Raise where nothing gives the value that is used."""
        if name not in self._types and name not in self.constants:
            raise self._corrupt(f"{user}: they name '{name}', which nothing gives")

    def _declare(self, computed: Iterable[Value]) -> None:
        """Note values that are computed; each has a name of its own."""
        for value in computed:
            if value.name in self._types or value.name in self.constants:
                raise self._corrupt(f"'{value.name}' is given twice")
            self._types[value.name] = value.type

    def _decompress(self, operation: Operation) -> None:
        given: dict[str, Constant] = {}
        for key, arguments in operation.inputs.items():
            if len(arguments) != 1 or isinstance(arguments[0], Ref):
                raise self._corrupt(f"{operation.kind} '{operation.name}': its {key} is no constant")
            given[key] = arguments[0]
        try:
            found = decompressed(operation.kind, given)
        except ValueError as error:
            raise self._corrupt(f"{operation.kind} '{operation.name}': {error}") from error
        if found is None:
            raise UnknownOperationError(
                f"{self.package} holds compressed weights of a kind that the interpreter does not know: "
                f"{operation.kind} '{operation.name}'",
                "compress the model in another way, or not at all",
            )
        self._keep(operation.outputs, found, operation.name)
        self.compressed.update((value.name, operation) for value in operation.outputs)

    def _keep(self, outputs: tuple[Value, ...], found: tuple[Constant, ...], name: str) -> None:
        """Keep constants that are as declared."""
        if len(outputs) != len(found):
            raise self._corrupt(f"constant '{name}' declares {len(outputs)} results, there are {len(found)}")
        for value, constant in zip(outputs, found, strict=True):
            if difference := _difference(value, constant):
                raise self._corrupt(f"constant '{value.name}' {difference}")
            if value.name in self._types or value.name in self.constants:
                raise self._corrupt(f"'{value.name}' is given twice")
            self.constants[value.name] = constant

    def _arguments(self, argument: Any, operation: str, key: str) -> tuple[Argument, ...]:
        return tuple(self._argument(binding, operation, key) for binding in argument.arguments)

    def _argument(self, binding: Any, operation: str, key: str) -> Argument:
        if binding.WhichOneof("binding") == "value":
            return self._value(binding.value, f"{operation}.{key}")
        self.check(binding.name, f"the arguments of '{operation}'")
        return self.constants[binding.name] if binding.name in self.constants else Ref(binding.name)

    def _value(self, value: Any, name: str) -> Constant:
        try:
            return values.constant(value, self._from_file(name))
        except ValueError as error:
            raise self._corrupt(f"constant '{name}': {error}") from error

    def _from_file(self, weight: str) -> values.FileReader:
        def read(file: str, offset: int, dtype: DType, shape: tuple[int, ...]) -> npt.NDArray[Any]:
            if file not in self._files:
                self._files[file] = WeightFile(_inside(self.package, self.folder, file.removeprefix(f"{_MODEL_PATH}/")))
            return self._files[file].array(offset, dtype, shape, weight=weight)

        return read

    def _corrupt(self, what: str) -> CorruptError:
        return CorruptError(f"the Core ML package {self.package} is damaged: {what}", REMEDY)


def _specification(package: Path) -> Path:
    """Return the specification's file, as the manifest names it."""
    if not (package / "Manifest.json").is_file():
        raise UsageError(f"{package} is no Core ML package: it has no Manifest.json", "name a .mlpackage folder")
    try:
        manifest = json.loads((package / "Manifest.json").read_text("utf-8"))
        item = manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"]
        return _inside(package, package / "Data", str(item))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptError(f"the manifest of {package} cannot be read: {error}", REMEDY) from error


def _inside(package: Path, folder: Path, name: str) -> Path:
    """Return a file that a package names; one outside of it is refused."""
    path = folder / name
    if not path.resolve().is_relative_to(package.resolve()):
        raise CorruptError(f"the Core ML package {package} names a file outside of itself: {name}", REMEDY)
    return path


def _parsed(package: Path, path: Path) -> Any:
    from coremltools.proto import Model_pb2
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships no types

    spec = Model_pb2.Model()
    try:
        spec.ParseFromString(path.read_bytes())
    except (OSError, DecodeError) as error:
        raise CorruptError(f"the specification of {package}, {path.name}, cannot be read: {error}", REMEDY) from error
    return spec


def _main_function(package: Path, spec: Any) -> Any:
    functions: Mapping[str, Any] = spec.mlProgram.functions
    name = "main" if "main" in functions else spec.description.defaultFunctionName
    if name not in functions or functions[name].opset not in functions[name].block_specializations:
        raise CorruptError(f"the ML Program in {package} has no main function", REMEDY)
    return functions[name]


def _value(declared: Any) -> Value:
    return Value(declared.name, values.type_of(declared.type))


def _text(attribute: Any) -> str:
    texts = attribute.immediateValue.tensor.strings.values if attribute is not None else ()
    return str(texts[0]) if texts else ""


def _difference(value: Value, constant: Constant) -> str:
    """Return in words how a constant differs from what is declared of it; '' where it does not."""
    declared = value.type
    if declared.dtype == "other":  # a list of texts or numbers
        return ""
    if declared.dtype == "string":
        fits = isinstance(constant, str) or constant.dtype.kind == "U"
        return "" if fits else f"is declared {declared} and holds numbers"
    if isinstance(constant, str):
        return f"is declared {declared} and holds a text"
    if declared.dtype == "dictionary" or constant.dtype != values.in_memory(declared.dtype):
        return f"is declared {declared} and holds {constant.dtype}"
    if len(declared.shape) != constant.ndim or any(
        axis not in {None, length} for axis, length in zip(declared.shape, constant.shape, strict=True)
    ):
        return f"is declared {declared} and has shape {constant.shape}"
    return ""


def _images(features: Any) -> Iterator[ImageFeature]:
    for feature in features:
        if feature.type.WhichOneof("Type") == "imageType":
            image = feature.type.imageType
            yield ImageFeature(feature.name, image.width, image.height, image.ColorSpace.Name(image.colorSpace))
