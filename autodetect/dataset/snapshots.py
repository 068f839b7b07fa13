"""Snapshots: which photo is which class in which split, and why. The same lake gives the same snapshot."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd
import pyarrow as pa

from autodetect.dataset.candidates import among
from autodetect.dataset.evidence import Evidence
from autodetect.dataset.leaks import check_leaks
from autodetect.lake.schemas import SNAPSHOTS
from autodetect.records import canonical_digest

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Snapshot:
    """An immutable choice of photos. `class_ids` are the classes in it, ascending."""

    snapshot_id: str
    rows: pa.Table
    class_ids: tuple[int, ...]


def snapshot(
    found: pd.DataFrame, classes: Mapping[str, int], *, night: date, evidence: Evidence | None = None
) -> Snapshot:
    """Choose the candidates of admitted classes.

    Args:
        found: candidates (`candidates.COLUMNS`), in any order.
        classes: make_model_id -> class_id of the active classes.
        night: tonight.
        evidence: the raw tables that the leak check looks at.

    Returns:
        The snapshot; its rows (`SNAPSHOTS`) are one chunk, sorted by sha256.

    Raises:
        HeldError: something stands in two splits: evaluation would be a lie.
    """
    chosen = in_classes(found, classes)
    check_leaks(chosen, evidence)
    columns = {name: chosen[name].tolist() for name in ("sha256", "make_model_id", "split", "vehicle_id")}
    columns["class_id"] = [classes[model] for model in columns["make_model_id"]]
    content = zip(*(columns[name] for name in ("sha256", "class_id", "split", "vehicle_id")), strict=True)
    snapshot_id = canonical_digest([list(row) for row in content])
    columns |= {"snapshot_id": [snapshot_id] * len(chosen), "night": [night] * len(chosen)}
    arrays = [pa.array(columns[field.name], field.type) for field in SNAPSHOTS.schema]
    rows = pa.Table.from_arrays(arrays, schema=SNAPSHOTS.schema)
    return Snapshot(snapshot_id, rows, tuple(sorted(set(columns["class_id"]))))


def in_classes(found: pd.DataFrame, classes: Mapping[str, int]) -> pd.DataFrame:
    """Return the candidates that show one of these classes, by sha256."""
    return found[among(found["make_model_id"], classes)].sort_values("sha256", ignore_index=True)


def outside_classes(found: pd.DataFrame, classes: Mapping[str, int]) -> pd.DataFrame:
    """Return the candidates that show none of these classes, by sha256."""
    return found[~among(found["make_model_id"], classes)].sort_values("sha256", ignore_index=True)


def counts_by_split(rows: pa.Table) -> dict[str, int]:
    """Return photos and vehicles per split, as counters for a receipt."""
    photos = Counter(rows["split"].to_pylist())
    pairs = set(zip(rows["split"].to_pylist(), rows["vehicle_id"].to_pylist(), strict=True))
    vehicles = Counter(split for split, _ in pairs)
    return {
        f"snapshot/{split}_{unit}": counts[split]
        for split in SPLITS
        for unit, counts in (("photos", photos), ("vehicles", vehicles))
    }


def counts_by_class(rows: pa.Table) -> dict[str, dict[str, list[int]]]:
    """Return class id (as text) -> split -> [photos, vehicles]."""
    frame = rows.select(["class_id", "split", "sha256", "vehicle_id"]).to_pandas()
    groups = frame.groupby(["class_id", "split"])
    counts = groups.agg(photos=("sha256", "size"), vehicles=("vehicle_id", "nunique"))
    found: dict[str, dict[str, list[int]]] = {}
    for (class_id, split), photos, vehicles in zip(counts.index, counts["photos"], counts["vehicles"], strict=True):
        found.setdefault(str(class_id), {})[split] = [int(photos), int(vehicles)]
    return found
