"""Tonight's training set: the candidates, the classes, the caps, the leak check, and what changed since last time."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from autodetect.dataset.admission import Thin, Waiting
from autodetect.dataset.candidates import Conflict, among, candidates, shown_photos, without_trained
from autodetect.dataset.caps import capped
from autodetect.dataset.changes import Changes, changes, why_removed
from autodetect.dataset.class_changes import LEFT, ClassEvent
from autodetect.dataset.evidence import cut_ties, read_evidence, without_doubted
from autodetect.dataset.leaks import PhotoSplit, split_by_photo
from autodetect.dataset.settled_classes import settle_classes
from autodetect.dataset.snapshots import (
    Snapshot,
    counts_by_class,
    counts_by_split,
    in_classes,
    outside_classes,
    snapshot,
)
from autodetect.lake.schemas import (
    LISTING_PHOTOS,
    LISTINGS,
    PHOTOS,
    QUARANTINE,
    SNAPSHOTS,
    VEHICLES,
    Table,
)
from autodetect.records import Record, Refusal
from autodetect.settings import Settings

MOST_CONFLICTS = 20


class Read(Protocol):
    """How a table is read at the version that the night's receipts name."""

    def __call__(self, table: Table, *, columns: list[str] | None = None, where: Any = None) -> pa.Table:
        """Return rows of a table."""


class TrainingSetFacts(Record):
    """What a person is told of a snapshot.

    `classes` is class id -> split -> [photos, vehicles]; `over_vehicle` and `over_class` count the photos that the caps
    left out; `conflicts` are the first of `conflicts_in_all`; `changes` is None without an earlier snapshot.
    `class_events` are what became of classes tonight; `others` the vehicles of no class, by split.
    """

    classes: dict[str, dict[str, list[int]]] = Field(default_factory=dict)
    over_vehicle: int = 0
    over_class: int = 0
    by_photo: PhotoSplit | None = None
    waiting: tuple[Waiting, ...] = ()
    thin: tuple[Thin, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    conflicts_in_all: int = 0
    changes: Changes | None = None
    class_events: tuple[ClassEvent, ...] = ()
    others: dict[str, int] = Field(default_factory=dict)


@dataclass(frozen=True)
class TrainingSet:
    """Tonight's snapshot with all classes (rows), and everything refused.

    `changed` are the rows of `classes` to be written: `admitted`, which are new, and those that came back, left or were
    emptied. `others` are candidates of no class (`candidates.COLUMNS`), within the caps: of models that have too few
    vehicles, wait for a person, or were retired.
    """

    shot: Snapshot
    classes: list[dict[str, Any]]
    admitted: list[dict[str, Any]]
    changed: list[dict[str, Any]]
    others: pd.DataFrame
    refusals: list[Refusal]
    facts: TrainingSetFacts

    @property
    def retired(self) -> frozenset[int]:
        """Return the ids of the classes that no model answers any more."""
        return frozenset(row["class_id"] for row in self.classes if row["status"] == "retired")

    @property
    def counts(self) -> dict[str, int]:
        """Return counters for a receipt."""
        return {
            "classes": len(self.shot.class_ids),
            "classes_new": len(self.admitted),
            "classes_left": sum(event.kind in LEFT for event in self.facts.class_events),
            "classes_returned": sum(event.kind == "returned" for event in self.facts.class_events),
            "classes_thin": len(self.facts.thin),
            "classes_waiting": len(self.facts.waiting),
            "photos": self.shot.rows.num_rows,
            "photos_capped": self.facts.over_vehicle + self.facts.over_class,
            **counts_by_split(self.shot.rows),
        }


def choose_training_set(
    read: Read, settings: Settings, *, night: date, before: str | None, leave_out: Collection[str] = ()
) -> TrainingSet:
    """Choose what tonight's model is trained and evaluated on.

    Args:
        read: reads what curation wrote, and the snapshots and classes of the nights before.
        settings: `dataset`, `source`, `seed`, `catalog.answers`.
        night: tonight.
        before: the snapshot of the night before, if there was one.
        leave_out: vehicles that take part in nothing tonight.

    Raises:
        HeldError: something stands in two splits.
        UsageError: the file of answers cannot be read.
    """
    photos = read(PHOTOS, columns=["sha256", "verdict", "copy_group"])
    shown = shown_photos(photos, read(LISTING_PHOTOS, columns=["source", "item_id", "sha256"]))
    columns = ["source", "item_id", "status", "make_model_id", "catalog_reason", "seller_hash", "vin"]
    listings = read(LISTINGS, columns=columns)
    vehicles = read(VEHICLES, columns=["source", "item_id", "vehicle_id", "split", "burned", "cut_ties"])
    refused = read(QUARANTINE, columns=["key", "rule"], where=pc.field("table") == VEHICLES.name)
    remembered = pc.unique(pc.list_flatten(vehicles["cut_ties"])).to_pylist()
    earlier = _snapshot_before(read, before)

    possible = candidates(shown, listings, vehicles)
    trained = _trained(read, possible.frame, photos)
    cut_names = [name.removeprefix("copy:") for name in (*refused["key"].to_pylist(), *remembered)]
    groups = _copy_groups(photos, cut_names, earlier["sha256"], trained["sha256"])
    cut = cut_ties(refused.to_pylist(), remembered, groups)
    evidence = read_evidence(shown, listings, vehicles, cut=cut)
    found, trained_before = without_trained(possible.frame, trained, groups)
    found, doubted = without_doubted(found, evidence)
    found = found[~among(found["vehicle_id"], leave_out)].reset_index(drop=True)
    admission, classes = settle_classes(read, settings, found, listings, night=night, before=before, copy_groups=groups)
    active = {row["make_model_id"]: row["class_id"] for row in classes.classes if row["status"] == "active"}
    caps = {
        "photos_per_vehicle": settings.dataset.max_photos_per_vehicle,
        "photos_per_class": settings.dataset.max_photos_per_class,
    }
    chosen_before = {groups.get(sha256, sha256) for sha256 in earlier["sha256"].to_pylist()}
    kept = capped(in_classes(found, active), chosen_before, **caps)
    others = capped(outside_classes(found, active), (), **caps).frame
    # A picture shown as several models is evidence of nothing; `candidates` keeps it out of every split.
    disputed = {f"copy:{c.key}": c.rule for c in possible.conflicts if c.rule.startswith("photo.")}
    evidence = replace(evidence, cut=disputed | cut)
    shot = snapshot(kept.frame, active, night=night, evidence=evidence)
    refusals = [*possible.refusals, *trained_before, *doubted, *admission.refusals]
    rules = {refusal.key: refusal.rule for refusal in refusals} | kept.rules
    why = partial(why_removed, earlier=earlier, photos=photos, copy_groups=groups, rules=rules)
    facts = TrainingSetFacts(
        classes=counts_by_class(shot.rows),
        over_vehicle=len(kept.over_vehicle),
        over_class=len(kept.over_class),
        by_photo=split_by_photo(kept.frame, evidence, seed=settings.seed) if shot.class_ids else None,
        waiting=admission.waiting,
        thin=tuple(each for each in admission.thin if each.make_model_id in active),
        conflicts=possible.conflicts[:MOST_CONFLICTS],
        conflicts_in_all=len(possible.conflicts),
        changes=changes(earlier, shot.rows, why, renamed=groups) if earlier.num_rows else None,
        class_events=classes.events,
        others=_vehicles_by_split(others),
    )
    new = {row["class_id"] for row in admission.admitted}
    return TrainingSet(
        shot,
        classes=classes.classes,
        admitted=[row for row in classes.changed if row["class_id"] in new],
        changed=classes.changed,
        others=others,
        refusals=refusals,
        facts=facts,
    )


def _copy_groups(photos: pa.Table, *asked: Iterable[Any]) -> dict[str, str]:
    """Return the copy groups of the photos that are asked for, by sha256: a lake holds many more."""
    chosen = pc.is_in(photos["sha256"], value_set=_texts(*asked))
    known = photos.filter(pc.and_(chosen, pc.is_valid(photos["copy_group"])))
    return dict(zip(known["sha256"].to_pylist(), known["copy_group"].to_pylist(), strict=True))


def _trained(read: Read, found: pd.DataFrame, photos: pa.Table) -> pa.Table:
    """Return the photos and vehicles that a model was ever trained on, as far as `found` would evaluate them.

    Only those are read: all snapshots together grow with every night.
    """
    evaluated = found[found["split"] != "train"]
    groups = _texts(evaluated["sha256"])
    copies = photos["sha256"].filter(pc.is_in(photos["copy_group"], value_set=groups))
    shown, owned = _texts(groups, copies), _texts(evaluated["vehicle_id"]).unique()
    seen = pc.field("sha256").isin(shown) | pc.field("vehicle_id").isin(owned)
    return read(SNAPSHOTS, columns=["sha256", "vehicle_id"], where=(pc.field("split") == "train") & seen)


def _texts(*columns: Iterable[Any]) -> pa.Array:
    """Return the texts of columns, of whichever library, one after the other."""
    arrow = (pa.Array, pa.ChunkedArray)
    arrays = (each if isinstance(each, arrow) else pa.array(each, pa.string()) for each in columns)
    chunks = [each.chunks if isinstance(each, pa.ChunkedArray) else [each] for each in arrays]
    return pa.chunked_array([chunk for several in chunks for chunk in several], pa.string()).combine_chunks()


def _snapshot_before(read: Read, before: str | None) -> pa.Table:
    if before is None:
        return SNAPSHOTS.schema.empty_table()
    return read(SNAPSHOTS, where=pc.field("snapshot_id") == before)


def _vehicles_by_split(frame: pd.DataFrame) -> dict[str, int]:
    """Return split -> vehicles."""
    vehicles = frame[["split", "vehicle_id"]].drop_duplicates()["split"].value_counts()
    return {str(split): int(count) for split, count in sorted(vehicles.items())}
