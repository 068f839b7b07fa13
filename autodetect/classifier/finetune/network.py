"""The network that is trained: copies of backbone and head in working precision, from pixels to logits.

The given backbone and head stay in float32. They receive the moving average whenever it is asked for (`Network.keep`),
so that every figure and every file comes from float32 and from the weights that would ship.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt

from autodetect.classifier.finetune.batches import Photos
from autodetect.classifier.finetune.blocks import depths, layers_from
from autodetect.classifier.finetune.optimizer import LayerwiseAdamW, value_of
from autodetect.embeddings.geometry import PIXEL_BIAS, PIXEL_SCALE
from autodetect.errors import UsageError
from autodetect.sections import FinetuneSettings

BatchNorm = Literal["inference", "training"]
Precision = Literal["float32", "mixed_bfloat16"]

_ANSWERED_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Network:
    """What is trained and what is kept.

    Attributes:
        trained: compiled, uint8 (n, size, size, 3) -> logits (n, classes), in working precision.
        kept: float32, uint8 (n, size, size, 3) -> probabilities (n, classes); made of the given backbone and head.
        optimizer: of `trained`.
        twins: each weight of `trained` with the given model's weight that it stands for.
        batch_norm: inference: statistics stay as they were given; training: they follow the batches.
        precision: what `trained` computes in.
    """

    trained: keras.Model
    kept: keras.Model
    optimizer: LayerwiseAdamW
    twins: tuple[tuple[Any, Any], ...]
    batch_norm: BatchNorm
    precision: Precision

    @property
    def size(self) -> int:
        """Side of the input, pixels."""
        return int(self.trained.input_shape[1])

    @property
    def classes(self) -> int:
        """Number of outputs."""
        return int(self.trained.output_shape[-1])

    def state(self) -> list[Any]:
        """Return all variables that the next step depends on, always in the same order."""
        metrics = {id(variable) for variable in self.trained.metrics_variables}
        found = [variable for variable in self.trained.variables if id(variable) not in metrics]
        known = {id(variable) for variable in found}
        return found + [variable for variable in self.optimizer.variables if id(variable) not in known | metrics]

    def keep(self) -> None:
        """Give backbone and head the moving average of the weights, or the weights where there is no average.

        Batch norm's statistics are running averages already, and are taken as they are.
        """
        averages: Mapping[int, Any] = {}
        if self.optimizer.averages:
            pairs = zip(self.trained.trainable_variables, self.optimizer.averages, strict=True)
            averages = {id(variable): average for variable, average in pairs}
        for variable, given in self.twins:
            given.assign(value_of(averages.get(id(variable), variable)))

    def values(self) -> list[npt.NDArray[Any]]:
        """Return a copy of the state's values."""
        return [value_of(variable) for variable in self.state()]

    def answers(self, photos: Photos) -> npt.NDArray[np.float32]:
        """Return what the kept models answer to photos of the input's size: probabilities, float32 (n, classes)."""
        result = np.empty((len(photos), self.classes), dtype=np.float32)
        for start in range(0, len(photos), _ANSWERED_AT_ONCE):
            some = photos[np.arange(start, min(start + _ANSWERED_AT_ONCE, len(photos)))]
            padded = np.zeros((_ANSWERED_AT_ONCE, *some.shape[1:]), dtype=np.uint8)
            padded[: len(some)] = some
            result[start : start + len(some)] = np.asarray(self.kept.predict_on_batch(padded))[: len(some)]
        return result


class StillBatchNormalization(keras.layers.BatchNormalization):
    """Batch norm in inference mode while scale and offset are trained.

    `training=False` where a model is called inside another does not do it: training the outer one overrules it.
    `trainable = False` would also freeze scale and offset.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:  # noqa: ARG002
        """Normalise by the running statistics, whatever `training` says."""
        return super().call(inputs, training=False, mask=mask)


def linear_head(dim: int, classes: int, settings: FinetuneSettings, seed: int) -> keras.Model:
    """Return a fresh head: float32 (n, dim) -> probabilities float32 (n, classes), one layer behind dropout."""
    embedding = keras.Input((dim,), name="embedding")
    x = keras.layers.Dropout(settings.dropout, seed=seed, name="head_drop")(embedding)
    initial = keras.initializers.GlorotUniform(seed=seed)
    x = keras.layers.Dense(classes, kernel_initializer=initial, name="logits")(x)
    return keras.Model(embedding, keras.layers.Softmax(name="answer")(x), name="head")


def build_network(
    backbone: keras.Model, head: keras.Model, settings: FinetuneSettings, *, from_random: bool
) -> Network:
    """Return the network that trains `backbone` and `head`, compiled, its optimizer built.

    Args:
        backbone: float32 (n, size, size, 3) in [-1, 1] -> (n, dim); a graph of layers.
        head: float32 (n, dim) -> probabilities (n, classes), whose layer `logits` precedes the softmax: `linear_head`,
            or the champion's.
        settings: what is trained, at which rates, in which precision.
        from_random: the backbone's weights are random: batch norm then learns its statistics. Pretrained ones keep
            theirs, which small batches would spoil.

    Raises:
        UsageError: random weights with a frozen part below, or a block that the backbone does not have.
        ValueError: the head has no layer `logits`.
    """
    if from_random and settings.from_layer:
        raise UsageError(
            f"finetune.from_layer is {settings.from_layer!r}, but the backbone has random weights: what lies below "
            "would stay random",
            'set finetune.from_layer to "", or start from trained weights',
        )
    try:
        open_layers, depth = layers_from(backbone, settings.from_layer), depths(backbone)
    except ValueError as error:
        raise UsageError(f"finetune.from_layer: {error}", "name a layer of the backbone, such as mixed5") from error
    precision = resolve_precision(settings)
    below, above = _copy(backbone, precision, still=not from_random), _copy(head, "float32", still=not from_random)
    for layer in below.layers:
        layer.trainable = layer.name in open_layers
    logits = keras.Model(above.inputs, above.get_layer("logits").output, name="head_logits")

    pixels = keras.Input(backbone.input_shape[1:], dtype="uint8", name="pixels")
    scaled = keras.layers.Rescaling(PIXEL_SCALE, PIXEL_BIAS, dtype="float32", name="scale")(pixels)
    trained = keras.Model(pixels, logits(below(scaled)), name="finetuned")
    kept = keras.Model(pixels, head(backbone(scaled)), name="kept")

    twins = (*zip(below.weights, backbone.weights, strict=True), *zip(above.weights, head.weights, strict=True))
    rate_of = {
        id(weight): settings.backbone_rate * settings.block_decay ** depth[layer.name]
        for layer in below.layers
        for weight in layer.weights
    }
    factors = [rate_of.get(id(variable), 1.0) for variable in trained.trainable_variables]
    optimizer = LayerwiseAdamW(settings, factors)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=settings.label_smoothing)
    trained.compile(optimizer, loss, jit_compile=_compiled())
    optimizer.build(trained.trainable_variables)
    # Loss and metrics are built by their first batch. Some backends would take it from the training's first round and
    # not give it back: a run that goes on would train on other batches than one that was never stopped.
    classes = int(trained.output_shape[-1])
    trained.test_on_batch(np.zeros((1, *trained.input_shape[1:]), np.uint8), np.eye(1, classes, dtype=np.float32))
    return Network(trained, kept, optimizer, twins, "training" if from_random else "inference", precision)


def resolve_precision(settings: FinetuneSettings) -> Precision:
    """Return what to compute in: as set, or by whether there is an accelerator."""
    if settings.precision != "auto":
        return settings.precision
    return "mixed_bfloat16" if accelerated() else "float32"


def accelerated() -> bool:
    """Return whether the backend has a GPU or TPU."""
    if keras.backend.backend() == "torch":  # for which Keras lists no devices
        return bool(keras.ops.zeros(()).device.type != "cpu")
    return any(keras.distribution.list_devices(kind) for kind in ("gpu", "tpu"))


def _compiled() -> bool | str:
    """Return Keras' `jit_compile`: TensorFlow's compiler gains nothing on a CPU and takes minutes for InceptionV3."""
    return False if keras.backend.backend() == "tensorflow" and not accelerated() else "auto"


def _copy(model: keras.Model, precision: Precision, *, still: bool) -> keras.Model:
    """Return a copy in another precision; weights, and the last layer's output, stay float32.

    Args:
        model: to copy, weights included.
        precision: what its layers compute in.
        still: batch norm's statistics stay as they are.
    """
    last = model.layers[-1].name

    def again(layer: keras.layers.Layer) -> keras.layers.Layer:
        kind = StillBatchNormalization if still and type(layer) is keras.layers.BatchNormalization else type(layer)
        return kind.from_config(layer.get_config() | {"dtype": "float32" if layer.name == last else precision})

    copy = keras.models.clone_model(model, clone_function=again)
    copy.set_weights(model.get_weights())
    return copy
