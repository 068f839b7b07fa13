"""Snapshots: which photo is which class in which split, and why. The same lake gives the same snapshot."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from autodetect.errors import HeldError
from autodetect.lake.schemas import SNAPSHOTS
from autodetect.lake.tables import rows_of
from autodetect.records import Refusal, canonical_digest

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Candidate:
    """A photo that could be in a snapshot: its make and model, vehicle and split."""

    sha256: str
    make_model_id: str
    vehicle_id: str
    split: str


@dataclass(frozen=True)
class Snapshot:
    """An immutable choice of photos. `class_ids` are the classes in it, ascending."""

    snapshot_id: str
    rows: pa.Table
    class_ids: tuple[int, ...]


def candidates(
    photos: Iterable[Mapping[str, Any]],
    listing_photos: Iterable[Mapping[str, Any]],
    listings: Mapping[tuple[str, str], str | None],
    vehicles: Mapping[tuple[str, str], tuple[str, str]],
) -> tuple[list[Candidate], list[Refusal]]:
    """Return one photo per copy group with its make and model, vehicle and split.

    Args:
        photos: rows of `photos` (sha256, verdict, copy_group).
        listing_photos: rows of `listing_photos` (source, item_id, sha256).
        listings: listing -> make_model_id.
        vehicles: listing -> (vehicle_id, split).

    Returns:
        The candidates by sha256, and a refusal for every copy group, and for every vehicle, that is shown as different
        models: such photos train neither.
    """
    group_of = {row["sha256"]: row["copy_group"] for row in photos if row["verdict"] == "ok"}
    shown_by: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in listing_photos:
        group = group_of.get(row["sha256"])
        key = (row["source"], row["item_id"])
        if group is not None and key in vehicles:
            shown_by[group].add(key)
    found: list[Candidate] = []
    refusals: list[Refusal] = []
    models_of: dict[str, set[str]] = defaultdict(set)
    for group, keys in sorted(shown_by.items()):
        models = sorted({model for key in keys if (model := listings.get(key)) is not None})
        if len(models) > 1:
            value = ", ".join(models)
            refusals.append(Refusal(table="photos", key=group, rule="photo.models_conflict", value=value))
        elif models:
            vehicle_id, split = vehicles[min(keys)]
            found.append(Candidate(group, models[0], vehicle_id, split))
            models_of[vehicle_id].add(models[0])
    for vehicle_id, names in sorted(models_of.items()):
        if len(names) > 1:
            value = ", ".join(sorted(names))
            refusals.append(Refusal(table="vehicles", key=vehicle_id, rule="vehicle.models_conflict", value=value))
    return [candidate for candidate in found if len(models_of[candidate.vehicle_id]) == 1], refusals


def without_trained(
    found: Iterable[Candidate], past: Iterable[Mapping[str, Any]], copy_groups: Mapping[str, str | None]
) -> tuple[list[Candidate], list[Refusal]]:
    """Leave out what would be evaluated although a model was trained on it.

    Splits never change, but ties can be lost: a seller who replaces a photo, whose old one then shows up elsewhere.

    Args:
        found: the candidates.
        past: rows of `snapshots` (sha256, vehicle_id, split) of all nights.
        copy_groups: sha256 -> copy group as of tonight.

    Returns:
        The candidates that remain, and a refusal for each that does not.
    """
    trained: set[str] = set()
    for row in past:
        if row["split"] == "train":
            trained |= {row["vehicle_id"], copy_groups.get(row["sha256"]) or row["sha256"]}
    kept: list[Candidate] = []
    refusals: list[Refusal] = []
    for candidate in found:
        if candidate.split != "train" and trained & {candidate.sha256, candidate.vehicle_id}:
            rule = "photo.trained_before"
            refusals.append(Refusal(table="photos", key=candidate.sha256, rule=rule, value=candidate.split))
        else:
            kept.append(candidate)
    return kept, refusals


def admit(
    found: Iterable[Candidate],
    classes: Iterable[Mapping[str, Any]],
    labels: Mapping[str, str],
    *,
    min_vehicles: int,
    min_validation: int,
    min_test: int,
    night: date,
) -> list[dict[str, Any]]:
    """Return the rows of `classes` for the make and models that have enough vehicles for the first time.

    Class ids go up from the highest ever given, in the order of make_model_id; none is used twice.
    """
    vehicles: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for candidate in found:
        vehicles[candidate.make_model_id][candidate.split].add(candidate.vehicle_id)
    classes = list(classes)
    known = {row["make_model_id"] for row in classes}
    next_id = max((row["class_id"] for row in classes), default=-1) + 1
    admitted: list[dict[str, Any]] = []
    for model in sorted(set(vehicles) - known):
        count = {split: len(ids) for split, ids in vehicles[model].items()}
        enough = sum(count.values()) >= min_vehicles
        if enough and count.get("validation", 0) >= min_validation and count.get("test", 0) >= min_test:
            class_id = next_id + len(admitted)
            row = {"class_id": class_id, "make_model_id": model, "label": labels[model], "status": "active"}
            admitted.append({**row, "night": night})
    return admitted


def snapshot(found: Iterable[Candidate], classes: Mapping[str, int], *, night: date) -> Snapshot:
    """Choose the candidates of admitted classes.

    Args:
        found: the candidates.
        classes: make_model_id -> class_id of the active classes.
        night: tonight.

    Raises:
        HeldError: a vehicle stands in two splits: evaluation would be a lie.
    """
    chosen = sorted((c for c in found if c.make_model_id in classes), key=lambda c: c.sha256)
    check_leaks(chosen)
    content = [[c.sha256, classes[c.make_model_id], c.split, c.vehicle_id] for c in chosen]
    snapshot_id = canonical_digest(content)
    rows = rows_of(
        SNAPSHOTS,
        (
            {
                "snapshot_id": snapshot_id,
                "sha256": c.sha256,
                "class_id": classes[c.make_model_id],
                "make_model_id": c.make_model_id,
                "split": c.split,
                "vehicle_id": c.vehicle_id,
                "night": night,
            }
            for c in chosen
        ),
    )
    return Snapshot(snapshot_id, rows, tuple(sorted({classes[c.make_model_id] for c in chosen})))


def check_leaks(chosen: Iterable[Candidate]) -> None:
    """Raise `HeldError` when a vehicle or a photo stands in more than one split, naming the first of them."""
    splits: dict[str, set[str]] = defaultdict(set)
    for candidate in chosen:
        splits[candidate.vehicle_id].add(candidate.split)
        splits[candidate.sha256].add(candidate.split)
    leaking = sorted(name for name, found in splits.items() if len(found) > 1)
    if leaking:
        raise HeldError(
            f"{len(leaking)} vehicles or photos stand in more than one split, first {leaking[0]}",
            "this is a defect of vehicle grouping; the tables of the night before are untouched",
        )


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
