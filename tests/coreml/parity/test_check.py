"""A sound package passes, on photos of any kind and for networks of any wiring; what differs fails without a raise."""

import io
import re
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from autodetect.coreml.interpreter import read_program
from autodetect.coreml.parity.check import check_parity
from autodetect.coreml.parity.pictures import generated_pictures
from autodetect.coreml.parity.reference import Reference, answers, carrying, paired
from autodetect.coreml.parity.weighted import weighted
from autodetect.embeddings.geometry import to_input
from autodetect.errors import CorruptError
from tests.coreml.parity.models import LABELS, SIZE, Model, settle
from tests.coreml.parity.test_damage import converted
from tests.photos.drawn import DRAWN, drawn


@pytest.mark.parametrize("variant", ["fp16", "int8", "palette6"])
def test_sound_packages_pass(packages, model, pictures, variant):
    found = check_parity(packages[variant], model.reference, pictures, rounded_photos=8)
    assert found.passed, found.words
    assert (found.how, found.photos, found.rounded_photos) == ("interpreted (Linux)", len(pictures), 8)
    assert found.largest_difference < 1e-4
    assert found.agreement == 1
    assert 0 < found.numeric_error < 0.05
    assert found.decided > len(pictures) / 2
    assert found.worst_weight
    assert 0.5 < found.worst_weight_error <= 1


def flat(*levels):
    return np.stack([np.full((SIZE, SIZE, 3), level, np.uint8) for level in levels])


def drawings():
    opened = (Image.open(io.BytesIO(drawn(kind, seed))) for kind in DRAWN for seed in range(2))
    return np.stack([to_input(image, SIZE) for image in opened])


@pytest.mark.parametrize(
    "photos",
    [
        flat(0, 255, 128, 1, 254),
        np.random.default_rng(0).integers(256, size=(6, SIZE, SIZE, 3), dtype=np.uint8),
        drawings(),
        generated_pictures(1, SIZE),
    ],
    ids=["flat", "noise", "drawn", "one"],
)
def test_photos_of_any_kind_pass(packages, model, photos):
    found = check_parity(packages["fp16"], model.reference, photos, rounded_photos=4)
    assert found.passed, found.words
    assert found.photos == len(photos)


def wired():
    """A network with a depthwise convolution, a sum, a concatenation, twins that could change places, and biases."""
    layers = keras.layers
    pixels = keras.Input((SIZE, SIZE, 3), name="pixels")
    x = layers.Conv2D(8, 3, strides=4, padding="same", name="stem")(pixels)
    x = layers.ReLU()(layers.BatchNormalization(name="stem_norm")(x))
    deep = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, name="depthwise")(x)
    deep = layers.ReLU()(layers.BatchNormalization(name="depthwise_norm")(deep))
    deep = layers.Conv2D(8, 1, use_bias=False, name="pointwise")(deep)
    deep = layers.BatchNormalization(name="pointwise_norm")(deep)
    twins = [layers.Conv2D(8, 1, name=f"twin{number}")(x) for number in range(2)]
    total = layers.Add()([deep, *twins])
    joined = layers.Concatenate()([layers.MaxPooling2D(2)(total), layers.AveragePooling2D(2)(x)])
    wide = layers.Conv2D(24, 3, strides=2, activation="relu", name="wide")(joined)
    return keras.Model(pixels, layers.GlobalAveragePooling2D()(wide), name="backbone")


def head_of(dimension):
    return keras.Sequential(
        [
            keras.Input((dimension,)),
            keras.layers.Dense(16, activation="relu", name="hidden"),
            keras.layers.Dense(len(LABELS), name="logits"),
            keras.layers.Softmax(),
        ]
    )


def test_networks_of_other_wiring_are_followed(tmp_path, pictures):
    from autodetect.embeddings.geometry import scale

    rng = np.random.default_rng(4)
    network, head = wired(), head_of(24)
    settle(network, scale(pictures), rng)
    head.set_weights([rng.normal(0, 0.5, weights.shape) for weights in head.get_weights()])
    reference = Reference(network, head, LABELS)
    package = converted(tmp_path / "wired.mlpackage", network, head)
    found = check_parity(package, reference, pictures, rounded_photos=4)
    assert found.passed, found.words
    program = read_program(package)
    names = {layer.place.name: operation.place.name for layer, operation in paired(reference, weighted(program))}
    assert len(set(names.values())) == len(names) == 8
    for name in ("twin0", "twin1", "wide"):
        assert name in names[name]


def test_a_layer_that_cannot_be_followed_fails_by_name(packages, model, pictures):
    pixels = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.BatchNormalization(name="lonely")(keras.layers.ReLU()(pixels))
    odd = keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(x))
    found = check_parity(packages["fp16"], Reference(odd, model.reference.head, LABELS), pictures[:2])
    assert not found.passed
    assert "the batch norm lonely stands behind no convolution" in found.words


def test_a_model_that_cannot_decide_passes_and_is_told(tmp_path, model, pictures):
    head = keras.models.clone_model(model.alive)
    head.set_weights([np.zeros_like(weights) for weights in head.get_weights()])
    level = Model(model.network, head, head)
    package = level.export(tmp_path / "level.mlpackage")
    found = check_parity(package, level.reference, pictures[:4], rounded_photos=2)
    assert found.passed, found.words
    assert (found.decided, found.agreement) == (0, 1.0)
    assert "none is decided" in found.words


def test_a_model_too_large_for_the_arithmetic_of_a_phone_fails(tmp_path, model, pictures):
    loud = keras.models.clone_model(model.network)
    loud.set_weights(model.network.get_weights())
    loud.get_layer("norm1").beta.assign(np.full(32, 30_000.0))
    shouting = Model(loud, model.head, model.alive)
    package = shouting.export(tmp_path / "loud.mlpackage")
    found = check_parity(package, shouting.reference, pictures[:4], rounded_photos=2)
    assert not found.passed
    assert re.search(r"range of float16: \w+ \(conv\), .* no finite numbers", found.words), found.words
    assert found.largest_difference <= 0.002


def test_keras_carrying_the_weights_of_another_package_answers_as_that_package(packages, model, pictures):
    reference = model.reference
    both = {}
    for variant in ("fp16", "palette6"):
        pairs = paired(reference, weighted(read_program(packages[variant])))
        both[variant] = answers(carrying(reference, pairs), pictures)
    exact = np.asarray(reference.head.predict(reference.backbone.predict(pictures / 127.5 - 1.0, verbose=0), verbose=0))
    near, far = (np.abs(both[variant] - exact).max() for variant in ("fp16", "palette6"))
    assert 0 < near < 0.01 < far


def test_the_reference_keeps_its_own_weights(packages, model, pictures):
    before = [np.array(weights) for weights in model.network.get_weights()]
    check_parity(packages["palette6"], model.reference, pictures[:2], rounded_photos=1)
    for old, new in zip(before, model.network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_wrong_size_and_other_classes_fail_in_words(packages, model, pictures):
    reference = model.reference
    fewer = Reference(reference.backbone, reference.head, LABELS[:-1])
    assert "12 labels, the model 11 outputs" in check_parity(packages["fp16"], fewer, pictures[:2]).words


def test_what_is_no_package_cannot_be_read(model, pictures, packages, tmp_path):
    with pytest.raises(CorruptError):
        check_parity(tmp_path / "none.mlpackage", model.reference, pictures[:1])
    empty = shutil.copytree(packages["fp16"], tmp_path / "empty.mlpackage")
    (empty / "Data/com.apple.CoreML/model.mlmodel").write_bytes(b"")
    with pytest.raises(CorruptError):
        check_parity(empty, model.reference, pictures[:1])
