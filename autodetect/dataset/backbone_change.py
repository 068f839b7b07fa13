"""A change of the backbone: proposed by a person, embedded ahead, settled by the gate; and how far it is."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from autodetect.dataset.embedded_so_far import earlier_engines, held_in_table
from autodetect.dataset.embedding import Embedder
from autodetect.dataset.embedding_plan import bounded, photo_count
from autodetect.dataset.renewal import missing_of
from autodetect.dataset.wanted_views import Photos
from autodetect.embeddings import backbone
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.pin import earlier_pins, propose, read_next, read_pin
from autodetect.errors import UsageError
from autodetect.lake.lake import Lake
from autodetect.lake.lease import Fence
from autodetect.lake.schemas import LISTING_PHOTOS, PHOTOS, VEHICLES, Table
from autodetect.records import Receipt, Record
from autodetect.sections import BackboneSettings
from autodetect.settings import Settings


class BackboneState(Record):
    """The lake's backbones: the pinned one, the next one, those before; and what the last curation says.

    `champion` is the digest of the champion's backbone; `missing` counts the embeddings that the next one lacked then.
    """

    pinned: BackboneRecord | None = None
    next: BackboneRecord | None = None
    before: tuple[BackboneRecord, ...] = ()
    champion: str = ""
    engine: str = ""
    night: date | None = None
    missing: int | None = None


class Renewed(Record):
    """What embedding ahead did: embeddings `made` and `left` to make, and photos `lost` from the photo store."""

    backbone: str
    made: int
    left: int
    lost: int


def state_of(lake: Lake) -> BackboneState:
    """Return which backbones a lake has. Changes nothing."""
    receipts = lake.receipts.all()
    curated = _newest(receipts, "curate")
    told = (curated.facts.get("embeddings") if curated else None) or {}
    proposed, ahead = read_next(lake.objects), told.get("next") or {}
    known = proposed is not None and ahead.get("backbone") == proposed.digest
    return BackboneState(
        pinned=read_pin(lake.objects),
        next=proposed,
        before=tuple(earlier_pins(lake.objects)),
        champion=_champion(receipts),
        engine=told.get("engine", ""),
        night=curated.night if curated else None,
        missing=ahead["missing"] if known else None,
    )


def change(lake: Lake, asked: BackboneSettings, folder: Path, fence: Fence) -> BackboneRecord:
    """Build a backbone and propose it as the next one; return its record.

    Args:
        lake: which has a pinned backbone already.
        asked: the backbone that is wanted.
        folder: local scratch folder.
        fence: checked before anything is written.

    Raises:
        UsageError: it has random weights and there is a champion; it is the pinned one; the lake has none yet; its
            weights cannot be used.
    """
    champion = _champion(lake.receipts.all())
    if champion and asked.weights == "random":
        raise _random("random weights were asked for")
    built = backbone.build(asked)
    if champion and built.record.resolved == "random":
        raise _random("ImageNet's weights could not be had, which leaves random ones")
    fence.check()
    return propose(lake.objects, built.model, built.record, folder, head=built.head)


def renew_ahead(settings: Settings, lake: Lake, work: Path, *, most: int = 0) -> Renewed:
    """Embed photos by the next backbone into shards; the next curation puts those into the table.

    Args:
        settings: photo, backbone and evaluation settings.
        lake: its tables are read as receipts name them, and not written.
        work: local scratch folder.
        most: embeddings to make; 0: all that are missing.

    Raises:
        UsageError: the lake has no next backbone.
        StageFailedError: the backbone's values are unfit, or a process that embeds died.
    """
    proposed = read_next(lake.objects)
    if proposed is None:
        raise UsageError("the lake has no next backbone", "propose one: `autodetect backbone change --help`")
    receipts = lake.receipts.all()
    versions: dict[str, int] = {}
    for receipt in receipts:
        for name, version in receipt.versions.items():
            versions[name] = max(version, versions.get(name, 0))

    def read(table: Table, **options: Any) -> pa.Table:
        return lake.tables.read(table, version=versions.get(table.name, 0), **options)

    held = held_in_table(lake, read)
    embedder = Embedder(lake, settings, work, earlier_engines(_newest(receipts, "curate"), lake, held))
    photos = Photos(
        read(PHOTOS, columns=["sha256", "verdict", "copy_group"]),
        read(LISTING_PHOTOS, columns=["source", "item_id", "sha256"]),
        read(VEHICLES, columns=["source", "item_id", "vehicle_id", "split", "burned"]),
    )
    jobs = missing_of(embedder, proposed, photos, held)
    lost = made = 0
    for job in bounded(jobs, most):
        for done in embedder.compute(proposed, job.identity, job.photos):
            lost += len(done.lost)
            made += done.photos - len(done.lost)
    return Renewed(backbone=proposed.digest, made=made, left=photo_count(jobs) - made - lost, lost=lost)


def _newest(receipts: list[Receipt], stage: str) -> Receipt | None:
    return next((receipt for receipt in reversed(receipts) if receipt.stage == stage), None)


def _champion(receipts: list[Receipt]) -> str:
    """Return the digest of the champion's backbone, '' without a champion."""
    trained = _newest(receipts, "train")
    champion = trained.facts.get("champion") if trained else None
    return champion["backbone"] if champion else ""


def _random(why: str) -> UsageError:
    return UsageError(
        f"{why}, and there is a champion: no model on random weights will beat it, and nights would be spent on trying",
        "name a weights file (--weights FILE), or allow the download of ImageNet's; a lake without a champion may "
        "take random weights",
    )
