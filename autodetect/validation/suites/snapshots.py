"""The suite of `snapshots`: tonight's training set has no photo twice, no vehicle in two splits, no unknown class."""

import pyarrow as pa

from autodetect.lake.schemas import SNAPSHOTS
from autodetect.validation.frames import among, first_of, frame_of
from autodetect.validation.rule import Judged, Suite, holds, matches, one_of, unique
from autodetect.validation.suites.vehicles import SPLITS


def snapshots(rows: pa.Table, *, classes: pa.Table, photos: pa.Table) -> Judged:
    """Return the suite and its frame.

    Args:
        rows: tonight's snapshot.
        classes: all classes, tonight's among them (`class_id`, `make_model_id`).
        photos: the photos that may train: rows of `photos` whose verdict is ok (`sha256`).
    """
    frame = frame_of(
        rows,
        [*SNAPSHOTS.key, "split", "vehicle_id"],
        one_split=first_of(rows, "vehicle_id", "split"),
        class_known=among(rows, ("class_id", "make_model_id"), [classes]),
        photo_known=among(rows, ("sha256",), [photos]),
    )
    rules = (
        unique("snapshots.keys_repeat", SNAPSHOTS.key),
        one_of("snapshot.split_unknown", "held", "split", SPLITS),
        matches("snapshot.vehicle_empty", "held", "vehicle_id", r"\S"),
        holds("snapshot.vehicle_in_two_splits", "held", "one_split"),
        holds("snapshot.class_unknown", "held", "class_known"),
        holds("snapshot.photo_unknown", "held", "photo_known"),
    )
    return Suite("snapshots", SNAPSHOTS.key, rules), frame
