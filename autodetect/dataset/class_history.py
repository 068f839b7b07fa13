"""What the snapshots remember of vehicles: as which class each last trained, and what a class's own are called now."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.dataset.candidates import among
from autodetect.lake.schemas import SNAPSHOTS

_PLACE = ["sha256", "vehicle_id", "class_id", "snapshot_id", "night"]
Read = Callable[..., pa.Table]
ByModel = Mapping[str, Mapping[int, float]]
ByClass = Mapping[int, Mapping[str, float]]


def trained_as(read: Read, found: pd.DataFrame, models: Collection[str]) -> ByModel:
    """Return what the training vehicles of some make and models were, when they were last trained on.

    Args:
        read: reads the snapshots of the nights before; only what shows these vehicles or their photos.
        found: tonight's candidates (`candidates.COLUMNS`).
        models: make_model_ids.

    Returns:
        make_model_id -> class id -> share of its training vehicles that were last trained as that class.
    """
    fit = found[among(found["make_model_id"], models) & (found["split"] == "train")]
    if fit.empty:
        return {}
    seen = pc.field("sha256").isin(_texts(fit["sha256"])) | pc.field("vehicle_id").isin(_texts(fit["vehicle_id"]))
    past = read(SNAPSHOTS, columns=_PLACE, where=(pc.field("split") == "train") & seen).to_pandas()
    by_photo = past["sha256"].map(fit.set_index("sha256")["vehicle_id"])
    past["vehicle"] = past["vehicle_id"].where(among(past["vehicle_id"], fit["vehicle_id"]), by_photo)
    last = past.sort_values(["night", "snapshot_id", "sha256"]).drop_duplicates("vehicle", keep="last")
    now = fit[["make_model_id", "vehicle_id"]].drop_duplicates()
    was = now.merge(last[["vehicle", "class_id"]], left_on="vehicle_id", right_on="vehicle")
    return _shares(was, "make_model_id", "class_id", now["make_model_id"].value_counts())


def named_now(
    read: Read,
    found: pd.DataFrame,
    class_ids: Collection[int],
    *,
    before: str | None,
    copy_groups: Mapping[str, str],
) -> ByClass:
    """Return what the vehicles of some classes, as the last snapshot with each held them, are called tonight.

    Args:
        read: reads the snapshots of the nights before; only what shows these classes.
        found: tonight's candidates (`candidates.COLUMNS`).
        class_ids: the classes.
        before: the snapshot of the night before: the last one, whatever night it was first chosen on.
        copy_groups: sha256 -> copy group as of tonight, as far as it differs.

    Returns:
        class id -> make_model_id -> share of the class's vehicles that carry that name tonight.
    """
    if not class_ids:
        return {}
    held = read(SNAPSHOTS, columns=_PLACE, where=pc.field("class_id").isin(sorted(class_ids))).to_pandas()
    held["newest"] = held["snapshot_id"] == before
    held = held.sort_values(["newest", "night", "snapshot_id", "sha256"])
    last = held.drop_duplicates("class_id", keep="last")[["class_id", "snapshot_id"]]
    held = held.merge(last, on=["class_id", "snapshot_id"])
    by_vehicle = held["vehicle_id"].map(found.drop_duplicates("vehicle_id").set_index("vehicle_id")["make_model_id"])
    groups = held["sha256"].map(lambda sha256: copy_groups.get(sha256, sha256))
    by_photo = groups.map(found.set_index("sha256")["make_model_id"])
    held["model"] = by_vehicle.where(by_vehicle.notna(), by_photo)
    named = held[held["model"].notna()].drop_duplicates(["class_id", "vehicle_id"])
    sizes = held[["class_id", "vehicle_id"]].drop_duplicates()["class_id"].value_counts()
    return _shares(named, "class_id", "model", sizes)


def _shares(rows: pd.DataFrame, whose: str, what: str, sizes: pd.Series) -> dict[Any, dict[Any, float]]:
    """Return `whose` -> `what` -> rows of it as a share of `sizes[whose]`."""
    shares: dict[Any, dict[Any, float]] = {}
    for (owner, value), count in rows.groupby([whose, what]).size().items():
        shares.setdefault(owner, {})[value] = float(count / sizes[owner])
    return shares


def _texts(column: pd.Series) -> pa.Array:
    return pa.array(column.unique(), pa.string())
