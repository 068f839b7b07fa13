"""A snapshot's splits as arrays: embeddings, classes, vehicles."""

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

EMBEDDING_DIMENSION = 2048


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


def load_examples(lake: Lake, run: StageRun, shot: Snapshot, backbone: str) -> dict[str, Examples]:
    """Return the snapshot's splits with the embeddings of the backbone whose digest is given.

    Raises:
        CorruptError: a photo of the snapshot was never embedded by it.
    """
    wanted = (pc.field("backbone") == backbone) & (pc.field("engine") == engine_name())
    rows = lake.tables.read(
        EMBEDDINGS, version=run.versions[EMBEDDINGS.name], columns=["sha256", "vector"], where=wanted
    )
    vectors = dict(zip(rows["sha256"].to_pylist(), rows["vector"].to_pylist(), strict=True))
    missing = sorted(set(shot.rows["sha256"].to_pylist()) - set(vectors))
    if missing:
        raise CorruptError(
            f"{len(missing)} photos of the snapshot have no embedding by {backbone[:12]}, first {missing[0]}",
            "run `autodetect curate` for the night they came",
        )
    return {split: _examples(shot.rows.filter(pc.equal(shot.rows["split"], split)), vectors) for split in SPLITS}


def _examples(rows: pa.Table, vectors: dict[str, bytes]) -> Examples:
    photos = rows["sha256"].to_pylist()
    return Examples(
        x=from_bytes([vectors[sha256] for sha256 in photos], EMBEDDING_DIMENSION),
        class_ids=np.array(rows["class_id"].to_pylist(), dtype=np.int64),
        vehicles=np.array(rows["vehicle_id"].to_pylist(), dtype=str),
        photos=photos,
    )
