"""A snapshot's splits as arrays: embeddings, classes, vehicles."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial, reduce

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.classifier.embedded import EmbeddedBy
from autodetect.classifier.photo_vectors import read_vectors
from autodetect.dataset.snapshots import SPLITS, Snapshot
from autodetect.embeddings.engine import from_bytes
from autodetect.errors import CorruptError
from autodetect.lake.lake import Lake
from autodetect.photos.inputs import MIRROR
from autodetect.records import StageRun

_STORED = np.dtype("<f2")


@dataclass(frozen=True)
class Examples:
    """One split: `x` (n, d) float32, `class_ids` (n,) int64, `vehicles` (n,) text, `photos` their digests."""

    x: npt.NDArray[np.float32]
    class_ids: npt.NDArray[np.int64]
    vehicles: npt.NDArray[np.str_]
    photos: list[str]

    def outputs(self, class_ids: tuple[int, ...]) -> npt.NDArray[np.int64]:
        """Return the model output of each photo's class, shape (n,)."""
        output = {class_id: index for index, class_id in enumerate(class_ids)}
        return np.array([output[class_id] for class_id in self.class_ids.tolist()], dtype=np.int64)

    def only(self, class_ids: tuple[int, ...]) -> "Examples":
        """Return the photos that show one of these classes."""
        kept = np.isin(self.class_ids, class_ids)
        photos = [sha256 for sha256, keep in zip(self.photos, kept.tolist(), strict=True) if keep]
        return Examples(self.x[kept], self.class_ids[kept], self.vehicles[kept], photos)

    def and_also(self, other: "Examples") -> "Examples":
        """Return these photos followed by those."""
        if not other.photos or not self.photos:  # where nothing was read, nobody knows how long a vector is
            return self if self.photos else other
        return Examples(
            np.concatenate([self.x, other.x]),
            np.concatenate([self.class_ids, other.class_ids]),
            np.concatenate([self.vehicles, other.vehicles]),
            [*self.photos, *other.photos],
        )


def load_examples(
    lake: Lake,
    run: StageRun,
    shot: Snapshot,
    embedder: EmbeddedBy,
    *,
    photos: Collection[str] | None = None,
    mirrored: bool = False,
) -> dict[str, Examples]:
    """Return the snapshot's splits with the embeddings of one backbone.

    Args:
        lake: holds `embeddings`.
        run: names the version that holds them.
        shot: tonight's snapshot.
        embedder: the backbone, and the engines of training photos and of those that figures come from.
        photos: only these; None: all.
        mirrored: training photos count twice, the second time mirrored, as far as that view was embedded.

    Raises:
        CorruptError: a photo of the snapshot was never embedded by it though its file is there, or embeddings differ in
            length.
    """
    read = partial(read_vectors, lake, run, photos, backbone=embedder.backbone)
    plain = read(engine=embedder.engine)
    judging = plain if embedder.judging == embedder.engine else read(engine=embedder.judging)
    chosen = shot.rows if photos is None else _among(shot.rows, photos)
    splits = {}
    for split in SPLITS:
        rows = chosen.filter(pc.equal(chosen["split"], split))
        vectors = plain if split == "train" else judging
        splits[split] = _examples(_among(rows, vectors) if embedder.lost else rows, vectors, embedder)
    if mirrored:
        other = read(engine=embedder.engine, view=MIRROR)
        rows = _among(chosen.filter(pc.equal(chosen["split"], "train")), other)
        splits["train"] = splits["train"].and_also(_examples(rows, other, embedder))
    return splits


def everything(splits: Mapping[str, Examples]) -> Examples:
    """Return the photos of all splits, one split after the other."""
    return reduce(Examples.and_also, splits.values())


def answerable(
    splits: Mapping[str, Examples], known: tuple[int, ...] = (), retired: frozenset[int] = frozenset()
) -> tuple[dict[str, Examples], tuple[int, ...]]:
    """Return the photos of classes that a model can answer, and the class ids left out.

    A class is learned from training photos, or known from before: one that has only validation or test photos cannot be
    answered by any output.

    Args:
        splits: train, validation and test.
        known: class ids that a warm start brings along.
        retired: class ids that no model answers any more.
    """
    present = {class_id for examples in splits.values() for class_id in examples.class_ids.tolist()}
    learned = tuple(sorted({*splits["train"].class_ids.tolist(), *known} - retired))
    absent = tuple(sorted(present - set(learned)))
    kept = {split: examples.only(learned) if absent else examples for split, examples in splits.items()}
    return kept, absent


def embeddings_digest(splits: Mapping[str, Examples]) -> str:
    """Return the SHA-256 (hex) of all embeddings a training used, as stored, with the photos they belong to."""
    digest = hashlib.sha256()
    for split in sorted(splits):
        examples = splits[split]
        digest.update("\n".join([split, *examples.photos, ""]).encode())
        digest.update(np.ascontiguousarray(examples.x, _STORED).tobytes())
    return digest.hexdigest()


def _among(rows: pa.Table, photos: Collection[str]) -> pa.Table:
    return rows.filter(pc.is_in(rows["sha256"], pa.array(sorted(photos), pa.string())))


def _examples(rows: pa.Table, vectors: dict[str, bytes], embedder: EmbeddedBy) -> Examples:
    photos = rows["sha256"].to_pylist()
    missing = sorted(set(photos) - set(vectors))
    if missing:
        raise CorruptError(
            f"{len(missing)} photos of the snapshot have no embedding by {embedder.backbone[:12]} and "
            f"{embedder.engine}, first {missing[0]}",
            "run `autodetect curate` for the night they came",
        )
    dimension = len(next(iter(vectors.values()))) // _STORED.itemsize if vectors else 0
    return Examples(
        x=from_bytes([vectors[sha256] for sha256 in photos], dimension),
        class_ids=np.array(rows["class_id"].to_pylist(), dtype=np.int64),
        vehicles=np.array(rows["vehicle_id"].to_pylist(), dtype=str),
        photos=photos,
    )
