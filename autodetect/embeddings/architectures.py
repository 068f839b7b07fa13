"""The networks that a backbone can be: InceptionV3, and a tiny one that is built and run in no time.

Each maps float32 (n, size, size, 3) in [-1, 1] to float32 (n, dimension), in blocks whose last layers are `mixed0`,
`mixed1` and so on, so that training can begin at one of them by name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    import keras

Name = Literal["InceptionV3", "tiny"]

# Random kernels halve the signal from layer to layer; a gain on the stem lifts every activation by the same factor (the
# networks have no other offsets) and so out of float16's subnormals. A power of two changes no bit of the mantissa.
_STEM_GAIN = 256.0


@dataclass(frozen=True)
class Architecture:
    """A network below the head.

    Attributes:
        identity: what enters a backbone's digest.
        dimension: values of an embedding.
        network: input size -> the network, its weights yet to be set.
        whole: the network with ImageNet's own top; None where it was never trained on ImageNet.
    """

    identity: str
    dimension: int
    network: Callable[[int], "keras.Model"]
    whole: Callable[[], "keras.Model"] | None = None


def inception(input_size: int, weights: str | None = None) -> "keras.Model":
    """Return InceptionV3 without its top, pooled to 2,048 values; `weights` as Keras takes them."""
    import keras

    keras.utils.clear_session()
    return keras.applications.InceptionV3(
        include_top=False, weights=weights, pooling="avg", input_shape=(input_size, input_size, 3), name="backbone"
    )


def whole_inception(weights: str | None = None) -> "keras.Model":
    """Return InceptionV3 with its top, ImageNet's 1,000 classes; the top takes features of any input size."""
    import keras

    keras.utils.clear_session()
    return keras.applications.InceptionV3(include_top=True, weights=weights)


def tiny(input_size: int) -> "keras.Model":
    """Return three blocks of convolution, batch norm and ReLU, pooled to 64 values."""
    import keras

    keras.utils.clear_session()
    x = pixels = keras.Input((input_size, input_size, 3), name="pixels")
    for block, (filters, stride) in enumerate(((16, 4), (32, 4), (64, 2))):
        x = keras.layers.Conv2D(filters, 5, strides=stride, padding="same", use_bias=False, name=f"conv{block}")(x)
        x = keras.layers.BatchNormalization(scale=False, name=f"norm{block}")(x)
        x = keras.layers.ReLU(name=f"mixed{block}")(x)
    return keras.Model(pixels, keras.layers.GlobalAveragePooling2D(name="avg_pool")(x), name="backbone")


def set_random(model: "keras.Model", seed: int) -> "keras.Model":
    """Return `model` with Glorot-uniform kernels drawn by NumPy: the same bits on every Keras backend."""
    import keras

    generator = np.random.default_rng(seed)
    gain = _STEM_GAIN
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            height, width, channels, filters = layer.kernel.shape
            limit = np.sqrt(6 / (height * width * (channels + filters)))
            kernel = (2 * generator.random(layer.kernel.shape, dtype=np.float32) - 1) * np.float32(limit * gain)
            layer.kernel.assign(kernel)
            gain = 1.0
    return model


ARCHITECTURES: dict[Name, Architecture] = {
    "InceptionV3": Architecture("InceptionV3/avg", 2048, inception, whole_inception),
    "tiny": Architecture("tiny-v1/avg", 64, tiny),
}
