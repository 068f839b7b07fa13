"""A release with a model that says of chosen photos what a test wants it to say."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import Image

from autodetect.classifier.champion import Abstain
from autodetect.classifier.head import build_head, mask_outputs, save_head
from autodetect.classifier.temperature import Temperatures
from autodetect.embeddings import backbone
from autodetect.embeddings.engine import embed
from autodetect.embeddings.geometry import to_input
from autodetect.embeddings.imagenet_head import CLASSES, DIMENSION, ImageNetHead
from autodetect.embeddings.imagenet_head import save_head as save_imagenet_head
from autodetect.lake.objects import LocalStore
from autodetect.records import canonical_json
from autodetect.release.identify import BATCH_SIZE
from autodetect.release.layout import media_type
from autodetect.release.model_facts import ModelFacts
from autodetect.release.publish import publish
from autodetect.release.upload import ReleaseFile
from autodetect.sections import BackboneSettings, ClassifierSettings
from tests.prices.stocked import stock
from tests.release.sample import KEY, NOW, facts

LABELS = ("Ford Focus", "Audi TT", "Fiat 500", "Jeep Wrangler")
TEMPERATURES = Temperatures(photo=2.0, vehicle=3.0)
ABSTAIN = Abstain(threshold=0.5, most_answered=0.2)
TOLD = MappingProxyType({"temperatures": TEMPERATURES, "abstain": ABSTAIN})
SPORTS_CAR, TABBY, ODOMETER = 817, 281, 685  # outputs of ImageNet


def photos(folder: Path, count: int, seed: int = 0) -> list[Path]:
    """Photos that no network takes for each other."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for i in range(count):
        rng = np.random.default_rng([seed, i])
        paths.append(folder / f"photo-{i}.png")
        Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize((320, 240)).save(paths[-1])
    return paths


class ModelRelease:
    """Builds one backbone and publishes models on it."""

    def __init__(self, folder: Path, architecture: str = "tiny") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        built = backbone.build(
            BackboneSettings(weights="random", seed=1, input_size=96, architecture=architecture)  # type: ignore[arg-type]
        )
        self.model = built.model
        self.record = backbone.save(built.model, built.record, folder / "backbone.keras")

    def vectors(self, paths: list[Path]) -> np.ndarray:
        """Embeddings of photos, as `identify` makes them."""
        images = [to_input(Image.open(path), self.record.input_size) for path in paths]
        return embed(self.model, np.stack(images), batch_size=BATCH_SIZE)

    def publish(
        self,
        store: LocalStore,
        said: dict[Path, list[float]],
        *,
        model: Mapping[str, Any] | None = TOLD,
        silent: tuple[int, ...] = (),
        imagenet: dict[Path, int] | None = None,
        offers: Sequence[dict[str, Any]] = (),
    ) -> None:
        """Publish a model whose logits for each photo are `said`, and which takes photos for classes of ImageNet.

        Args:
            store: where to.
            said: photo -> logit per label.
            model: fields of `model.json`; None for a release of before there was one.
            silent: outputs that do not answer.
            imagenet: photo -> ImageNet's class of it; None for a release without ImageNet's head.
            offers: rows of `autodetect.sqlite`'s offers; a make_model_id is a label in lower case.
        """
        folder, record = self.folder / "files", self.record
        folder.mkdir(exist_ok=True)
        self._head(said, silent)
        entries: list[dict[str, Any]] = [
            {"output": i, "class_id": i + 1, "make_model_id": label.lower(), "label": label}
            for i, label in enumerate(LABELS)
        ]
        if model is not None:
            entries = [entry | {"answers": entry["output"] not in silent} for entry in entries]
            told = ModelFacts(
                class_map_digest="c" * 64,
                backbone=record.digest,
                preprocessing=record.preprocessing,
                input_size=record.input_size,
                **model,
            )
            (folder / "model.json").write_bytes(canonical_json(told.model_dump(mode="json")))
        else:
            (folder / "model.json").unlink(missing_ok=True)
        if imagenet is not None:
            record = record.model_copy(update={"imagenet_head": self._imagenet_head(imagenet)})
        (folder / "classes.json").write_text(json.dumps(entries), "utf-8")
        (folder / "backbone.json").write_bytes(canonical_json(record.model_dump(mode="json")))
        self._prices(offers)
        files = [ReleaseFile(path.name, path, media_type(path.name)) for path in sorted(folder.iterdir())]
        files.append(ReleaseFile("backbone.keras", self.folder / "backbone.keras", "application/vnd.keras"))
        publish(store, files, facts(night=date(2026, 3, 1)), NOW, key=KEY)

    def _head(self, said: dict[Path, list[float]], silent: tuple[int, ...]) -> None:
        vectors = self.vectors(list(said))
        dim, classes = vectors.shape[1], len(LABELS)
        head = build_head(
            dim,
            classes,
            mean=np.zeros(dim),
            variance=np.ones(dim),
            settings=ClassifierSettings(),
            seed=0,
            kind="linear",
        )
        head.get_layer("logits").set_weights([_kernel(vectors, np.array(list(said.values()))), np.zeros(classes)])
        save_head(mask_outputs(head, silent) if silent else head, self.folder / "files" / "champion.keras")

    def _imagenet_head(self, seen: dict[Path, int]) -> str:
        logits = np.zeros((len(seen), CLASSES))
        for row, output in enumerate(seen.values()):
            logits[row, output] = 30
        head = ImageNetHead(_kernel(self.vectors(list(seen)), logits), np.zeros(CLASSES, np.float32))
        assert head.kernel.shape[0] == DIMENSION
        return save_imagenet_head(head, self.folder / "files" / "imagenet-head.npy")

    def _prices(self, offers: Sequence[dict[str, Any]]) -> None:
        names = {label.lower(): tuple(label.split(" ", 1)) for label in LABELS}
        stock(self.folder / "files" / "autodetect.sqlite", offers, names=names)


def _kernel(vectors: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """The smallest kernel that turns each vector (n, dim) into its logits (n, classes)."""
    return (np.linalg.pinv(vectors.astype(np.float64)) @ logits).astype(np.float32)
