"""A snapshot's splits as arrays: embeddings, classes, vehicles."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.dataset.snapshots import SPLITS, Snapshot
from autodetect.embeddings.engine import engine_name, from_bytes
from autodetect.errors import CorruptError
from autodetect.lake.lake import Lake
from autodetect.lake.schemas import EMBEDDINGS
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


def load_examples(
    lake: Lake, run: StageRun, shot: Snapshot, backbone: str, *, engine: str | None = None, view: str | None = None
) -> dict[str, Examples]:
    """Return the snapshot's splits with the embeddings of one backbone by one engine.

    Args:
        lake: holds `embeddings`.
        run: names the version that holds them.
        shot: tonight's snapshot.
        backbone: digest of the backbone.
        engine: the engine that embedded them all; by default what this process would embed with.
        view: the view of the photos, where embeddings of several are kept.

    Raises:
        CorruptError: a photo of the snapshot was never embedded by it, or embeddings differ in length.
    """
    engine = engine or engine_name()
    wanted = (pc.field("backbone") == backbone) & (pc.field("engine") == engine)
    if view is not None:
        wanted &= pc.field("view") == view
    rows = lake.tables.read(
        EMBEDDINGS, version=run.versions[EMBEDDINGS.name], columns=["sha256", "vector"], where=wanted
    )
    vectors = dict(zip(rows["sha256"].to_pylist(), rows["vector"].to_pylist(), strict=True))
    missing = sorted(set(shot.rows["sha256"].to_pylist()) - set(vectors))
    if missing:
        raise CorruptError(
            f"{len(missing)} photos of the snapshot have no embedding by {backbone[:12]} and {engine}, "
            f"first {missing[0]}",
            "run `autodetect curate` for the night they came",
        )
    return {split: _examples(shot.rows.filter(pc.equal(shot.rows["split"], split)), vectors) for split in SPLITS}


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


def _examples(rows: pa.Table, vectors: dict[str, bytes]) -> Examples:
    photos = rows["sha256"].to_pylist()
    dimension = len(next(iter(vectors.values()))) // _STORED.itemsize if vectors else 0
    return Examples(
        x=from_bytes([vectors[sha256] for sha256 in photos], dimension),
        class_ids=np.array(rows["class_id"].to_pylist(), dtype=np.int64),
        vehicles=np.array(rows["vehicle_id"].to_pylist(), dtype=str),
        photos=photos,
    )
