import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from coremltools.proto import FeatureTypes_pb2

from autodetect.coreml.interpreter import Interpreter, UnknownOperationError
from autodetect.errors import UsageError
from tests.coreml.interpreter.packages import LABELS, SIDE, classifier, ct, images, mb, network, program, types, written
from tests.coreml.interpreter.test_reader import edited, first

ROUNDING = 2.0**-11  # of float16, relative


@pytest.fixture(scope="module")
def half(tmp_path_factory) -> Path:
    package = tmp_path_factory.mktemp("half") / "half.mlpackage"
    classifier().save(str(package))
    return package


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> Path:
    package = tmp_path_factory.mktemp("full") / "full.mlpackage"
    classifier(half=False).save(str(package))
    return package


def expected(pictures: np.ndarray) -> np.ndarray:
    return network(tf.constant(pictures.astype(np.float32) / 127.5 - 1)).numpy()


def test_a_classifier_answers_as_tensorflow_does(full: Path, half: Path) -> None:
    pictures = images(5)
    found = Interpreter(full).predict(pictures)
    assert (found.dtype, found.shape) == (np.float32, (5, len(LABELS)))
    np.testing.assert_allclose(found, expected(pictures), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(Interpreter(half).predict(pictures), expected(pictures), rtol=0, atol=5e-3)


def test_labels_are_in_the_order_of_the_probabilities(full: Path) -> None:
    interpreter = Interpreter(full)
    assert interpreter.labels == tuple(LABELS)
    pictures = images(4)
    tensors = pictures.transpose(0, 3, 1, 2).astype(np.float32)
    outputs = interpreter.run({"image": tensors})
    assert list(outputs) == ["classLabel", "classLabel_probs"]
    np.testing.assert_array_equal(outputs["classLabel_probs"], interpreter.predict(pictures))
    assert outputs["classLabel"].tolist() == [LABELS[best] for best in expected(pictures).argmax(axis=1)]


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_rows_together_give_what_they_give_alone(half: Path, precision: str) -> None:
    pictures = images(13)
    interpreter = Interpreter(half, precision=precision, batch_size=4, threads=2)
    alone = np.concatenate([interpreter.predict(pictures[row : row + 1]) for row in range(len(pictures))])
    for count in (2, 4, 8, 13):
        np.testing.assert_allclose(interpreter.predict(pictures[:count]), alone[:count], rtol=0, atol=1e-6)
    assert interpreter.predict(pictures[:0]).shape == (0, len(LABELS))


@pytest.mark.parametrize("settings", [{"precision": "fp32", "batch_size": 1}, {"precision": "fp16"}], ids=str)
def test_one_row_at_a_time_gives_the_same_bits_on_any_number_of_threads(half: Path, settings) -> None:
    pictures = images(7)
    found = [Interpreter(half, threads=threads, **settings).predict(pictures) for threads in (1, 2, 3)]
    alone = Interpreter(half, threads=2, **settings)
    found.append(np.concatenate([alone.predict(pictures[row : row + 1]) for row in range(len(pictures))]))
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


def test_the_same_call_gives_the_same_bits(half: Path) -> None:
    pictures = images(21)
    interpreter = Interpreter(half, batch_size=4)
    np.testing.assert_array_equal(interpreter.predict(pictures), interpreter.predict(pictures))
    np.testing.assert_array_equal(interpreter.predict(pictures), Interpreter(half, batch_size=4).predict(pictures))


def test_images_reach_a_program_in_the_layout_that_it_declares(tmp_path: Path, full: Path) -> None:
    pictures = images(3)
    classifier(half=False, layout="BGR").save(str(tmp_path / "bgr.mlpackage"))
    # The same network, told that its first channel is blue: fed RGB it sees the channels the other way round.
    np.testing.assert_allclose(
        Interpreter(tmp_path / "bgr.mlpackage").predict(pictures), expected(pictures[..., ::-1]), rtol=1e-5, atol=1e-6
    )
    classifier(half=False, layout="GRAYSCALE").save(str(tmp_path / "grey.mlpackage"))
    grey = np.rint(pictures @ np.array([0.299, 0.587, 0.114]))[..., None].repeat(3, axis=-1)
    np.testing.assert_allclose(
        Interpreter(tmp_path / "grey.mlpackage").predict(pictures), expected(grey), rtol=1e-5, atol=1e-6
    )
    swapped = shutil.copytree(full, tmp_path / "swapped.mlpackage")
    bgr = FeatureTypes_pb2.ImageFeatureType.ColorSpace.Value("BGR")
    edited(swapped, lambda spec: setattr(spec.description.input[0].type.imageType, "colorSpace", bgr))
    np.testing.assert_allclose(
        Interpreter(swapped).predict(pictures), expected(pictures[..., ::-1]), rtol=1e-5, atol=1e-6
    )


def test_values_in_the_middle_are_those_of_the_program(full: Path) -> None:
    interpreter = Interpreter(full)
    pictures = images(3)
    tensors = {"image": pictures.transpose(0, 3, 1, 2).astype(np.float32)}
    conv = next(one for one in interpreter.program.operations if one.kind == "conv")
    relu = next(one for one in interpreter.program.operations if one.kind == "relu")
    (weight,) = conv.inputs["weight"]
    names = ["image", conv.outputs[0].name, relu.outputs[0].name]
    found = interpreter.values(tensors, names)
    assert list(found) == names
    np.testing.assert_array_equal(found["image"], tensors["image"])
    scaled = pictures.astype(np.float32) / 127.5 - 1
    convolved = tf.nn.conv2d(scaled, np.transpose(weight, (2, 3, 1, 0)), 2, "SAME").numpy().transpose(0, 3, 1, 2)
    np.testing.assert_allclose(found[names[1]], convolved, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found[names[2]], np.maximum(convolved, 0), rtol=1e-4, atol=1e-5)
    by_name = {name: value for name, value in interpreter.program.constants.items() if value is weight}
    assert interpreter.values(tensors, list(by_name))[next(iter(by_name))] is weight


@program(mb.TensorSpec((1, 6)))
def half_arithmetic(x):
    held = mb.cast(x=x, dtype="fp16", name="held")
    square = mb.mul(x=held, y=held, name="square")
    tripled = mb.mul(x=square, y=np.float16(3), name="tripled")
    cut = mb.relu(x=mb.sub(x=tripled, y=np.float16(1), name="less"), name="cut")
    back = mb.cast(x=cut, dtype="fp32", name="back")
    return mb.mul(x=back, y=np.float32(1.0001), name="full")


def test_rounding_is_that_of_float16_where_the_program_declares_it(tmp_path: Path) -> None:
    package = written(half_arithmetic, tmp_path / "half.mlpackage", compute_precision=ct.precision.FLOAT32)
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(40, 6)), [[300.0, -300, 1e-4, -1e-4, 0, 2**-13]]]).astype(np.float32)
    names = ["held", "square", "tripled", "less", "cut", "full"]
    found = Interpreter(package, precision="fp16").values({"x": x}, names)
    with np.errstate(over="ignore"):
        held = x.astype(np.float16)
        square = held * held  # NumPy's float16: computed in float32, rounded once
        tripled = square * np.float16(3)
        less = tripled - np.float16(1)
        cut = np.maximum(less, 0)
        full = cut.astype(np.float32) * np.float32(1.0001)
    for name, value in zip(names, [held, square, tripled, less, cut, full], strict=True):
        np.testing.assert_array_equal(found[name], value.astype(np.float32), err_msg=name)
    assert np.isinf(found["square"]).any()
    assert (found["square"][found["square"] > 0] < 2.0**-14).any()  # subnormal
    exact = Interpreter(package).run({"x": x})["full"]
    np.testing.assert_allclose(exact, np.maximum(x.astype(np.float64) ** 2 * 3 - 1, 0) * 1.0001, rtol=1e-5, atol=1e-6)
    # Whether the values in between are wanted, and so what is fused, changes nothing.
    np.testing.assert_array_equal(Interpreter(package, precision="fp16").run({"x": x})["full"], full)


def test_rounded_results_of_a_classifier_are_near_and_rounded(half: Path) -> None:
    pictures, tensors = images(6), {"image": images(6).transpose(0, 3, 1, 2).astype(np.float32)}
    rounded = Interpreter(half, precision="fp16")
    np.testing.assert_allclose(rounded.predict(pictures), Interpreter(half).predict(pictures), rtol=0, atol=2e-2)
    halves = [
        value.name
        for operation in rounded.program.operations
        for value in operation.outputs
        if value.type.dtype == "fp16"
    ]
    assert len(halves) > 5
    for name, value in rounded.values(tensors, halves).items():
        np.testing.assert_array_equal(value, value.astype(np.float16), err_msg=name)
    assert not np.array_equal(rounded.predict(pictures), Interpreter(half).predict(pictures))


@program(mb.TensorSpec((1, 4)), mb.TensorSpec((1, 3, 4)), mb.TensorSpec((4,)))
def several(a, b, shared):
    total = mb.add(x=a, y=shared, name="total")
    product = mb.matmul(x=b, y=np.eye(4, dtype=np.float32) * 2, name="product")
    return total, mb.reduce_max(x=product, axes=[-1], keep_dims=False, name="peak"), mb.identity(x=a, name="same")


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("count", [1, 2, 9])
def test_a_program_with_several_inputs_and_outputs(tmp_path: Path, precision: str, count: int) -> None:
    interpreter = Interpreter(written(several, tmp_path / "several.mlpackage"), precision=precision, batch_size=2)
    assert interpreter.labels == ()
    rng = np.random.default_rng(0)
    a, b, shared = (rng.integers(-9, 9, shape).astype(np.float32) for shape in ((count, 4), (count, 3, 4), (4,)))
    found = interpreter.run({"a": a, "b": b, "shared": shared})
    assert sorted(found) == sorted(interpreter.program.outputs)
    by_shape = {value.shape: value for value in found.values()}
    assert set(by_shape) == {(count, 4), (count, 3)}
    np.testing.assert_array_equal(by_shape[count, 3], b.max(axis=-1) * 2)
    assert {value.tobytes() for value in found.values()} == {
        a.tobytes(),
        (a + shared).tobytes(),
        (b.max(axis=-1) * 2).tobytes(),
    }
    with pytest.raises(UsageError, match="is no classifier of images\n  -> evaluate it by `run`"):
        interpreter.predict(images(1))


def mixing_rows(name: str):
    return lambda function: MIXING.append(pytest.param(function, id=name)) or function


MIXING: list = []


@mixing_rows("sum over the leading axis")
def _(x):
    return mb.reduce_sum(x=x, axes=[0, 1], keep_dims=True), lambda row: row.sum(axis=(0, 1), keepdims=True)


@mixing_rows("softmax over the leading axis")
def _(x):
    return mb.softmax(x=x, axis=0), np.ones_like


@mixing_rows("joined along the leading axis")
def _(x):
    return mb.concat(values=[x, mb.mul(x=x, y=np.float32(2))], axis=0), lambda row: np.concatenate([row, 2 * row])


@mixing_rows("leading axis moved")
def _(x):
    return mb.transpose(x=x, perm=[1, 0, 2]), lambda row: row.transpose(1, 0, 2)


@mixing_rows("leading axis merged")
def _(x):
    return mb.reshape(x=x, shape=[12]), lambda row: row.reshape(12)


@mixing_rows("leading axis dropped")
def _(x):
    return mb.squeeze(x=x, axes=[0]), lambda row: row[0]


@mixing_rows("broadcast over the leading axis")
def _(x):
    return mb.add(x=x, y=np.ones((2, 1, 1), np.float32)), lambda row: row + np.ones((2, 1, 1), np.float32)


@mixing_rows("the shape itself")
def _(x):
    return mb.shape(x=x), lambda row: np.array(row.shape, np.int32)


@pytest.mark.parametrize("body", MIXING)
def test_rows_stay_apart_where_a_program_mixes_its_leading_axis(body, tmp_path: Path) -> None:
    formulas = []

    @program(mb.TensorSpec((1, 3, 4)))
    def made(x):
        result, formula = body(mb.mul(x=x, y=np.float32(1)))
        formulas.append(formula)
        return result

    interpreter = Interpreter(written(made, tmp_path / "mixing.mlpackage"), batch_size=3, threads=2)
    x = np.random.default_rng(0).integers(-9, 9, (8, 3, 4)).astype(np.float32)
    (found,) = interpreter.run({"x": x}).values()
    each = [formulas[-1](x[row : row + 1]) for row in range(8)]
    together = np.concatenate(each) if each[0].shape[:1] == (1,) else np.stack(each)
    np.testing.assert_array_equal(found, together)
    (single,) = interpreter.run({"x": x[:1]}).values()
    np.testing.assert_array_equal(single, each[0])


def test_integers_and_truths_go_in_and_out(tmp_path: Path) -> None:
    @program(mb.TensorSpec((1, 3), dtype=types.int32), mb.TensorSpec((1, 3)))
    def made(n, x):
        return mb.add(x=n, y=np.int32(5), name="more"), mb.cast(x=mb.greater(x=x, y=np.float32(0)), dtype="int32")

    interpreter = Interpreter(written(made, tmp_path / "integers.mlpackage"))
    n = np.array([[1, -2, 2**31 - 6]] * 3, np.int64)
    x = np.array([[1.0, -1, 0]] * 3)
    found = interpreter.run({"n": n, "x": x})
    assert found["more"].dtype == np.int32
    np.testing.assert_array_equal(found["more"], n + 5)
    (truth,) = (value for name, value in found.items() if name != "more")
    np.testing.assert_array_equal(truth, [[1, 0, 0]] * 3)
    with pytest.raises(UsageError, match=r"input 'n' .* is int32 \(\?, 3\); given is float64"):
        interpreter.run({"n": n.astype(float), "x": x})


def test_inputs_of_any_length_are_taken_as_they_come(tmp_path: Path) -> None:
    signature = [tf.TensorSpec((1, None, 3), tf.float32, name="x")]

    @tf.function(input_signature=signature)
    def made(x):
        return tf.reduce_max(tf.nn.relu(x), axis=1)

    model = ct.convert(
        [made.get_concrete_function()],
        source="tensorflow",
        convert_to="mlprogram",
        minimum_deployment_target=ct.target.iOS16,
        inputs=[ct.TensorType(name="x", shape=(1, ct.RangeDim(1, 50, default=5), 3))],
        skip_model_load=True,
    )
    model.save(str(tmp_path / "any.mlpackage"))
    interpreter = Interpreter(tmp_path / "any.mlpackage")
    for length in (2, 7):
        x = np.random.default_rng(length).normal(size=(3, length, 3)).astype(np.float32)
        (found,) = interpreter.run({"x": x}).values()
        np.testing.assert_allclose(found, np.maximum(x.max(axis=1), 0), rtol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (np.zeros((2, SIDE, SIDE, 3), np.float32), f"takes images of uint8 \\(n, {SIDE}, {SIDE}, 3\\), RGB; .*float32"),
        (np.zeros((2, 5, SIDE, 3), np.uint8), "these are uint8 \\(2, 5, 12, 3\\)"),
        (np.zeros((SIDE, SIDE, 3), np.uint8), "these are uint8 \\(12, 12, 3\\)"),
        (np.zeros((0, 5, SIDE, 3), np.uint8), "these are uint8"),
    ],
)
def test_images_that_do_not_fit_are_told(half: Path, wrong, words) -> None:
    with pytest.raises(UsageError, match=words):
        Interpreter(half).predict(wrong)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, "takes 'a', 'b', 'shared'; given are nothing"),
        ({"a": (1, 4), "b": (1, 3, 4), "shared": (4,), "more": (1,)}, "given are 'a', 'b', 'more', 'shared'"),
        (
            {"a": (1, 5), "b": (1, 3, 4), "shared": (4,)},
            "input 'a' .* is fp32 \\(\\?, 4\\); given is float64 \\(1, 5\\)",
        ),
        ({"a": (4,), "b": (1, 3, 4), "shared": (4,)}, "given is float64 \\(4,\\)"),
        ({"a": (1, 4), "b": (1, 3, 4), "shared": (1, 4)}, "input 'shared' .* is fp32 \\(4,\\); .*\\(1, 4\\)"),
        ({"a": (2, 4), "b": (3, 3, 4), "shared": (4,)}, "no common number of rows: a \\(2, 4\\), b \\(3, 3, 4\\)"),
        ({"a": (0, 4), "b": (0, 3, 4), "shared": (4,)}, "no common number of rows"),
    ],
)
def test_inputs_that_do_not_fit_are_told(tmp_path: Path, inputs, words) -> None:
    interpreter = Interpreter(written(several, tmp_path / "several.mlpackage"))
    with pytest.raises(UsageError, match=words):
        interpreter.run({name: np.zeros(shape) for name, shape in inputs.items()})


def test_a_value_that_is_not_there_is_told_with_near_ones(half: Path) -> None:
    interpreter = Interpreter(half)
    with pytest.raises(UsageError, match="has no value 'image_to_fp61'\n  -> there are such as image_to_fp16"):
        interpreter.values({"image": np.zeros((1, 3, SIDE, SIDE))}, ["image_to_fp61"])


def test_all_unknown_operations_are_named_at_once(half: Path, tmp_path: Path) -> None:
    package = shutil.copytree(half, tmp_path / "unknown.mlpackage")

    def change(spec):
        first(spec, "relu").type = "warp_drive"
        first(spec, "relu").type = "warp_drive"
        first(spec, "conv").type = "teleport"

    with pytest.raises(UnknownOperationError) as told:
        Interpreter(edited(package, change))
    assert "unknown.mlpackage" in told.value.what
    names = [operation.name for operation in Interpreter(half).program.operations if operation.kind in {"conv", "relu"}]
    assert f"teleport ('{names[0]}')" in told.value.what
    assert told.value.what.count("'") == 6
    assert "warp_drive (" in told.value.what
    assert told.value.remedy


def test_an_unknown_use_of_a_known_operation_is_named(half: Path, tmp_path: Path) -> None:
    package = shutil.copytree(half, tmp_path / "odd.mlpackage")

    def change(spec):
        kind = first(spec, "conv").inputs["pad_type"].arguments[0].name
        constant = first(spec, "const", lambda one: one.outputs[0].name == kind)
        constant.attributes["val"].immediateValue.tensor.strings.values[0] = "mirrored"

    interpreter = Interpreter(edited(package, change))
    for precision in ("fp32", "fp16"):
        interpreter = Interpreter(package, precision=precision)
        with pytest.raises(UnknownOperationError, match=r"odd.mlpackage: .* this use of conv, '.*': .*mirrored"):
            interpreter.predict(images(1))


@pytest.mark.parametrize(
    ("parameter", "value"), [("groups", 0), ("groups", 7), ("dilations", 0), ("dilations", -1), ("strides", 0)]
)
def test_parameters_that_make_no_sense_are_told_with_their_operation(half: Path, tmp_path, parameter, value) -> None:
    package = shutil.copytree(half, tmp_path / "senseless.mlpackage")

    def change(spec):
        name = first(spec, "conv").inputs[parameter].arguments[0].name
        constant = first(spec, "const", lambda one: one.outputs[0].name == name)
        constant.attributes["val"].immediateValue.tensor.ints.values[0] = value

    edited(package, change)
    for precision in ("fp32", "fp16"):
        with pytest.raises(UnknownOperationError, match=r"senseless.mlpackage: .* this use of conv, '.*': "):
            Interpreter(package, precision=precision).predict(images(1))


def test_a_result_that_is_not_as_declared_is_told(half: Path, tmp_path: Path) -> None:
    package = shutil.copytree(half, tmp_path / "contradicting.mlpackage")

    def change(spec):
        first(spec, "conv").outputs[0].type.tensorType.dimensions[1].constant.size = 99

    with pytest.raises(UnknownOperationError, match="it gives \\[1, 16, 6, 6\\], and declares fp16 \\(1, 99, 6, 6\\)"):
        Interpreter(edited(package, change)).predict(images(1))
