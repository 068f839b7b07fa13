"""Which of tonight's test vehicles a model was trained on after all: the second lock before the gate.

The first is `candidates.without_trained`, which leaves them out of the snapshot; both should never find the same car.
"""

from collections.abc import Callable, Collection

import pyarrow as pa
import pyarrow.compute as pc

from autodetect.lake.schemas import SNAPSHOTS


def trained_on(
    read: Callable[..., pa.Table], rows: pa.Table, snapshot_ids: Collection[str] | None = None
) -> frozenset[str]:
    """Return the vehicles that stand as training in a snapshot, by their own id or by one of their photos.

    Args:
        read: `(table, columns=..., where=...) -> rows`; only what shows these vehicles or photos is read.
        rows: tonight's rows of evaluation (`sha256`, `vehicle_id`).
        snapshot_ids: the snapshots that the models in question were trained on, their backbones' lineage included; all
            that the lake holds if left out.
    """
    if not rows.num_rows:
        return frozenset()
    photos, vehicles = pc.unique(rows["sha256"]), pc.unique(rows["vehicle_id"])
    where = (pc.field("split") == "train") & (pc.field("sha256").isin(photos) | pc.field("vehicle_id").isin(vehicles))
    if snapshot_ids is not None:
        where &= pc.field("snapshot_id").isin(pa.array(sorted(snapshot_ids), pa.string()))
    past = read(SNAPSHOTS, columns=["sha256", "vehicle_id"], where=where)
    by_photo = pc.is_in(rows["sha256"], value_set=past["sha256"].combine_chunks())
    by_vehicle = pc.is_in(rows["vehicle_id"], value_set=past["vehicle_id"].combine_chunks())
    return frozenset(rows["vehicle_id"].filter(pc.or_(by_photo, by_vehicle)).to_pylist())
