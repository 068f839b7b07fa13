import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from coremltools.proto import Model_pb2

from autodetect.coreml.interpreter import Interpreter, UnknownOperationError, read_program
from autodetect.coreml.interpreter.program import ImageFeature, Ref, Value, ValueType
from autodetect.errors import CorruptError, UsageError
from tests.coreml.interpreter.packages import (
    IOS16,
    IOS18,
    LABELS,
    SIDE,
    classifier,
    ct,
    mb,
    of_constant,
    program,
    written,
)

SPEC = "Data/com.apple.CoreML/model.mlmodel"
WEIGHTS = "Data/com.apple.CoreML/weights/weight.bin"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    package = tmp_path_factory.mktemp("made") / "made.mlpackage"
    classifier().save(str(package))
    return package


@pytest.fixture
def package(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "copy.mlpackage")


def edited(package: Path, change) -> Path:
    """Change the specification in place."""
    spec = Model_pb2.Model()
    spec.ParseFromString((package / SPEC).read_bytes())
    change(spec)
    (package / SPEC).write_bytes(spec.SerializeToString())
    return package


def block_of(spec):
    function = spec.mlProgram.functions["main"]
    return function.block_specializations[function.opset]


def first(spec, kind: str, where=lambda _: True):
    return next(operation for operation in block_of(spec).operations if operation.type == kind and where(operation))


def in_file(operation) -> bool:
    return operation.attributes["val"].WhichOneof("value") == "blobFileValue"


def test_a_classifier_is_read(made: Path) -> None:
    read = read_program(made)
    assert read.inputs == (Value("image", ValueType("fp32", (1, 3, SIDE, SIDE))),)
    assert read.images == (ImageFeature("image", SIDE, SIDE, "RGB"),)
    assert read.labels == tuple(LABELS)
    assert read.outputs == ("classLabel", "classLabel_probs")
    assert read.opset == "CoreML6"
    assert read.source == str(made)
    assert sum(read.counts.values()) == len(read.operations) + len(read.constants)
    assert read.counts["conv"] == 2
    conv = next(operation for operation in read.operations if operation.kind == "conv")
    (weight,) = conv.inputs["weight"]
    assert isinstance(weight, np.ndarray)
    assert (weight.dtype, weight.shape) == (np.float16, (16, 3, 3, 3))
    assert conv.inputs["x"] == (Ref("image_to_fp16"),)
    assert conv.inputs["pad_type"] == ("same",)
    concat = next(operation for operation in read.operations if operation.kind == "concat")
    assert len(concat.inputs["values"]) == 2


CONSTANTS = {
    "a number of float32": np.float32(1.5),
    "a number of float16": np.float16(-0.1),
    "a number of int32": np.int32(-7),
    "few of float16": np.array([1, 2.5, -3], np.float16),
    "many of float16": np.linspace(-1, 1, 24, dtype=np.float16).reshape(2, 3, 4),
    "few of float32": np.array([[1e-30], [3e30]], np.float32),
    "many of float32": np.linspace(-1, 1, 24, dtype=np.float32).reshape(4, 6),
    "few of int32": np.array([-1, 2**31 - 1], np.int32),
    "many of int32": np.arange(-12, 12, dtype=np.int32),
}


@pytest.mark.parametrize("name", CONSTANTS)
@pytest.mark.parametrize("target", [IOS16, IOS18], ids=["iOS16", "iOS18"])
def test_a_constant_comes_back_as_it_was_written(name: str, target, tmp_path: Path) -> None:
    value = CONSTANTS[name]
    read = read_program(of_constant(value, tmp_path / "held.mlpackage", target=target))
    found = read.constants["held"]
    assert isinstance(found, np.ndarray)
    assert (found.dtype, found.shape) == (value.dtype, value.shape)
    np.testing.assert_array_equal(found, value)


def test_what_is_not_a_package_is_told(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for wrong in (tmp_path / "photos", tmp_path / "nothing"):
        with pytest.raises(UsageError, match=f"{wrong.name} is no Core ML package"):
            read_program(wrong)


def test_a_model_of_another_kind_is_told(package: Path) -> None:
    edited(package, lambda spec: spec.neuralNetwork.layers.add())
    with pytest.raises(UsageError, match="of kind neuralNetwork, not an ML Program\n  -> convert it"):
        read_program(package)


def test_labels_may_be_numbers(tmp_path: Path) -> None:
    @program(mb.TensorSpec((1, 3)))
    def shares(x):
        return mb.softmax(x=x, axis=-1, name="shares")

    written(shares, tmp_path / "numbered.mlpackage", classifier_config=ct.ClassifierConfig([30, 10, 20]))
    interpreter = Interpreter(tmp_path / "numbered.mlpackage")
    assert interpreter.labels == ("30", "10", "20")
    found = interpreter.run({"x": np.array([[0, 1, 0], [0, 1, 2.0]])})
    (label, shares) = (found[name] for name in interpreter.program.outputs)
    assert label.tolist() == [10, 20]
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)


def damage(name: str):
    return lambda function: DAMAGES.append(pytest.param(function, id=name)) or function


DAMAGES: list = []


@damage("manifest cut")
def _(package):
    text = (package / "Manifest.json").read_text()
    (package / "Manifest.json").write_text(text[: len(text) // 2])
    return "the manifest of .*copy.mlpackage cannot be read"


@damage("manifest without its root")
def _(package):
    (package / "Manifest.json").write_text(json.dumps({"itemInfoEntries": {}, "rootModelIdentifier": "x"}))
    return "the manifest of .*copy.mlpackage cannot be read"


@damage("manifest that points elsewhere")
def _(package):
    manifest = json.loads((package / "Manifest.json").read_text())
    manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"] = "../../other"
    (package / "Manifest.json").write_text(json.dumps(manifest))
    return "names a file outside of itself: ../../other"


@damage("specification missing")
def _(package):
    (package / SPEC).unlink()
    return "the specification of .*copy.mlpackage, model.mlmodel, cannot be read"


@damage("specification cut")
def _(package):
    content = (package / SPEC).read_bytes()
    (package / SPEC).write_bytes(content[:-7])
    return "model.mlmodel, cannot be read"


@damage("weights missing")
def _(package):
    (package / WEIGHTS).unlink()
    return "weight.bin cannot be read"


@damage("weights cut")
def _(package):
    content = (package / WEIGHTS).read_bytes()
    (package / WEIGHTS).write_bytes(content[: len(content) // 2])
    return "weight '.*' of .*copy.mlpackage.*weight.bin: the record at byte"


@damage("weights elsewhere")
def _(package):
    def change(spec):
        first(spec, "const", in_file).attributes["val"].blobFileValue.fileName = "@model_path/../../../other.bin"

    edited(package, change)
    return "names a file outside of itself"


@damage("offset of another record")
def _(package):
    def change(spec):
        first(spec, "const", in_file).attributes["val"].blobFileValue.offset += 64

    edited(package, change)
    return "weight '.*' of .*: the record at byte .* does not begin as a record does"


@damage("shape of a weight")
def _(package):
    def change(spec):
        first(spec, "const", in_file).attributes["val"].type.tensorType.dimensions[0].constant.size += 1

    edited(package, change)
    return "weight '.*' of .*: the record at byte .* bytes of data"


@damage("result's type is not the value's")
def _(package):
    def change(spec):
        first(spec, "const", in_file).outputs[0].type.tensorType.dimensions[0].constant.size += 1

    edited(package, change)
    return "constant '.*' is declared fp16 .* and has shape"


@damage("number declared a text")
def _(package):
    def change(spec):
        constant = first(spec, "const", lambda one: one.attributes["val"].immediateValue.tensor.HasField("ints"))
        constant.attributes["val"].type.tensorType.dataType = 2

    edited(package, change)
    return "constant '.*': it holds ints and declares texts"


@damage("one number too many")
def _(package):
    def change(spec):
        constant = first(spec, "const", lambda one: one.attributes["val"].immediateValue.tensor.HasField("ints"))
        constant.attributes["val"].immediateValue.tensor.ints.values.append(3)

    edited(package, change)
    return "constant '.*': it has .* elements, its type int32"


@damage("argument that nothing gives")
def _(package):
    def change(spec):
        first(spec, "relu").inputs["x"].arguments[0].name = "nowhere"

    edited(package, change)
    return "the arguments of '.*': they name 'nowhere', which nothing gives"


@damage("output that nothing gives")
def _(package):
    edited(package, lambda spec: block_of(spec).outputs.append("nowhere"))
    return "the program's outputs: they name 'nowhere'"


@damage("value given twice")
def _(package):
    edited(package, lambda spec: block_of(spec).operations.append(first(spec, "relu")))
    return "'.*' is given twice"


@damage("constant given twice")
def _(package):
    edited(package, lambda spec: block_of(spec).operations.append(first(spec, "const")))
    return "'.*' is given twice"


@damage("label too many")
def _(package):
    def change(spec):
        labels = first(spec, "classify").inputs["classes"].arguments[0].value.immediateValue.list.values
        labels.append(labels[0])

    edited(package, change)
    return "its classification has 6 labels for probabilities \\[1, 5\\]"


@damage("classification without classes")
def _(package):
    edited(package, lambda spec: first(spec, "classify").inputs.pop("classes"))
    return "its classification has no constant classes"


@damage("parameter of a compressed weight without a value")
def _(package):
    def change(spec):
        constant = first(spec, "const", in_file)
        constant.type = "constexpr_cast"
        constant.inputs["source_val"].SetInParent()

    edited(package, change)
    return "constexpr_cast '.*': its source_val is no constant"


@damage("no main function")
def _(package):
    edited(package, lambda spec: spec.mlProgram.functions.pop("main"))
    return "has no main function"


@pytest.mark.parametrize("harm", DAMAGES)
def test_damage_is_told(harm, package: Path) -> None:
    words = harm(package)
    with pytest.raises(CorruptError, match=words):
        read_program(package)


def test_compressed_weights_of_an_unknown_kind_are_named(package: Path) -> None:
    def change(spec):
        first(spec, "const", in_file).type = "constexpr_of_tomorrow"

    with pytest.raises(UnknownOperationError, match=r"constexpr_of_tomorrow '.*'"):
        read_program(edited(package, change))
