"""The head that a fine-tune starts from: the champion's, or, where the backbone's weights are random, a fresh one."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from autodetect.classifier.champion import Champion
from autodetect.classifier.finetune.network import linear_head
from autodetect.classifier.head import load_head, masked_outputs
from autodetect.lake.lake import Lake
from autodetect.sections import FinetuneSettings


class Head(NamedTuple):
    """A head (n, dim) -> probabilities (n, classes) with a layer `logits`, and the class id of each output."""

    model: keras.Model
    class_ids: tuple[int, ...]


def champion_head(lake: Lake, champion: Champion, folder: Path) -> Head:
    """Return the champion's head without its masked outputs: classes that nobody may answer teach nothing.

    Raises:
        CorruptError: the head's file is missing or damaged.
    """
    model = load_head(lake.artifacts.fetch(champion.head, folder / "champion.keras"))
    masked = masked_outputs(model)
    if not masked:
        return Head(model, champion.class_ids)
    alive = [output for output in range(len(champion.class_ids)) if output not in masked]
    return Head(only_outputs(model, alive), tuple(champion.class_ids[output] for output in alive))


def fresh_head(dimension: int, class_ids: Sequence[int], settings: FinetuneSettings, seed: int) -> Head:
    """Return a linear head that knows nothing: the champion's standardises features that training will replace."""
    return Head(linear_head(dimension, len(class_ids), settings, seed), tuple(class_ids))


def only_outputs(head: keras.Model, outputs: Sequence[int]) -> keras.Model:
    """Return a copy of the head with these outputs alone, in this order."""

    def again(layer: keras.layers.Layer) -> keras.layers.Layer:
        changed = {"units": len(outputs)} if layer.name == "logits" else {}
        return type(layer).from_config(layer.get_config() | changed)

    copy = keras.models.clone_model(head, clone_function=again)
    for layer, given in zip(copy.layers, head.layers, strict=True):
        weights = [np.asarray(weight) for weight in given.get_weights()]
        layer.set_weights([weight[..., list(outputs)] for weight in weights] if layer.name == "logits" else weights)
    return copy
