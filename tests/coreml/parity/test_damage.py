"""Every kind of damage to a package is found, and told in words that say what is wrong."""

import re
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autodetect.coreml.interpreter import read_program
from autodetect.coreml.parity import audit
from autodetect.coreml.parity.check import check_parity
from autodetect.coreml.parity.reference import paired
from autodetect.coreml.parity.weighted import weighted
from autodetect.embeddings.architectures import tiny
from autodetect.errors import CorruptError
from tests.coreml.parity.files import Files
from tests.coreml.parity.models import LABELS, SIZE, TEMPERATURE


@pytest.fixture
def copy(packages, tmp_path) -> Path:
    return shutil.copytree(packages["fp16"], tmp_path / "copy.mlpackage")


def checked(package, model, pictures):
    return check_parity(package, model.reference, pictures[:8], rounded_photos=2)


def shifted(files):
    where = files.kernel(1)
    files.weights[where] = files.weights[where][-2:] + files.weights[where][:-2]


def shifted_by_a_byte(files):
    where = files.kernel(1)
    files.weights[where] = files.weights[where][-1:] + files.weights[where][:-1]


def blue_first(files):
    files.spec.description.input[0].type.imageType.colorSpace = 30  # BGR


def channels_reversed(files):
    kernel = files.halves(files.kernel(0)).reshape(16, 3, 5, 5)
    kernel[:] = kernel[:, ::-1].copy()


def pixel_scale(files):
    files.constant(files.of_kind("mul")[0], "y").attributes["val"].immediateValue.tensor.floats.values[0] *= 127.5 / 255


def pixel_bias(files):
    floats = files.constant(files.of_kind("add")[0], "y").attributes["val"].immediateValue.tensor.floats
    floats.values[1] = -0.5


def bias_of_a_layer(files):
    files.halves(files.bias(2))[9] += np.float16(0.01)


def centring(files):
    constant = files.constant(files.of_kind("sub")[0], "y")
    files.halves(files.blob(constant))[13] += np.float16(0.002)


def labels_permuted(files):
    values = files.of_kind("classify")[0].inputs["classes"].arguments[0].value.immediateValue.list.values
    third, fourth = (values[output].immediateValue.tensor.strings.values for output in (3, 4))
    third[0], fourth[0] = fourth[0], third[0]


def label_renamed(files):
    values = files.of_kind("classify")[0].inputs["classes"].arguments[0].value.immediateValue.list.values
    values[7].immediateValue.tensor.strings.values[0] = "Another Car"


def another_activation(files):
    files.of_kind("relu")[1].type = "tanh"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (shifted, r"conv1, the batch norm norm1 folded in: 12,[\d,]+ of 12,800 values .*shifted by 1 values"),
        (shifted_by_a_byte, r"conv1, .*: 1\d,[\d,]+ of 12,800 values are farther from what they must be"),
        (blue_first, "takes its image as BGR, the model as RGB"),
        (channels_reversed, "conv0, .*its input channels seem to be reversed"),
        (pixel_scale, r"multiplies pixels by 0\.00392157, not by 0\.00784314"),
        (pixel_bias, "adds -1, -0.5, -1 to the channels, not -1"),
        (bias_of_a_layer, r"conv2, .*: 1 of 64 values .*a bias of plain floats may be, that at \[9\]"),
        (centring, r"centre: 1 of 64 values of \w+ are not what they must be, that at \[0, 13\]"),
        (labels_permuted, "2 labels are not those .*output 3 is 'Make Model 4', not 'Make Model 3'"),
        (label_renamed, "1 labels are not those .*output 7 is 'Another Car', not 'Make Model 7'"),
        (another_activation, "a probability differs by .* from Keras carrying the same weights"),
    ],
)
def test_damage_to_the_files_is_found_and_named(copy, model, pictures, damage, words):
    files = Files(copy)
    damage(files)
    files.save()
    found = checked(copy, model, pictures)
    assert not found.passed
    assert_words(words, found)


def test_of_two_kernels_that_changed_places_each_is_named(tmp_path, pictures):
    rng = np.random.default_rng(1)
    pixels = x = keras.Input((SIZE, SIZE, 3))
    for name in ("first", "second", "third"):
        x = keras.layers.Conv2D(8, 3, strides=2, activation="relu", name=name)(x)
    network = keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(x))
    embedding = keras.Input((8,))
    head = keras.Model(embedding, keras.layers.Softmax()(keras.layers.Dense(3, name="logits")(embedding)))
    for layer in (*network.layers, *head.layers):
        layer.set_weights([rng.normal(0, 0.4, weights.shape) for weights in layer.get_weights()])
    package = converted(tmp_path / "three.mlpackage", network, head)
    reference = reference_of(network, head)
    assert check_parity(package, reference, pictures[:8], rounded_photos=2).passed
    files = Files(package)
    second, third = files.kernel(1), files.kernel(2)
    files.weights[second], files.weights[third] = files.weights[third], files.weights[second]
    files.save()
    found = check_parity(package, reference, pictures[:8], rounded_photos=2)
    assert not found.passed
    assert "it seems to be that of third" in found.words
    assert "it seems to be that of second" in found.words


def converted(package, network, head):
    import coremltools as ct
    import tensorflow as tf

    from autodetect.coreml.package import normalise

    signature = [tf.TensorSpec((1, SIZE, SIZE, 3), tf.float32, name="image")]
    answer = tf.function(lambda image: head(network(image, training=False)), input_signature=signature)
    image = ct.ImageType(
        name="image", shape=(1, SIZE, SIZE, 3), scale=1 / 127.5, bias=[-1] * 3, color_layout=ct.colorlayout.RGB
    )
    ct.convert(
        [answer.get_concrete_function()],
        source="tensorflow",
        convert_to="mlprogram",
        minimum_deployment_target=ct.target.iOS16,
        inputs=[image],
        classifier_config=ct.ClassifierConfig(list(LABELS[: head.output_shape[-1]])),
        skip_model_load=True,
    ).save(str(package))
    normalise(package)
    return package


def reference_of(network, head):
    from autodetect.coreml.parity.reference import Reference

    return Reference(network, head, LABELS[: head.output_shape[-1]])


def test_a_rule_of_pooling_that_changed_is_found_in_a_model_that_is_hardly_sure_of_anything(tmp_path, pictures):
    rng = np.random.default_rng(1)
    pixels = x = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(x)
    x = keras.layers.AveragePooling2D(3, strides=1, padding="same")(x)
    network = keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(x))
    embedding = keras.Input((8,))
    head = keras.Model(embedding, keras.layers.Softmax()(keras.layers.Dense(3)(embedding)))
    for layer in network.layers:
        layer.set_weights([rng.normal(0, 0.4, weights.shape) for weights in layer.get_weights()])
    head.layers[1].set_weights([rng.normal(0, 0.02, (8, 3)), np.zeros(3)])
    package, reference = converted(tmp_path / "pool.mlpackage", network, head), reference_of(network, head)
    assert check_parity(package, reference, pictures[:8], rounded_photos=8).passed
    files = Files(package)
    excluded = files.constant(files.of_kind("avg_pool")[0], "exclude_padding_from_average").attributes["val"]
    excluded.immediateValue.tensor.bools.values[0] ^= True
    files.save()
    found = check_parity(package, reference, pictures[:8], rounded_photos=8)
    assert not found.passed
    assert 1e-4 < found.largest_difference < 0.002
    assert found.agreement == 1, "no first answer tells"


def folded_wrongly(network, *, epsilon=None, mean=True):
    """The network with its batch norms folded by a formula that leaves something out."""
    copy = tiny(SIZE)
    for layer in network.layers:
        copy.get_layer(layer.name).set_weights(layer.get_weights())
    for block in range(3):
        norm = copy.get_layer(f"norm{block}")
        offset, mu, variance = norm.get_weights()
        wrong = variance if epsilon is None else variance + epsilon - norm.epsilon
        norm.set_weights([offset, mu if mean else 0 * mu, wrong])
    return copy


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"epsilon": 0.0}, "norm0 folded in|norm1 folded in|norm2 folded in"),
        ({"epsilon": 0.01}, "each of its outputs seems to be scaled by another factor"),
        ({"mean": False}, "conv., the batch norm norm. folded in: .* a bias of plain floats"),
    ],
)
def test_a_batch_norm_that_was_folded_wrongly_is_found(tmp_path, model, pictures, how, words):
    package = model.export(tmp_path / "wrong.mlpackage", network=folded_wrongly(model.network, **how))
    found = checked(package, model, pictures)
    assert not found.passed
    assert_words(words, found)
    assert found.largest_difference <= 0.002, (
        "Keras carrying the same weights answers the same: only the audit can tell"
    )


@pytest.mark.parametrize(
    ("temperature", "factor"), [(1.0, TEMPERATURE), (TEMPERATURE**2, 1 / TEMPERATURE)], ids=["not folded", "twice"]
)
def test_a_temperature_that_is_not_folded_once_is_found(tmp_path, model, pictures, temperature, factor):
    package = model.export(tmp_path / "wrong.mlpackage", temperature=temperature)
    found = checked(package, model, pictures)
    assert not found.passed
    assert_words(f"logits: .*all of it seems to be {factor:.4g} times too large", found)


def test_a_silent_output_that_is_left_alive_is_found(tmp_path, model, pictures):
    package = model.export(tmp_path / "wrong.mlpackage", head=model.alive)
    found = checked(package, model, pictures)
    assert not found.passed
    assert_words(r"logits: 1 of 12 values .*that at \[5\] is .* for -10000", found)


def test_a_layer_more_or_less_is_named(tmp_path, model, pictures):
    linear = model.export(tmp_path / "linear.mlpackage", head=linear_head())
    found = checked(linear, model, pictures)
    assert not found.passed
    assert_words(r"nothing in the place of the layer hidden \(kernel 48 x 64\)", found)


def linear_head():
    from autodetect.classifier.head import build_head
    from autodetect.sections import ClassifierSettings

    rng = np.random.default_rng(0)
    return build_head(
        64,
        len(LABELS),
        mean=rng.random(64),
        variance=rng.random(64),
        settings=ClassifierSettings(),
        seed=1,
        kind="linear",
    )


def test_a_weight_file_that_is_cut_cannot_be_read(copy, model, pictures):
    path = copy / "Data/com.apple.CoreML/weights/weight.bin"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(CorruptError):
        checked(copy, model, pictures)


@pytest.fixture(scope="module")
def reference(model):
    return model.reference


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(layer=st.integers(0, 4), position=st.floats(0, 1, exclude_max=True), bit=st.integers(10, 14))
def test_a_bit_that_flips_in_an_exponent_is_found(copy, reference, packages, layer, position, bit):
    files = Files(packages["fp16"])
    bits = files.halves(files.kernel(layer)).view(np.uint16)
    at = int(position * len(bits))
    bits[at] ^= 1 << bit
    files._data = copy / "Data/com.apple.CoreML"
    files.save()
    findings = audit.audit(paired(reference, weighted(read_program(copy))))
    [found] = [each for each in findings if each.words]
    assert found.layer == ("conv0", "conv1", "conv2", "hidden", "logits")[layer]
    assert ": 1 of " in found.words


@pytest.mark.parametrize("variant", ["int8", "palette6"])
@pytest.mark.parametrize("part", ["indices", "table"])
def test_damage_to_a_compressed_kernel_is_found(packages, tmp_path, model, pictures, variant, part):
    package = shutil.copytree(packages[variant], tmp_path / "copy.mlpackage")
    files = Files(package)
    stored = files.constant(files.of_kind("conv")[1], "weight")
    names = {"int8": ("quantized_data", "scale"), "palette6": ("indices", "lut")}[variant]
    where = files.blob(stored, names[part == "table"])
    if part == "indices":
        files.weights[where] = files.weights[where][-1:] + files.weights[where][:-1]
    else:
        files.halves(where)[3] *= np.float16(1.5)
    files.save()
    found = checked(package, model, pictures)
    assert not found.passed
    assert_words("conv1, the batch norm norm1 folded in: ", found)


def assert_words(pattern, found):
    assert re.search(pattern, found.words), found.words
