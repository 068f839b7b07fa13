"""A model for benchmarks of its package: a backbone with random weights, and a head trained on photos of cars.

A trained head is what a package's arithmetic is worth measuring on: its answers are decided by weights that mean
something, as sure or unsure as a night's are. Weights of the backbone that were trained may answer otherwise.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from autodetect.classifier.head import build_head
from autodetect.classifier.pooling import log_of
from autodetect.classifier.temperature import fit_temperature
from autodetect.classifier.training import train_head
from autodetect.coreml.convert import convert
from autodetect.embeddings import backbone
from autodetect.embeddings.engines import open_engine
from autodetect.embeddings.geometry import Geometry
from autodetect.sections import BackboneSettings, ClassifierSettings, CoremlSettings
from benchmarks.car_photos import CarPhotos, Ints, split

if TYPE_CHECKING:
    import keras

VALIDATION = 0.15
SETTINGS = CoremlSettings()


@dataclass(frozen=True)
class TrainedModel:
    """`backbone`, `head` (not folded) and the `temperature` of one photo; output i answers `labels[i]`."""

    backbone: "keras.Model"
    head: "keras.Model"
    temperature: float
    labels: tuple[str, ...]
    size: int
    geometry: Geometry

    def export(self, target: Path) -> None:
        """Write the model's float16 package to `target`, which ends in `.mlpackage`."""
        convert(
            self.backbone,
            self.head,
            self.labels,
            input_size=self.size,
            settings=SETTINGS,
            metadata={"version": "1"},
            target=target,
            geometry=self.geometry,
            temperature=self.temperature,
        )


def trained_model(photos: CarPhotos, places: Ints, size: int, geometry: Geometry = "squash") -> TrainedModel:
    """Train a linear head on photos, some of them held back to stop it and to fit its temperature.

    Args:
        photos: where they are.
        places: those that may be seen, integer (n,).
        size: side of the network's input, pixels.
        geometry: how they become square.
    """
    settings = BackboneSettings(architecture="InceptionV3", weights="random", input_size=size, geometry=geometry)
    network = backbone.build(settings).model
    engine = open_engine(network, settings)
    vectors = np.concatenate([engine.embed(batch) for batch in photos.inputs(places, size, geometry)])
    fit, held = split(photos.labels[places], VALIDATION, seed=1)
    head, temperature = _trained(vectors, photos.labels[places], fit, held)
    return TrainedModel(network, head, temperature, photos.models, size, geometry)


def _trained(x: npt.NDArray[np.float32], y: Ints, fit: Ints, held: Ints) -> tuple["keras.Model", float]:
    settings = ClassifierSettings()
    statistics = {"mean": x[fit].mean(axis=0), "variance": x[fit].var(axis=0)}
    head = build_head(x.shape[1], int(y.max()) + 1, **statistics, settings=settings, seed=0, kind="linear")
    train_head(head, x[fit], y[fit], x[held], y[held], settings=settings, seed=0, warm=False)
    answers = np.asarray(head.predict(x[held], batch_size=1024, verbose=0))
    return head, fit_temperature(log_of(answers), y[held])
