"""Embeddings of photos that are in no snapshot: unknown cars, and views as a phone would see them."""

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.embeddings.engine import from_bytes
from autodetect.lake.lake import Lake
from autodetect.lake.schemas import EMBEDDINGS
from autodetect.photos.inputs import PLAIN
from autodetect.records import StageRun


def load_vectors(
    lake: Lake, run: StageRun, photos: Collection[str], *, backbone: str, engine: str, view: str = PLAIN
) -> dict[str, npt.NDArray[np.float32]]:
    """Return photo -> embedding, float32 (d,), of those photos that have one: absence is for the caller to judge.

    Args:
        lake: holds `embeddings`.
        run: names the version that holds them.
        photos: sha256 digests; only their rows are read.
        backbone: digest of the backbone.
        engine: the engine that embedded them.
        view: 'plain', or another view of the photos.

    Raises:
        CorruptError: embeddings differ in length.
    """
    if not photos:
        return {}
    wanted = (pc.field("backbone") == backbone) & (pc.field("engine") == engine) & (pc.field("view") == view)
    rows = lake.tables.read(
        EMBEDDINGS,
        version=run.versions.get(EMBEDDINGS.name, 0),
        columns=["sha256", "vector"],
        where=wanted & pc.field("sha256").isin(pa.array(sorted(photos), pa.string())),
    )
    stored = rows["vector"].to_pylist()
    dimension = len(stored[0]) // 2 if stored else 0
    return dict(zip(rows["sha256"].to_pylist(), from_bytes(stored, dimension), strict=True))
