"""Stored embeddings, by photo: of a snapshot, of unknown cars, and of views as a phone would see them."""

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


def read_vectors(
    lake: Lake, run: StageRun, photos: Collection[str] | None = None, *, backbone: str, engine: str, view: str = PLAIN
) -> dict[str, bytes]:
    """Return photo -> embedding as it is stored (`engine.from_bytes` reads it), of those that have one.

    Args:
        lake: holds `embeddings`.
        run: names the version that holds them.
        photos: sha256 digests; only their rows are read. None: all.
        backbone: digest of the backbone.
        engine: the engine that embedded them.
        view: 'plain', or another view of the photos.
    """
    wanted = (pc.field("backbone") == backbone) & (pc.field("engine") == engine) & (pc.field("view") == view)
    if photos is not None:
        wanted &= pc.field("sha256").isin(pa.array(sorted(photos), pa.string()))
    version = run.versions.get(EMBEDDINGS.name, 0)
    rows = lake.tables.read(EMBEDDINGS, version=version, columns=["sha256", "vector"], where=wanted)
    return dict(zip(rows["sha256"].to_pylist(), rows["vector"].to_pylist(), strict=True))


def load_vectors(
    lake: Lake, run: StageRun, photos: Collection[str], *, backbone: str, engine: str, view: str = PLAIN
) -> dict[str, npt.NDArray[np.float32]]:
    """Return photo -> embedding, float32 (d,), of those photos that have one: absence is for the caller to judge.

    Arguments are those of `read_vectors`.

    Raises:
        CorruptError: embeddings differ in length.
    """
    if not photos:
        return {}
    stored = read_vectors(lake, run, photos, backbone=backbone, engine=engine, view=view)
    dimension = len(next(iter(stored.values()))) // 2 if stored else 0
    return dict(zip(stored, from_bytes(list(stored.values()), dimension), strict=True))
