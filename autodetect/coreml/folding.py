"""Layers that only scale and shift, folded into the weights beside them: a phone computes convolutions and sums.

A head normalises and is tempered; that is linear, so `folded_head` needs no layer for it. What it keeps of the
standardisation is the part that low precision lives on: each feature is centred and brought to about one before it
meets a weight. Folded in wholly, the features' means, many times their deviations, would multiply every weight's
rounding: with a random backbone, in 8 bits half of the first answers change, and one in ten with centred features. The
constants are float16 as they are (a rounded mean, a power of two); what they leave of the standardisation is folded.

`folded_convolutions` says what a converter must make of a backbone's convolutions and the batch norm behind each.
Everything is computed in float64 and rounded once.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras

CENTRE, HIDDEN, LOGITS, ANSWER = "centre", "hidden", "logits", "answer"

Doubles = npt.NDArray[np.float64]

# Powers of two that float16 holds without loss, as factors and inverted.
_SMALLEST, _LARGEST = 2.0**-14, 2.0**14


class Folded(NamedTuple):
    """A layer's weights: `kernel` float64 in the layer's own shape, `bias` float64 (units,)."""

    kernel: Doubles
    bias: Doubles


class Centring(NamedTuple):
    """What is done to an embedding first, (x - mean) * factor: float64 (dim,), values that float16 holds exactly."""

    mean: Doubles
    factor: Doubles


def folded_head(head: "keras.Model", temperature: float = 1.0) -> "keras.Model":
    """Return the head as (n, dim) -> `centre` -> [`hidden`, ReLU ->] `logits` -> `answer`, softmax (n, classes).

    It answers softmax(log p / temperature) where `head` answers p. Outputs that the head keeps silent stay so: their
    bias is the head's own and their column zero, at any temperature.

    Args:
        head: of `autodetect.classifier.head`, dense or linear.
        temperature: above 0, what one photo's log-probabilities are divided by.

    Raises:
        ValueError: the temperature is not above 0.
    """
    import keras

    centring, layers = folded_weights(head, temperature)
    x = embedding = keras.Input((head.input_shape[-1],), name="embedding")
    mean, variance = centring.mean.astype(np.float32), (centring.factor**-2).astype(np.float32)
    x = keras.layers.Normalization(mean=mean, variance=variance, name=CENTRE)(x)
    for name, (kernel, _) in layers.items():
        activation = "relu" if name == HIDDEN else None
        x = keras.layers.Dense(kernel.shape[1], activation=activation, name=name)(x)
    folded = keras.Model(embedding, keras.layers.Softmax(name=ANSWER)(x), name="head")
    for name, (kernel, bias) in layers.items():
        folded.get_layer(name).set_weights([kernel.astype(np.float32), bias.astype(np.float32)])
    return folded


def folded_weights(head: "keras.Model", temperature: float = 1.0) -> tuple[Centring, dict[str, Folded]]:
    """Return `centre` and the layers of `folded_head`, not yet rounded: `hidden` of a dense head, and `logits`.

    Raises:
        ValueError: the temperature is not above 0.
    """
    from autodetect.classifier.head import head_kind, masked_outputs

    if not temperature > 0:
        raise ValueError(f"a temperature is above 0, not {temperature}")
    centring, scale, shift = _standardisation(head.get_layer("normalize"))
    masked = sorted(masked_outputs(head))
    kernel, bias = _doubles(head.get_layer(LOGITS))
    silent = bias[masked]
    layers: dict[str, Folded] = {}
    if head_kind(head) == "dense":
        layers[HIDDEN] = _behind(scale, shift, *_doubles(head.get_layer(HIDDEN)))
        scale, shift = batch_norm(head.get_layer("hidden_norm"))
    kernel, bias = _behind(scale, shift, kernel, bias)
    kernel, bias = kernel / temperature, bias / temperature
    kernel[:, masked], bias[masked] = 0.0, silent
    layers[LOGITS] = Folded(kernel, bias)
    return centring, layers


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


def _standardisation(layer: "keras.layers.Normalization") -> tuple[Centring, Doubles, Doubles]:
    """Return centring, scale and shift, each float64 (dim,): `Normalization` is scale * centred x + shift."""
    import keras

    mean, variance = (np.ravel(np.asarray(given, np.float64)) for given in (layer.input_mean, layer.input_variance))
    deviation = np.maximum(np.sqrt(variance), keras.backend.epsilon())
    largest = float(np.finfo(np.float16).max)
    centre = np.clip(mean, -largest, largest).astype(np.float16).astype(np.float64)
    factor = np.clip(np.exp2(np.round(-np.log2(deviation))), _SMALLEST, _LARGEST)
    return Centring(centre, factor), 1 / (deviation * factor), (centre - mean) / deviation


def _behind(scale: Doubles, shift: Doubles, kernel: Doubles, bias: Doubles) -> Folded:
    """Return the dense layer that does to x what this one does to x * scale + shift."""
    return Folded(scale[:, None] * kernel, bias + shift @ kernel)


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
