"""The layers of a Keras model that hold weights, and what folding makes of these in exact arithmetic.

A converter folds the batch norm behind a convolution into it. Here that is done in float64 and apart from the
converter, so that it says what every weight of a package stands for.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from autodetect.coreml.folding import Folded, batch_norm, folded_convolutions
from autodetect.coreml.parity.places import MismatchError, Place, Source

if TYPE_CHECKING:
    import keras

# Converters fold in float32: a reciprocal root, two products and a sum, each a few units in the last place (2^-24).
FOLDED_IN_FLOAT32 = 2.0**-21


@dataclass(frozen=True)
class Layer:
    """A convolution or dense layer with the batch norm behind it folded in.

    Attributes:
        place: its name, shape and where it stands in the network.
        kernel: float64, outputs first: (out, in, height, width), (channels, 1, height, width) of a depthwise
            convolution, (out, in) of a dense layer.
        bias: float64, (out,).
        kernel_slack: how much a folding in float32 may be off, in the shape of `kernel`.
        bias_slack: the same of `bias`.
        norm: the name of the batch norm that is folded in, empty where there is none.
        model: the number of its model, in the order in which they follow one another.
    """

    place: Place
    kernel: npt.NDArray[np.float64]
    bias: npt.NDArray[np.float64]
    kernel_slack: npt.NDArray[np.float64]
    bias_slack: npt.NDArray[np.float64]
    norm: str
    model: int


class _Step(NamedTuple):
    """A layer, what it reads and what it makes: numbers that stand for tensors."""

    layer: Any
    read: list[int]
    result: int


def layers_of(models: Sequence["keras.Model"]) -> tuple[Layer, ...]:
    """Return the layers with kernels of models that follow one another, each reading the result of the one before.

    Raises:
        MismatchError: a layer holds weights that are neither a kernel nor a batch norm right behind one, or is used
            more than once; the message names it.
    """
    found: list[Layer] = []
    sources: tuple[Source, ...] = ()
    for number, model in enumerate(models):
        sources = _walk(model, number, sources, found)
    return tuple(found)


@dataclass(frozen=True)
class Centring:
    """A layer that does (x - mean) * factor with numbers of its own; both float64 (n,)."""

    name: str
    mean: npt.NDArray[np.float64]
    factor: npt.NDArray[np.float64]


def centrings_of(models: Sequence["keras.Model"]) -> tuple[Centring, ...]:
    """Return the layers that standardise with given numbers, in the order in which they are computed."""
    import keras

    found = []
    for layer in (layer for model in models for layer in model.layers):
        if isinstance(layer, keras.layers.Normalization):
            mean, variance = (
                np.ravel(np.asarray(each, np.float64)) for each in (layer.input_mean, layer.input_variance)
            )
            found.append(Centring(layer.name, mean, 1 / np.maximum(np.sqrt(variance), keras.backend.epsilon())))
    return tuple(found)


def stored_kernel(layer: "keras.layers.Layer", kernel: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a layer's kernel as Core ML stores it: outputs first."""
    if kernel.ndim == 2:
        return kernel.T
    if _is_depthwise(layer):
        height, width, channels, multiplier = kernel.shape
        return kernel.reshape(height, width, 1, channels * multiplier).transpose(3, 2, 0, 1)
    return kernel.transpose(3, 2, 0, 1)


def keras_kernel(layer: "keras.layers.Layer", kernel: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a kernel as the layer wants it: the inverse of `stored_kernel`."""
    if kernel.ndim == 2:
        return kernel.T
    return kernel.transpose(2, 3, 1, 0).reshape(layer.kernel.shape)


def _walk(model: "keras.Model", number: int, entering: tuple[Source, ...], found: list[Layer]) -> tuple[Source, ...]:
    """Append the model's layers, which read `entering` first; return where its result comes from."""
    import keras

    folded = folded_convolutions(model)
    steps = list(_steps(model))
    readers = Counter(tensor for step in steps for tensor in step.read)
    made = {step.result for step in steps}
    origins: dict[int, tuple[Source, ...]] = {}
    behind: dict[int, int] = {}  # a result that a batch norm could be folded into -> the number of its layer
    for layer, given, result in steps:
        read = [origins[tensor] if tensor in made else entering for tensor in given]
        if layer.name in folded:
            behind[result] = len(found)
            origins[result] = (len(found),)
            found.append(_layer(layer, folded[layer.name], read[0], number))
        elif isinstance(layer, keras.layers.BatchNormalization):
            before = behind.get(given[0])
            if before is None or readers[given[0]] > 1 or not _is_linear(model, found[before].place.name):
                raise MismatchError(f"the batch norm {layer.name} stands behind no convolution that it could join")
            found[before] = _with_norm(found[before], layer, model)
            origins[result] = read[0]
        elif layer.weights:
            raise MismatchError(f"the layer {layer.name} ({type(layer).__name__}) has weights that are no kernel")
        else:
            origins[result] = merged(read, ordered=isinstance(layer, keras.layers.Concatenate))
    return origins[steps[-1].result]


def merged(read: Sequence[tuple[Source, ...]], *, ordered: bool) -> tuple[Source, ...]:
    """Return the sources of a result that reads several: one after another, or in no order where that says nothing.

    A sum of a sum is one sum: how it is bracketed says nothing either.
    """
    if len(read) == 1:
        return read[0]
    if ordered:
        return tuple(source for each in read for source in each)
    whole: set[Any] = set()
    for each in read:
        nested = len(each) == 1 and isinstance(each[0], frozenset)
        whole |= each[0] if nested else {each}
    return (frozenset(whole),)


def _layer(layer: "keras.layers.Layer", folded: Folded, read: tuple[Source, ...], model: int) -> Layer:
    kernel = stored_kernel(layer, folded.kernel)
    return Layer(
        place=Place(layer.name, kernel.shape, read),
        kernel=kernel,
        bias=folded.bias,
        kernel_slack=np.zeros_like(kernel),
        bias_slack=np.zeros_like(folded.bias),
        norm="",
        model=model,
    )


def _with_norm(layer: Layer, norm: "keras.layers.BatchNormalization", model: "keras.Model") -> Layer:
    """Return the layer with what its folding may be off; the weights are folded already."""
    scale, _ = batch_norm(norm)
    convolution = model.get_layer(layer.place.name)
    own_bias = _magnitude(convolution.bias) if convolution.bias is not None else 0.0
    beta = _magnitude(norm.beta) if norm.center else 0.0
    terms = beta + np.abs(scale) * (_magnitude(norm.moving_mean) + own_bias)
    return replace(
        layer,
        kernel_slack=np.abs(layer.kernel) * FOLDED_IN_FLOAT32,
        bias_slack=terms * FOLDED_IN_FLOAT32,
        norm=norm.name,
    )


def _magnitude(variable: Any) -> npt.NDArray[np.float64]:
    import keras

    return np.abs(keras.ops.convert_to_numpy(variable).astype(np.float64))


def _steps(model: "keras.Model") -> Iterator[_Step]:
    """Yield the layers in the order in which they are computed; the last one makes the model's result."""
    import keras

    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    if isinstance(model, keras.Sequential):
        yield from (_Step(layer, [number], number + 1) for number, layer in enumerate(layers))
        return
    for layer in layers:
        try:
            yield _Step(layer, [id(tensor) for tensor in keras.tree.flatten(layer.input)], id(layer.output))
        except (AttributeError, ValueError) as error:
            raise MismatchError(f"the layer {layer.name} is used more than once, which cannot be followed") from error


def _is_linear(model: "keras.Model", name: str) -> bool:
    import keras

    return model.get_layer(name).activation is keras.activations.linear


def _is_depthwise(layer: "keras.layers.Layer") -> bool:
    import keras

    return isinstance(layer, keras.layers.DepthwiseConv2D)
