"""A model on its way into a package: what its outputs stand for, which of them are silent, and its networks."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from autodetect.classifier.champion import Champion, ClassEntry, class_map, class_map_digest
from autodetect.coreml.outputs import outputs_to_silence
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.pin import load_backbone, record_of
from autodetect.errors import HeldError
from autodetect.lake.lake import Lake

if TYPE_CHECKING:
    import keras

    from autodetect.coreml.parity.reference import Reference

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Candidate:
    """A champion or challenger that is to be exported.

    Attributes:
        champion: its record.
        backbone: that of its backbone.
        entries: its outputs in order.
        silent: outputs of retired and withheld classes, which must not answer.
        permission: under which its photos were gathered.
    """

    champion: Champion
    backbone: BackboneRecord
    entries: tuple[ClassEntry, ...]
    silent: tuple[int, ...]
    permission: str

    @classmethod
    def of(cls, lake: Lake, champion: Champion, classes: Iterable[Mapping[str, Any]], permission: str) -> Self:
        """Return a model with the classes as the rows of `classes` have them.

        Raises:
            HeldError: none of its classes may be answered.
            CorruptError: the lake never had its backbone.
        """
        rows = list(classes)
        silent = outputs_to_silence(champion, rows)
        if len(silent) == len(champion.class_ids):
            raise HeldError("every class of the model is retired or withheld", "see the classes of the train stage")
        backbone = record_of(lake.objects, champion.backbone)
        return cls(champion, backbone, class_map(champion, rows), tuple(silent), permission)

    @property
    def labels(self) -> tuple[str, ...]:
        """Return what each output is called."""
        return tuple(entry.label for entry in self.entries)

    @cached_property
    def class_map_digest(self) -> str:
        """Return the digest that the model and the price tables of one release share."""
        return class_map_digest(self.entries)

    @property
    def temperature(self) -> float:
        """Return what one photo's log-probabilities are divided by."""
        return self.champion.temperatures.photo

    def networks(self, lake: Lake, work: Path) -> "Networks":
        """Return the model itself; `work` is a local scratch folder.

        Raises:
            CorruptError: a file of it is missing or damaged.
        """
        digest, head = _released_head(lake, self.champion, self.silent, work)
        return Networks(load_backbone(lake.objects, self.backbone, work), head, digest)


@dataclass(frozen=True)
class Networks:
    """A model's networks: `backbone`, and its `head` as it is released, not folded; `head_digest` is its file's."""

    backbone: "keras.Model"
    head: "keras.Model"
    head_digest: str

    def reference(self, candidate: Candidate) -> "Reference":
        """Return what the packages of this model are held against."""
        from autodetect.coreml.folding import folded_head
        from autodetect.coreml.parity.reference import Reference

        return Reference(self.backbone, folded_head(self.head, candidate.temperature), candidate.labels)


def _released_head(lake: Lake, champion: Champion, silent: tuple[int, ...], work: Path) -> tuple[str, "keras.Model"]:
    """Return the head as it is released, and its file's digest: silent outputs are masked if they are not yet."""
    from autodetect.classifier.head import load_head, mask_outputs, masked_outputs, save_head

    work.mkdir(parents=True, exist_ok=True)
    head = load_head(lake.artifacts.fetch(champion.released_head, work / "champion.keras"))
    if set(silent) <= masked_outputs(head):
        return champion.released_head, head
    head = mask_outputs(head, silent)
    save_head(head, work / "served.keras")
    log.info("export: %d outputs of retired or withheld classes are silent", len(silent))
    return lake.artifacts.put_file(work / "served.keras"), head
