"""The stages of a night, in order, and the fine-tune: what each runs, reads, owns and depends on."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from autodetect.lake.provenance import code_digest, settings_digest
from autodetect.records import Receipt
from autodetect.settings import Settings

GROUND = ("autodetect.lake", "autodetect.catalog")


@dataclass(frozen=True)
class Stage:
    """One stage.

    Args:
        name: its name on the command line, in receipts and in Prefect.
        function: `module:function`, a plain function `(settings, lake, run, ...) -> Receipt`.
        inputs: the stages of tonight whose receipts it reads.
        owns: the tables that only it writes; they are rewound to the last receipt before it runs.
        packages: the code it depends on; a change of it means the stage runs again.
        settings: the settings it depends on, likewise: sections, or single ones by their dotted name.
        retries: tries again after something outside was down.
        always: whether it runs even when its receipt holds: it looks outside, at what no receipt can vouch for.
        partial_inputs: whether it also runs on a night that ended before all its inputs were there.
        signs: whether its process is given the key that signs releases; no other is.
    """

    name: str
    function: str
    inputs: tuple[str, ...]
    owns: tuple[str, ...]
    packages: tuple[str, ...]
    settings: tuple[str, ...]
    retries: int = 0
    partial_inputs: bool = False
    always: bool = False
    signs: bool = False

    def load(self) -> Callable[..., Receipt]:
        """Import the stage's function (heavy libraries come along only where it runs)."""
        module, _, name = self.function.partition(":")
        function: Callable[..., Receipt] = getattr(import_module(module), name)
        return function

    def expectation(self, settings: Settings, inputs: dict[str, Receipt]) -> dict[str, Any]:
        """Return what a receipt of this stage must say for the stage to be skipped."""
        return {
            "inputs": {name: inputs[name].digest for name in self.inputs if name in inputs},
            "settings_digest": settings_digest(settings, self.settings),
            "code_digest": code_digest(self.packages),
        }


STAGES = (
    Stage(
        "crawl",
        "crawlers.crawl:crawl",
        inputs=("begin",),
        owns=("sightings", "seen", "slices", "listing_photos"),
        packages=("crawlers", *GROUND),
        settings=("source", "crawl", "ebay", "folder", "photos.max_pixels"),
        retries=2,
    ),
    Stage(
        "curate",
        "autodetect.dataset.curate:curate",
        inputs=("begin", "crawl"),
        owns=("listings", "make_models", "photos", "embeddings", "vehicles"),
        packages=(*GROUND, "autodetect.embeddings", "autodetect.photos", "autodetect.validation", "autodetect.dataset"),
        settings=("crawl", "catalog", "photos", "dataset", "backbone", "evaluation", "validation"),
    ),
    Stage(
        "train",
        "autodetect.classifier.train:train",
        inputs=("begin", "crawl", "curate"),
        owns=("classes", "snapshots"),
        packages=(
            *GROUND,
            "autodetect.embeddings",
            "autodetect.validation",
            "autodetect.dataset",
            "autodetect.classifier",
        ),
        settings=("source", "seed", "catalog", "dataset", "backbone", "classifier", "evaluation", "gate", "poison"),
    ),
    Stage(
        "export",
        "autodetect.coreml.export:export",
        inputs=("begin", "train"),
        owns=(),
        packages=(
            *GROUND,
            "autodetect.embeddings",
            "autodetect.photos",
            "autodetect.classifier",
            "autodetect.coreml",
        ),
        settings=("coreml", "backbone", "photos.max_pixels"),
    ),
    Stage(
        "price",
        "autodetect.prices.stage:price",
        inputs=("curate", "export"),
        owns=("prices", "offers", "asking_prices"),
        packages=(*GROUND, "autodetect.validation", "autodetect.coreml", "autodetect.prices"),
        settings=("seed", "prices", "valuation"),
    ),
    Stage(
        "publish",
        "autodetect.release.stage:publish",
        inputs=("begin", "crawl", "curate", "train", "export", "price"),
        owns=(),
        packages=(*GROUND, "autodetect.release"),
        settings=("channel", "crawl", "release.minimum_app_version"),
        retries=2,
        always=True,
        signs=True,
    ),
    Stage(
        "report",
        "autodetect.report.stage:report",
        inputs=("begin", "crawl", "curate", "train", "export", "price", "publish"),
        owns=(),
        packages=(
            "autodetect.lake",
            "autodetect.dataset",
            "autodetect.classifier",
            "autodetect.prices",
            "autodetect.report",
        ),
        settings=("channel", "crawl"),
        partial_inputs=True,
    ),
)
# No stage of a night: runs of a kind of their own, on the newest train receipt.
FINETUNE = Stage(
    "finetune",
    "autodetect.classifier.finetune.stage:finetune",
    inputs=("begin", "train"),
    owns=(),
    packages=(*GROUND, "autodetect.embeddings", "autodetect.photos", "autodetect.classifier"),
    settings=("seed", "finetune", "photos.max_pixels"),
)
BY_NAME = {stage.name: stage for stage in (*STAGES, FINETUNE)}
