"""The test photos of a model as network input: what its packages are tried on."""

import hashlib
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.coreml.candidate import Candidate
from autodetect.coreml.parity.pictures import generated_pictures
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.geometry import to_input
from autodetect.errors import CorruptError
from autodetect.lake.blobs import BlobStore
from autodetect.lake.lake import Lake
from autodetect.lake.objects import ObjectMissingError
from autodetect.lake.schemas import SNAPSHOTS
from autodetect.photos.decode import decode

Pixels = npt.NDArray[np.uint8]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrialPhotos:
    """Photos in an order that has nothing to do with what they show.

    `pixels` uint8 (n, size, size, 3), RGB; `class_ids` (n,) int64; `vehicles` (n,) text; `gone` counts photos that the
    lake no longer has whole.
    """

    pixels: Pixels
    class_ids: npt.NDArray[np.int64]
    vehicles: npt.NDArray[np.str_]
    gone: int = 0

    def topped_up(self, count: int) -> Pixels:
        """Return the first `count` photos, uint8 (count, size, size, 3); generated pictures where there are fewer."""
        missing = count - len(self.pixels)
        if missing <= 0:
            return self.pixels[:count]
        return np.concatenate([self.pixels, generated_pictures(missing, self.pixels.shape[1])])


def read_trial_photos(lake: Lake, candidate: Candidate, version: int, *, most: int, max_pixels: int) -> TrialPhotos:
    """Return test photos of the model's snapshot whose class it answers, of whole vehicles.

    Vehicles come in the order of a digest of their id; one with more photos than are left of `most` is passed over.

    Args:
        lake: its snapshots and photos.
        candidate: the model.
        version: of the `snapshots` table.
        most: photos, at most.
        max_pixels: as they were examined with.

    Raises:
        DependencyDownError: the photo store does not answer.
    """
    rows = _chosen(lake, candidate, version, most)
    read = partial(_input_of, lake.photos, backbone=candidate.backbone, max_pixels=max_pixels)
    size = candidate.backbone.input_size
    pixels = np.empty((rows.num_rows, size, size, 3), np.uint8)
    kept: list[int] = []
    reasons: list[str] = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for row, found in enumerate(pool.map(read, rows["sha256"].to_pylist())):
            if isinstance(found, str):
                reasons.append(found)
            else:
                pixels[len(kept)] = found
                kept.append(row)
    if reasons:
        log.warning(
            "export: %d of %d test photos are left out, the first because %s", len(reasons), rows.num_rows, reasons[0]
        )
    rows = rows.take(pa.array(kept, pa.int64()))
    return TrialPhotos(
        pixels=pixels[: len(kept)],
        class_ids=np.array(rows["class_id"].to_pylist(), np.int64),
        vehicles=np.array(rows["vehicle_id"].to_pylist(), str),
        gone=len(reasons),
    )


def _chosen(lake: Lake, candidate: Candidate, version: int, most: int) -> pa.Table:
    """Return the rows of the snapshot that are looked at, in order."""
    silent = set(candidate.silent)
    answered = [class_id for output, class_id in enumerate(candidate.champion.class_ids) if output not in silent]
    rows = lake.tables.read(
        SNAPSHOTS,
        version=version,
        columns=["sha256", "class_id", "vehicle_id"],
        where=(pc.field("snapshot_id") == candidate.champion.snapshot_id)
        & (pc.field("split") == "test")
        & pc.field("class_id").isin(answered),
    )
    of_vehicle: dict[str, list[int]] = {}
    order = sorted(range(rows.num_rows), key=rows["sha256"].to_pylist().__getitem__)
    vehicles = rows["vehicle_id"].to_pylist()
    for row in order:
        of_vehicle.setdefault(vehicles[row], []).append(row)
    taken: list[int] = []
    for vehicle in sorted(of_vehicle, key=_scattered):
        if len(taken) + len(of_vehicle[vehicle]) <= most:
            taken += of_vehicle[vehicle]
    return rows.take(pa.array(taken, pa.int64()))


def _scattered(vehicle: str) -> str:
    return hashlib.sha256(f"export {vehicle}".encode()).hexdigest()


def _input_of(photos: BlobStore, sha256: str, *, backbone: BackboneRecord, max_pixels: int) -> Pixels | str:
    """Return the photo, uint8 (size, size, 3), or why there is none."""
    try:
        decoded = decode(photos.read(sha256), max_pixels=max_pixels)
    except ObjectMissingError:
        return f"{sha256} is missing in the lake"
    except CorruptError as error:
        return error.what
    if decoded.image is None:
        return f"{sha256} was sound and is now {decoded.rule}"
    return to_input(decoded.image, backbone.input_size, backbone.geometry)
