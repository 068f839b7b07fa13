"""How tonight's photos were embedded, as curation's receipt says: by which backbone, which engine, in which views."""

from pydantic import Field

from autodetect.embeddings.engine import engine_name
from autodetect.embeddings.pin import read_pin
from autodetect.errors import CorruptError
from autodetect.lake.lake import Lake
from autodetect.photos.inputs import PLAIN
from autodetect.records import Record, StageRun


class EmbeddedBy(Record):
    """A backbone (its digest) and the engine that ran it.

    `missing` counts sound photos that it has yet to embed, `lost` those that it never will, because their files are
    gone. `evaluated_by` is the engine of validation and test photos where that is another one, in full precision.
    """

    backbone: str
    engine: str
    preprocessing: str = ""
    missing: int = 0
    lost: int = 0
    evaluated_by: str = ""

    @property
    def judging(self) -> str:
        """Return the engine whose embeddings every figure comes from."""
        return self.evaluated_by or self.engine


class Embedded(Record):
    """Tonight's embedders: the `current` one, and the `next` that is to take its place, where there is one."""

    current: EmbeddedBy
    next: EmbeddedBy | None = None
    views: tuple[str, ...] = Field((PLAIN,))

    @property
    def challenger(self) -> EmbeddedBy:
        """Return what tonight's challenger stands on: the next backbone as soon as it has embedded every photo."""
        return self.next if self.next is not None and not self.next.missing else self.current


def embedded_tonight(lake: Lake, run: StageRun) -> Embedded:
    """Return how curation embedded tonight's photos; receipts of earlier versions say nothing, the pin does.

    Raises:
        CorruptError: the lake has embeddings but no pinned backbone.
    """
    said = run.inputs["curate"].facts.get("embeddings")
    if said:
        current = {key: said[key] for key in EmbeddedBy.model_fields if key in said}
        ahead = said["next"] and EmbeddedBy(**said["next"], lost=said.get("next_lost", 0))
        return Embedded(current=EmbeddedBy(**current), next=ahead, views=tuple(said["views"]))
    backbone = read_pin(lake.objects)
    if backbone is None:
        raise CorruptError("the lake has embeddings but no pinned backbone", "restore models/backbone.json")
    return Embedded(
        current=EmbeddedBy(backbone=backbone.digest, engine=engine_name(), preprocessing=backbone.preprocessing)
    )
