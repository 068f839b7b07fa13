"""A small model as training leaves one: batch norm with statistics of its own, a head that decides, a silent output."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autodetect.classifier.head import build_head, mask_outputs
from autodetect.coreml.convert import convert
from autodetect.coreml.folding import folded_head
from autodetect.coreml.parity.pictures import generated_pictures
from autodetect.coreml.parity.reference import Reference
from autodetect.embeddings.architectures import set_random, tiny
from autodetect.embeddings.geometry import scale
from autodetect.sections import ClassifierSettings, CoremlSettings

SIZE, CLASSES, SILENT, TEMPERATURE = 96, 12, 5, 1.3
LABELS = tuple(f"Make Model {output}" for output in range(CLASSES))


@dataclass(frozen=True)
class Model:
    """What an export starts from."""

    network: Any
    head: Any
    alive: Any
    """The head before its output was silenced."""

    @property
    def reference(self) -> Reference:
        """What its packages must be."""
        return Reference(self.network, folded_head(self.head, TEMPERATURE), LABELS)

    def export(self, package: Path, **changes: Any) -> Path:
        """Convert it, with some parts exchanged."""
        network, head = changes.pop("network", self.network), changes.pop("head", self.head)
        given = {
            "input_size": SIZE,
            "settings": CoremlSettings(deployment_target=changes.pop("target", "iOS16")),
            "metadata": {"version": "1"},
            "temperature": TEMPERATURE,
        }
        convert(network, head, LABELS, target=package, **(given | changes))
        return package


def trained(seed: int = 7) -> Model:
    """A model of the tiny architecture."""
    rng = np.random.default_rng(seed)
    network = set_random(tiny(SIZE), seed)
    pixels = scale(generated_pictures(48, SIZE, seed=seed))
    settle(network, pixels, rng)
    embeddings = network.predict(pixels, verbose=0)
    head = build_head(
        64,
        CLASSES,
        mean=embeddings.mean(0),
        variance=embeddings.var(0),
        settings=ClassifierSettings(hidden_width=48),
        seed=seed,
    )
    kernel, bias = head.get_layer("logits").get_weights()
    head.get_layer("logits").set_weights([kernel * 4, bias + rng.normal(0, 0.3, bias.shape)])
    norm = head.get_layer("hidden_norm")
    norm.set_weights([rng.uniform(0.5, 1.5, weights.shape) for weights in norm.get_weights()])
    return Model(network, mask_outputs(head, [SILENT]), head)


def settle(network: Any, pixels: np.ndarray, rng: np.random.Generator) -> None:
    """Give a network's batch norms the statistics of these pixels, and offsets and factors at random."""
    import keras

    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.2
            layer.beta.assign(rng.normal(0, 0.3, layer.beta.shape))
            if layer.scale:
                layer.gamma.assign(rng.uniform(0.5, 1.5, layer.gamma.shape))
    for _ in range(5):
        network(pixels, training=True)
