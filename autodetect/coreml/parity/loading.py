"""Whether a phone would load a package at all, and find its input and its outputs by the names that an app uses.

Whoever evaluates the program alone sees none of this: the description beside it may name outputs that the program does
not give, and the manifest may leave the weights behind.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_DATA = Path("Data")
_SPEC_FOLDER = Path("com.apple.CoreML")
_MODEL_PATH = "@model_path"  # the folder of the specification, in names of weight files
_KINDS = {"stringType": "a text", "dictionaryType": "a dictionary"}
# What coremltools' reader of programs stumbles over.
_STUMBLES = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError, RuntimeError)


def loading_faults(package: Path) -> Iterator[str]:
    """Yield what keeps Core ML from loading an image classifier or an app from using it; nothing where all is well.

    Args:
        package: a `.mlpackage` folder whose specification and weights can be read, its program in a function `main`.
    """
    import coremltools as ct

    spec = ct.utils.load_spec(str(package))
    function = spec.mlProgram.functions["main"]
    block = function.block_specializations[function.opset]
    yield from _version_faults(spec.specificationVersion, function.opset)
    yield from _manifest_faults(package, block)
    yield from _description_faults(spec.description, function, block)
    yield from _program_faults(package, spec)


def _version_faults(version: int, opset: str) -> Iterator[str]:
    """Yield what is wrong with the version that says which systems load the package: that of CoreML6 is 7."""
    number = opset.removeprefix("CoreML")
    if not number.isdigit() or version <= int(number):
        yield f"its specification version, {version}, does not have the operations of {opset}"


def _manifest_faults(package: Path, block: Any) -> Iterator[str]:
    """Yield the weight files that no item of the manifest holds: a package is copied item by item."""
    manifest = json.loads((package / "Manifest.json").read_text("utf-8"))
    items = [Path(item["path"]) for item in manifest["itemInfoEntries"].values()]
    for name in sorted({*_weight_files(block)}):
        file = _SPEC_FOLDER / name.removeprefix(f"{_MODEL_PATH}/")
        if not any(file.is_relative_to(item) for item in items):
            yield f"its manifest leaves out {file}"


def _weight_files(block: Any) -> Iterator[str]:
    for operation in block.operations:
        for value in operation.attributes.values():
            if value.WhichOneof("value") == "blobFileValue":
                yield value.blobFileValue.fileName


def _description_faults(description: Any, function: Any, block: Any) -> Iterator[str]:
    """Yield where the description, which an app goes by, and the program do not say the same."""
    for what, told, given in (
        ("inputs", description.input, [value.name for value in function.inputs]),
        ("outputs", description.output, list(block.outputs)),
    ):
        names = [feature.name for feature in told]
        if sorted(names) != sorted(given):
            yield f"it describes the {what} {_listed(names)}, its program has {_listed(given)}"
    kinds = {feature.name: feature.type.WhichOneof("Type") for feature in description.output}
    for what, name, kind in (
        ("first answer", description.predictedFeatureName, "stringType"),
        ("probabilities", description.predictedProbabilitiesName, "dictionaryType"),
    ):
        if kinds.get(name) != kind:
            yield f"'{name}', which it names for the {what}, is no output that is {_KINDS[kind]}"


def _program_faults(package: Path, spec: Any) -> Iterator[str]:
    """Yield what coremltools' own reader finds where it infers the type of every result anew."""
    from coremltools.converters.mil.frontend.milproto.load import load

    try:
        load(spec, spec.specificationVersion, str(package / _DATA / _SPEC_FOLDER / "weights"))
    except _STUMBLES as error:
        words = " ".join(str(error).split()) or type(error).__name__
        yield f"coremltools does not read its program: {words}"


def _listed(names: list[str]) -> str:
    return ", ".join(sorted(names)) or "none"
