"""A Core ML package as files: the same model gives the same bytes, and a damaged package is told as such.

A package is a folder: `Manifest.json`, which names its items by identifiers, `Data/com.apple.CoreML/model.mlmodel`
(the specification, a protobuf message) and `Data/com.apple.CoreML/weights/weight.bin`. Converters draw the identifiers
at random and stamp the date of conversion; `normalise` replaces both.
"""

import hashlib
import json
import re
import struct
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from typing import Any

from autodetect.errors import CorruptError
from autodetect.lake.archives import sha256_file, zip_folder
from autodetect.records import Record

_SPEC = Path("Data/com.apple.CoreML/model.mlmodel")
_WEIGHTS = Path("Data/com.apple.CoreML/weights/weight.bin")
_CONVERSION_DATE = "com.github.apple.coremltools.conversion_date"
VARIANT = "variant"  # in the metadata: how the weights are stored
_REMEDY = "export the model again, or fetch the package again from its release"

_NUMBERED = re.compile(r"const_\d+")

# weight.bin: every blob begins with a 64-byte header: magic, data type, size and offset of the data.
_BLOB_HEADER = struct.Struct("<IIQQ")
_BLOB_MAGIC = 0xDEADBEEF


class ImageInput(Record):
    """The image a model takes, pixels; `scale` and `bias` (per channel) are what it does to them first."""

    name: str
    width: int
    height: int
    color_space: str
    scale: float
    bias: tuple[float, float, float]


class PackageFacts(Record):
    """What a package says of itself.

    `labels` are in the order of the outputs; `probabilities` and `predicted` name the outputs that hold the share per
    label and the best label; `metadata` is the user-defined part; `operations` counts the kinds of operation in the
    program; `size` is in bytes, all files together.
    """

    image: ImageInput
    labels: tuple[str, ...]
    predicted: str
    probabilities: str
    description: str
    author: str
    licence: str
    version: str
    metadata: dict[str, str]
    specification_version: int
    operations: dict[str, int]
    size: int


def normalise(package: Path) -> None:
    """Rewrite what differs between two conversions of one model: identifiers, date, order of map entries, numbers.

    Identifiers become UUIDs made from the digest of the item they name. Constants without a name of their own are
    numbered over all that a process ever converted; they are numbered anew, from 0.

    Raises:
        CorruptError: the package is damaged.
    """
    spec = _load_spec(package)
    spec.description.metadata.userDefined.pop(_CONVERSION_DATE, None)
    for function in spec.mlProgram.functions.values():
        for block in function.block_specializations.values():
            _number_constants(block)
    (package / _SPEC).write_bytes(spec.SerializeToString(deterministic=True))
    manifest = _manifest(package)
    renamed = {old: _identifier(package / "Data" / item["path"]) for old, item in manifest["itemInfoEntries"].items()}
    manifest["itemInfoEntries"] = {renamed[old]: item for old, item in manifest["itemInfoEntries"].items()}
    manifest["rootModelIdentifier"] = renamed[manifest["rootModelIdentifier"]]
    (package / "Manifest.json").write_text(json.dumps(manifest, indent=4, sort_keys=True) + "\n", "utf-8")


def write(model: Any, package: Path) -> None:
    """Save a model (`coremltools.models.MLModel`) as `package`, normalised, in place of what is there.

    Raises:
        CorruptError: what was saved cannot be read.
    """
    package.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=package.parent, prefix=".converting-") as folder:
        written = Path(folder) / package.name
        model.save(str(written))
        normalise(written)
        if package.exists():
            rmtree(package)
        written.rename(package)


def size_of(package: Path) -> int:
    """Return how many bytes the package's files have together."""
    return sum(path.stat().st_size for path in package.rglob("*") if path.is_file())


def zip_package(package: Path, target: Path) -> str:
    """Pack the package into `target` under its own name; return the SHA-256 (hex) of the archive."""
    return zip_folder(package, target, f"{package.name}/")


def inspect(package: Path) -> PackageFacts:
    """Return what the package says of itself, after checking that its parts are whole.

    Raises:
        CorruptError: a part is missing, cannot be read, or is not what `convert` writes.
    """
    spec = _load_spec(package)
    try:
        block = _main_block(spec)
        _check_weights(package / _WEIGHTS, block)
        image, description = spec.description.input[0], spec.description
        scale, bias = _pixel_arithmetic(block, image.name)
        color_space = image.type.imageType.ColorSpace.Name(image.type.imageType.colorSpace)
        return PackageFacts(
            image=ImageInput(
                name=image.name,
                width=image.type.imageType.width,
                height=image.type.imageType.height,
                color_space=color_space,
                scale=scale,
                bias=bias,
            ),
            labels=_labels(block),
            predicted=description.predictedFeatureName,
            probabilities=description.predictedProbabilitiesName,
            description=description.metadata.shortDescription,
            author=description.metadata.author,
            licence=description.metadata.license,
            version=description.metadata.versionString,
            metadata=dict(sorted(description.metadata.userDefined.items())),
            specification_version=spec.specificationVersion,
            operations=dict(sorted(Counter(operation.type for operation in block.operations).items())),
            size=size_of(package),
        )
    except (IndexError, KeyError, struct.error, ValueError, OSError) as error:
        raise CorruptError(f"the Core ML package {package} is damaged: {error}", _REMEDY) from error


def _load_spec(package: Path) -> Any:
    """Return the protobuf specification by coremltools' own loader."""
    import coremltools as ct
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships no types

    try:
        return ct.utils.load_spec(str(package))
    except (RuntimeError, OSError, ValueError, DecodeError) as error:
        raise CorruptError(f"the Core ML package {package} cannot be read: {error}", _REMEDY) from error


def _manifest(package: Path) -> dict[str, Any]:
    try:
        return json.loads((package / "Manifest.json").read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CorruptError(f"the manifest of {package} cannot be read: {error}", _REMEDY) from error


def _identifier(item: Path) -> str:
    digest = hashlib.sha256()
    for path in [item] if item.is_file() else sorted(item.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(item.parent).as_posix()} {sha256_file(path)}\n".encode())
    return str(uuid.uuid5(uuid.NAMESPACE_OID, digest.hexdigest())).upper()


def _number_constants(block: Any) -> None:
    """Number the constants that the converter named `const_<n>`, in their order."""
    found = [name for name in _constants(block) if _NUMBERED.fullmatch(name)]
    numbered = {name: f"const_{number}" for number, name in enumerate(found)}
    for operation in block.operations:
        for result in operation.outputs:
            result.name = numbered.get(result.name, result.name)
        for given in operation.inputs.values():
            for argument in given.arguments:
                if argument.name in numbered:
                    argument.name = numbered[argument.name]
        if "name" in operation.attributes:
            texts = operation.attributes["name"].immediateValue.tensor.strings.values
            texts[:] = [numbered.get(text, text) for text in texts]


def _main_block(spec: Any) -> Any:
    function = spec.mlProgram.functions.get("main")
    if function is None or function.opset not in function.block_specializations:
        raise ValueError("it holds no ML Program")
    return function.block_specializations[function.opset]


def _constants(block: Any) -> dict[str, Any]:
    """Return the values of the program's constants by name."""
    return {op.outputs[0].name: op.attributes["val"] for op in block.operations if op.type == "const"}


def _check_weights(path: Path, block: Any) -> None:
    """Check that every blob that the program refers to lies in the weight file, whole."""
    size = path.stat().st_size
    with path.open("rb") as file:
        for offset in _blob_offsets(block):
            file.seek(offset)
            magic, _, length, start = _BLOB_HEADER.unpack(file.read(_BLOB_HEADER.size))
            if magic != _BLOB_MAGIC or start + length > size:
                raise ValueError(f"the weights at byte {offset} of {path.name} are cut or overwritten")


def _blob_offsets(block: Any) -> Iterator[int]:
    for operation in block.operations:
        for value in operation.attributes.values():
            if value.WhichOneof("value") == "blobFileValue":
                yield value.blobFileValue.offset


def _pixel_arithmetic(block: Any, image: str) -> tuple[float, tuple[float, float, float]]:
    """Return scale and bias of the program's first two steps: `image` * scale + bias, channel by channel."""
    scaled, scale = _applied(block, "mul", image)
    _, bias = _applied(block, "add", scaled)
    red, green, blue = bias * 3 if len(bias) == 1 else bias
    return scale[0], (red, green, blue)


def _applied(block: Any, kind: str, operand: str) -> tuple[str, list[float]]:
    """Return the result's name and the constant of the operation of this kind on `operand`."""
    for operation in block.operations:
        if operation.type == kind and operation.inputs["x"].arguments[0].name == operand:
            constant = _constants(block)[operation.inputs["y"].arguments[0].name]
            return operation.outputs[0].name, list(constant.immediateValue.tensor.floats.values)
    raise ValueError(f"the program does not begin with pixel scale and bias ('{kind}' of '{operand}' is missing)")


def _labels(block: Any) -> tuple[str, ...]:
    for operation in block.operations:
        if operation.type == "classify":
            labels = operation.inputs["classes"].arguments[0].value
            return tuple(label.immediateValue.tensor.strings.values[0] for label in labels.immediateValue.list.values)
    raise ValueError("the program ends in no classification")
