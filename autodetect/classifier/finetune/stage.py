"""The fine-tune stage: deep training on the photos of the last snapshot, whose result is proposed as next backbone.

It never publishes and changes no table. The nights that follow embed all photos anew, in the background, train a head
on the new embeddings and let the gate decide between it and the champion, which stays until then.
"""

import logging
import math
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.classifier.finetune.batches import Labelled
from autodetect.classifier.finetune.due import champion_of, check_from_layer, untrained
from autodetect.classifier.finetune.lake_photos import Gathered, Wanted, gather
from autodetect.classifier.finetune.loop import FinetuneRecord
from autodetect.classifier.finetune.loop import finetune as train_deeply
from autodetect.classifier.finetune.network import Network, build_network
from autodetect.classifier.finetune.scratch import finetune_folder, photos_folder
from autodetect.classifier.finetune.start import Head, champion_head, fresh_head
from autodetect.classifier.head import save_head
from autodetect.classifier.lineage import library_flags, library_versions
from autodetect.embeddings.backbone import BackboneRecord, digest_of
from autodetect.embeddings.pin import load_backbone, propose, record_of
from autodetect.errors import UsageError
from autodetect.lake.lake import Lake
from autodetect.lake.schemas import SNAPSHOTS
from autodetect.records import Receipt, StageRun, canonical_digest
from autodetect.settings import Settings

# Photos are kept larger than the input, so that a crop of most of a photo is not enlarged (256 pixels for 224).
_MARGIN = 8 / 7
_MOST_NAMED = 20

log = logging.getLogger(__name__)


def finetune(settings: Settings, lake: Lake, run: StageRun, *, work: Path) -> Receipt:
    """Train the champion's backbone and head on the last snapshot; propose the backbone as the next one.

    A backbone of random weights that was never trained is trained whole, with a fresh head and batch norm learning its
    statistics; any other from `finetune.from_layer` up, with the champion's head and batch norm in inference mode.
    Killed, it goes on from its last checkpoint in `work` and ends with the same bits.

    Args:
        settings: of the fine-tune; the seed.
        lake: reads the snapshot, the champion and photos; gains the files of backbone and head, and the proposal.
        run: its input `train` is the last train receipt, which names snapshot and champion.
        work: local scratch folder: photos decoded, checkpoints, TensorBoard logs.

    Raises:
        UsageError: there is no champion, no such block, or no room for the photos.
        StageFailedError: the training diverged.
        CorruptError: backbone, head or a checkpoint is damaged.

    Returns:
        A receipt whose `facts` say what was trained from what, and how it went (`curve`, an entry per checkpoint);
        `run` has the photos trained on per second.
    """
    train, folder = run.inputs["train"], finetune_folder(work)
    champion, shot = champion_of(train), train.facts["snapshot_id"]
    record = record_of(lake.objects, champion.backbone)
    check_from_layer(record, settings.finetune)
    seed = seed_of(settings, shot)
    backbone = load_backbone(lake.objects, record, work)
    rows = _snapshot_rows(lake, train)
    if fresh := untrained(record):
        classes = sorted(set(rows["train"]["class_id"].to_pylist()))
        head = fresh_head(int(backbone.output_shape[-1]), classes, settings.finetune, seed)
    else:
        head = champion_head(lake, champion, work)
    # Built before a photo is read: what is wrong with the settings is told at once.
    network = build_network(backbone, head.model, settings.finetune, from_random=fresh)
    if len(network.trained.trainable_weights) == len(head.model.trainable_weights):
        raise UsageError(
            f"finetune.from_layer is {settings.finetune.from_layer!r}: from there up the backbone has no weights",
            "name a layer further down",
        )
    photos = _photos(settings, lake, rows, head=head, record=record, work=work)
    done = train_deeply(
        network,
        photos.training,
        photos.validation,
        settings=settings.finetune,
        seed=seed,
        folder=folder,
        data=photos.digest(shot, record),
    )
    made = propose(lake.objects, backbone, _next_record(backbone, record, shot, network), work)
    log.info("fine-tune: the backbone %s is proposed as the next one, after %s", made.digest[:12], record.digest[:12])
    path = work / "finetuned_head.keras"
    save_head(head.model, path)
    return run.receipt(
        "finetune",
        files={"backbone": made.file_sha256, "head": lake.artifacts.put_file(path)},
        counts={"steps": settings.finetune.steps, "classes": len(head.class_ids), **photos.counts},
        facts={
            "snapshot_id": shot,
            "champion": champion.head,
            "parent": record.digest,
            "backbone": made.model_dump(mode="json"),
            "class_ids": list(head.class_ids),
            "head_start": "fresh" if fresh else "champion",
            **_facts(done),
            "versions": library_versions(),
            "flags": library_flags(os.environ),
            "vanished": list(photos.vanished[:_MOST_NAMED]),
            "warned": photos.warned,
        },
        run={
            "training_seconds": done.seconds,
            "photos_per_second": done.photos_per_second,
            "times_resumed": float(len(done.resumed_at)),
        },
    )


def seed_of(settings: Settings, snapshot_id: str) -> int:
    """Return the seed of a fine-tune, below 2**31: of its snapshot, not of the day on which it runs or goes on."""
    return int(canonical_digest([settings.seed, "finetune", snapshot_id])[:8], 16) % 2**31


class _Photos(NamedTuple):
    """What is trained and validated on, and what had to be left out."""

    training: Labelled
    validation: Labelled
    gathered: dict[str, Gathered]
    digests: dict[str, tuple[str, ...]]
    unknown: int

    @property
    def vanished(self) -> tuple[str, ...]:
        return tuple(sha256 for gathered in self.gathered.values() for sha256 in gathered.vanished)

    @property
    def counts(self) -> dict[str, int]:
        return {
            **{f"photos_{split}": len(gathered.kept) for split, gathered in self.gathered.items()},
            "photos_vanished": len(self.vanished),
            "photos_of_unknown_classes": self.unknown,
        }

    @property
    def warned(self) -> list[str]:
        total = sum(map(len, self.digests.values()))
        return [f"{len(self.vanished)} of {total} photos are gone and were left out"] if self.vanished else []

    def digest(self, snapshot_id: str, record: BackboneRecord) -> str:
        """Return what names the photos: two trainings on other photos must not share checkpoints."""
        sides = [gathered.pixels.shape[1] for gathered in self.gathered.values()]
        labels = [self.training.labels.tolist(), self.validation.labels.tolist()]
        return canonical_digest([snapshot_id, record.preprocessing, sides, labels, self.digests, self.vanished])


def _snapshot_rows(lake: Lake, train: Receipt) -> dict[str, pa.Table]:
    """Return the rows of training and validation, by sha256, as the train receipt names them."""
    rows = lake.tables.read(
        SNAPSHOTS,
        version=train.versions[SNAPSHOTS.name],
        columns=["sha256", "class_id", "split"],
        where=pc.field("snapshot_id") == train.facts["snapshot_id"],
    ).sort_by("sha256")
    return {split: rows.filter(pc.equal(rows["split"], split)) for split in ("train", "validation")}


def _photos(
    settings: Settings, lake: Lake, rows: dict[str, pa.Table], *, head: Head, record: BackboneRecord, work: Path
) -> _Photos:
    """Return the photos of classes that the head knows, with their outputs."""
    output = {class_id: index for index, class_id in enumerate(head.class_ids)}
    sides = {"train": math.ceil(record.input_size * _MARGIN), "validation": record.input_size}
    found, given, digests = {}, {}, {}
    for split, side in sides.items():
        known = rows[split].filter(
            pc.is_in(rows[split]["class_id"], pa.array(head.class_ids, rows[split].schema.field("class_id").type))
        )
        digests[split] = tuple(known["sha256"].to_pylist())
        found[split] = gather(
            lake.photos,
            Wanted(digests[split], side, record.geometry),
            max_pixels=settings.photos.max_pixels,
            folder=photos_folder(work),
            threads=settings.finetune.loaders or os.cpu_count() or 1,
        )
        labels: npt.NDArray[np.int64] = np.array([output[c] for c in known["class_id"].to_pylist()], dtype=np.int64)
        given[split] = Labelled(found[split].pixels, labels[found[split].kept])
    unknown = sum(table.num_rows for table in rows.values()) - sum(map(len, digests.values()))
    return _Photos(given["train"], given["validation"], found, digests, unknown)


def _next_record(backbone: Any, parent: BackboneRecord, snapshot_id: str, network: Network) -> BackboneRecord:
    """Return the record of what was trained; ImageNet's own last layer does not fit it any more."""
    note = parent.note
    if network.batch_norm == "training":
        note = "the backbone was trained from random weights on this lake's photos alone"
    return parent.model_copy(
        update={
            "digest": digest_of(backbone, parent.input_size, parent.geometry, parent.architecture),
            "file_sha256": "",
            "note": note,
            "imagenet_head": "",
            "parent": parent.digest,
            "snapshot_ids": (*parent.snapshot_ids, snapshot_id),
            "batch_norm": network.batch_norm,
        }
    )


def _facts(done: FinetuneRecord) -> dict[str, Any]:
    """Return what a training was and how it went, without what differs between equal runs."""
    told = done.model_dump(mode="json", exclude={"history", "resumed_at", "seconds", "photos_per_second"})
    curve = [{name: value for name, value in entry.items() if name != "seconds"} for entry in done.history]
    return {**told, "curve": curve}
