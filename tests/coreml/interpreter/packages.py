"""Small packages made with coremltools, for tests to read back."""

import functools
from pathlib import Path
from typing import Any

import coremltools as ct
import numpy as np
import tensorflow as tf
from coremltools.converters.mil import Builder as mb  # noqa: N813  # as in its documentation
from coremltools.converters.mil.mil import types

IOS16, IOS18 = ct.target.iOS16, ct.target.iOS18
SIDE = 12
LABELS = ["ant", "bee", "cat", "dog", "eel"]


def written(program: Any, package: Path, *, target: Any = IOS16, **settings: Any) -> Path:
    """Save a MIL program, as it is, as a package."""
    model = ct.convert(
        program,
        convert_to="mlprogram",
        minimum_deployment_target=target,
        pass_pipeline=ct.PassPipeline.EMPTY,
        skip_model_load=True,
        **settings,
    )
    model.save(str(package))
    return package


def program(*specs: Any, target: Any = IOS16):
    """Decorate a function of `mb` operations into a program."""
    return mb.program(input_specs=list(specs), opset_version=target)


def of_constant(value: np.ndarray, package: Path, *, target: Any = IOS16) -> Path:
    """Save a program that gives a constant and what it is given."""

    @program(mb.TensorSpec((1, 2)), target=target)
    def held(x):
        return mb.identity(x=x, name="y"), mb.const(val=value, name="held")

    return written(held, package, target=target)


@functools.cache
def weights(*shape: int, seed: int = 0) -> np.ndarray:
    """Return random weights, the same for the same shape and seed; a third are 0, so that pruning has something."""
    rng = np.random.default_rng([seed, *shape])
    found = rng.normal(size=shape).astype(np.float32)
    found[rng.random(shape) < 1 / 3] = 0
    return found


def network(image: tf.Tensor) -> tf.Tensor:
    """Return shares of five labels for images in [-1, 1], (n, SIDE, SIDE, 3)."""
    x = tf.nn.relu(tf.nn.conv2d(image, weights(3, 3, 3, 16), 2, "SAME"))
    x = tf.nn.relu(tf.nn.conv2d(x, weights(3, 3, 16, 32) / 4, 1, "VALID") + weights(32))
    x = tf.concat([tf.nn.max_pool2d(x, 2, 2, "SAME"), tf.nn.avg_pool2d(x, 2, 2, "SAME")], axis=-1)
    return tf.nn.softmax(tf.reduce_mean(x, axis=[1, 2]) @ weights(64, len(LABELS)))


@functools.cache
def classifier(*, target: Any = IOS16, half: bool = True, layout: str = "RGB") -> Any:
    """Return `network` as a Core ML classifier of images."""
    signature = [tf.TensorSpec((1, SIDE, SIDE, 3 if layout != "GRAYSCALE" else 1), tf.float32, name="image")]

    @tf.function(input_signature=signature)
    def answer(image):
        return network(image if layout != "GRAYSCALE" else tf.repeat(image, 3, axis=-1))

    return ct.convert(
        [answer.get_concrete_function()],
        source="tensorflow",
        convert_to="mlprogram",
        minimum_deployment_target=target,
        compute_precision=ct.precision.FLOAT16 if half else ct.precision.FLOAT32,
        inputs=[
            ct.ImageType(
                name="image",
                shape=tuple(signature[0].shape),
                scale=1 / 127.5,
                bias=-1.0 if layout == "GRAYSCALE" else [-1.0, -1.0, -1.0],
                color_layout=ct.colorlayout[layout],
            )
        ],
        classifier_config=ct.ClassifierConfig(LABELS),
        skip_model_load=True,
    )


def images(count: int, seed: int = 0) -> np.ndarray:
    """Return images of noise, uint8 (count, SIDE, SIDE, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


__all__ = ["IOS16", "IOS18", "LABELS", "SIDE", "ct", "mb", "types"]
