"""The model that a package was made from, and the same model carrying the package's weights.

Two differences lie between Keras and a package: the weights were folded and rounded, and the arithmetic is another
one. Each is judged by itself: `audit` holds every weight against what it stands for, and `figures` compares the answers
of the package with those of Keras carrying the very weights that the package stores, which leaves nothing between the
two but the order of additions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from autodetect.coreml.parity.layers import Centring, Layer, centrings_of, keras_kernel, layers_of
from autodetect.coreml.parity.places import matched
from autodetect.coreml.parity.weighted import Weighted

if TYPE_CHECKING:
    import keras


KerasModel = Any


@dataclass(frozen=True)
class Reference:
    """The model that a package was made from.

    Attributes:
        backbone: float32 (n, size, size, 3) in [-1, 1] -> (n, dim).
        head: as it was exported, folded: (n, dim) -> (n, classes), a softmax of dense layers.
        labels: one per output, in order.
    """

    backbone: "keras.Model"
    head: "keras.Model"
    labels: tuple[str, ...]

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """Return its layers with kernels, batch norm folded in; raises `MismatchError` as `layers_of` does."""
        return layers_of([self.backbone, self.head])

    @cached_property
    def centrings(self) -> tuple[Centring, ...]:
        """Return its layers that standardise with given numbers."""
        return centrings_of([self.backbone, self.head])


def paired(reference: Reference, operations: Sequence[Weighted]) -> tuple[tuple[Layer, Weighted], ...]:
    """Return each layer with the operation of the package that stands in its place.

    Raises:
        MismatchError: there is none, or there are more operations than layers.
    """
    layers = reference.layers

    def difference(layer: int, operation: int) -> float:
        ours, theirs = layers[layer].kernel, operations[operation].kernel.astype(np.float64)
        return float(((ours - theirs) ** 2).sum())

    found = matched([layer.place for layer in layers], [each.place for each in operations], difference)
    return tuple((layer, operations[number]) for layer, number in zip(layers, found, strict=True))


def carrying(reference: Reference, pairs: Sequence[tuple[Layer, Weighted]]) -> "keras.Model":
    """Return the reference with the package's weights: float32 (n, size, size, 3) in [-1, 1] -> (n, classes).

    Every kernel and bias is the package's, to the bit; batch norms, which the kernels hold already, let all through.
    """
    import keras

    answer = pixels = keras.Input(reference.backbone.input_shape[1:])
    for number, model in enumerate((reference.backbone, reference.head)):
        own = [pair for pair in pairs if pair[0].model == number]
        answer = _clone(model, own)(answer)
    return keras.Model(pixels, answer)


def answers(model: KerasModel, images: npt.NDArray[np.uint8], batch_size: int = 32) -> npt.NDArray[np.float32]:
    """Return what Keras answers to photos: uint8 (n, size, size, 3), RGB -> float32 (n, classes)."""
    from autodetect.embeddings.geometry import scale

    batches = [images[start : start + batch_size] for start in range(0, len(images), batch_size)]
    if not batches:
        return np.empty((0, model.output_shape[-1]), np.float32)
    return np.concatenate([np.asarray(model.predict(scale(batch), batch_size, verbose=0)) for batch in batches])


def _clone(model: "keras.Model", pairs: Sequence[tuple[Layer, Weighted]]) -> "keras.Model":
    """Return a copy with these weights, whose batch norms that are folded in let everything through."""
    import keras

    class Open(keras.layers.Layer):  # as batch norm is called; keras.layers.Identity takes no mask
        def call(self, inputs: Any, mask: Any = None) -> Any:  # noqa: ARG002
            return inputs

    weights = {layer.place.name: operation for layer, operation in pairs}
    norms = {layer.norm for layer, _ in pairs}

    def copy(layer: "keras.layers.Layer") -> "keras.layers.Layer":
        if layer.name in norms:
            return Open(name=layer.name)
        config: dict[str, Any] = layer.get_config()
        if layer.name in weights:
            config["use_bias"] = True
        return type(layer).from_config(config)

    cloned = keras.models.clone_model(model, clone_function=copy)
    for name, stored in weights.items():
        layer = cloned.get_layer(name)
        kernel = keras_kernel(layer, stored.kernel.astype(np.float32))
        layer.set_weights([kernel, stored.bias.astype(np.float32)])
    return cloned
