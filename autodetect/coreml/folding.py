"""Layers that only scale and shift, folded into the weights beside them: a phone computes convolutions and sums.

A head standardises, normalises and is tempered; all of that is linear, so `folded_head` is two plain layers (one of a
linear head) that answer the same. `folded_convolutions` says what a converter must make of a backbone's convolutions
and the batch norm behind each. Everything is computed in float64 and rounded once.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras

HIDDEN, LOGITS, ANSWER = "hidden", "logits", "answer"

Doubles = npt.NDArray[np.float64]

# A column of hidden weights whose largest is beyond these is scaled, and the row of `logits` that reads the unit is
# scaled back (a ReLU lets any positive factor through). Within them float16, which ends at 65,504 and grows coarse
# below 6e-5, resolves weights, biases and activations alike. A random backbone's features can vary by 1e-4 only.
_SMALLEST, _LARGEST = 2.0**-6, 2.0**10


class Folded(NamedTuple):
    """A layer's weights: `kernel` float64 in the layer's own shape, `bias` float64 (units,)."""

    kernel: Doubles
    bias: Doubles


def folded_head(head: "keras.Model", temperature: float = 1.0) -> "keras.Model":
    """Return the head as plain layers: (n, dim) -> [`hidden`, ReLU ->] `logits` -> `answer`, softmax (n, classes).

    It answers softmax(log p / temperature) where `head` answers p. Outputs that the head keeps silent stay so: their
    bias is the head's own and their column zero, at any temperature.

    Args:
        head: of `autodetect.classifier.head`, dense or linear.
        temperature: above 0, what one photo's log-probabilities are divided by.

    Raises:
        ValueError: the temperature is not above 0.
    """
    import keras

    layers = folded_weights(head, temperature)
    x = embedding = keras.Input((head.input_shape[-1],), name="embedding")
    for name, (kernel, _) in layers.items():
        activation = "relu" if name == HIDDEN else None
        x = keras.layers.Dense(kernel.shape[1], activation=activation, name=name)(x)
    folded = keras.Model(embedding, keras.layers.Softmax(name=ANSWER)(x), name="head")
    for name, (kernel, bias) in layers.items():
        folded.get_layer(name).set_weights([kernel.astype(np.float32), bias.astype(np.float32)])
    return folded


def folded_weights(head: "keras.Model", temperature: float = 1.0) -> dict[str, Folded]:
    """Return the layers of `folded_head` before they are rounded to float32: `hidden` of a dense head, and `logits`.

    Raises:
        ValueError: the temperature is not above 0.
    """
    from autodetect.classifier.head import head_kind, masked_outputs

    if not temperature > 0:
        raise ValueError(f"a temperature is above 0, not {temperature}")
    scale, shift = _standardisation(head.get_layer("normalize"))
    masked = sorted(masked_outputs(head))
    kernel, bias = _doubles(head.get_layer(LOGITS))
    silent = bias[masked]
    layers: dict[str, Folded] = {}
    if head_kind(head) == "dense":
        hidden = _behind(scale, shift, *_doubles(head.get_layer(HIDDEN)))
        factors = _factors(hidden)
        layers[HIDDEN] = Folded(hidden.kernel * factors, hidden.bias * factors)
        scale, shift = batch_norm(head.get_layer("hidden_norm"))
        scale = scale / factors
    kernel, bias = _behind(scale, shift, kernel, bias)
    kernel, bias = kernel / temperature, bias / temperature
    kernel[:, masked], bias[masked] = 0.0, silent
    layers[LOGITS] = Folded(kernel, bias)
    return layers


def folded_convolutions(backbone: "keras.Model") -> dict[str, Folded]:
    """Return kernel and bias of every convolution and dense layer by its name, with the batch norm right behind it.

    Args:
        backbone: float32 (n, size, size, 3) -> (n, dim). A batch norm that does not stand right behind one convolution
            is left out: it is an operation of its own.
    """
    import keras

    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)
    found, layers_behind = {}, _layers_behind(backbone)
    for layer in backbone.layers:
        if not isinstance(layer, kinds):
            continue
        kernel, bias = _doubles(layer)
        behind = layers_behind.get(layer.name)
        if layer.activation is keras.activations.linear and isinstance(behind, keras.layers.BatchNormalization):
            scale, shift = batch_norm(behind)
            bias = bias * scale + shift
            if isinstance(layer, keras.layers.DepthwiseConv2D):  # (height, width, channels, multiplier)
                scale = scale.reshape(kernel.shape[2:])
            kernel = kernel * scale
        found[layer.name] = Folded(kernel, bias)
    return found


def batch_norm(layer: "keras.layers.BatchNormalization") -> tuple[Doubles, Doubles]:
    """Return what batch norm does in inference, x * scale + shift, each float64 (channels,)."""
    weights = [np.asarray(each, np.float64) for each in layer.get_weights()]
    gamma = weights.pop(0) if layer.scale else 1.0
    beta = weights.pop(0) if layer.center else 0.0
    mean, variance = weights
    scale = gamma / np.sqrt(variance + layer.epsilon)
    return scale, beta - mean * scale


def _standardisation(layer: "keras.layers.Normalization") -> tuple[Doubles, Doubles]:
    """Return what `Normalization` does, x * scale + shift, each float64 (dim,)."""
    import keras

    mean, variance = (np.ravel(np.asarray(given, np.float64)) for given in (layer.input_mean, layer.input_variance))
    scale = 1 / np.maximum(np.sqrt(variance), keras.backend.epsilon())
    return scale, -mean * scale


def _behind(scale: Doubles, shift: Doubles, kernel: Doubles, bias: Doubles) -> Folded:
    """Return the dense layer that does to x what this one does to x * scale + shift."""
    return Folded(scale[:, None] * kernel, bias + shift @ kernel)


def _factors(hidden: Folded) -> Doubles:
    """Return per unit a power of two, which changes no bit of a mantissa, that brings its weights into range."""
    largest = np.maximum(np.abs(hidden.kernel).max(axis=0), np.abs(hidden.bias))
    wanted = np.clip(largest, _SMALLEST, _LARGEST) / np.where(largest > 0, largest, 1.0)
    factors: Doubles = np.where(largest > 0, np.exp2(np.round(np.log2(np.maximum(wanted, 2.0**-126)))), 1.0)
    return factors


def _doubles(layer: "keras.layers.Layer") -> tuple[Doubles, Doubles]:
    """Return kernel and bias (zeros where there is none) in float64; a depthwise kernel has channels * multiplier."""
    kernel, *bias = (np.asarray(weights, np.float64) for weights in layer.get_weights())
    units = int(layer.output.shape[-1])
    return kernel, bias[0] if bias else np.zeros(units)


def _layers_behind(backbone: "keras.Model") -> dict[str, "keras.layers.Layer"]:
    """Return by its name each layer whose result only one other layer reads, with that layer."""
    import keras

    readers: dict[int, list[keras.layers.Layer]] = {}
    for layer in backbone.layers:
        if not isinstance(layer, keras.layers.InputLayer):
            for tensor in keras.tree.flatten(layer.input):
                readers.setdefault(id(tensor), []).append(layer)
    found = {layer.name: readers.get(id(layer.output), []) for layer in backbone.layers}
    return {name: behind[0] for name, behind in found.items() if len(behind) == 1}
