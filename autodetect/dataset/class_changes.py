"""Class changes: what becomes of last night's classes, and where new ones come from. An id is never used again.

========  =======================================================================================================
joined    a make and model has enough vehicles for the first time
split     the same, and most of its training vehicles were trained as another class, which goes on (`came_from`)
returned  a retired class has enough vehicles again
merged    no vehicle carries its name any more, and most of those it had carry another class's (`went_to`): retired
retired   a person's answer says so
emptied   no vehicle carries its name any more, wherever they are; it stays for `retire_after_nights`
lapsed    ... and they are over: retired
refilled  an emptied class has vehicles again, before they were over
========  =======================================================================================================
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeVar

from autodetect.dataset.admission import Admission
from autodetect.dataset.class_history import ByClass, ByModel
from autodetect.records import Record

MOST = 0.5  # 'most' is more than this share of vehicles
Kind = Literal["joined", "split", "returned", "merged", "retired", "emptied", "lapsed", "refilled"]
LEFT: frozenset[Kind] = frozenset({"merged", "retired", "lapsed"})
Row = Mapping[str, Any]
_Named = TypeVar("_Named", str, int)


class ClassEvent(Record):
    """What became of a class tonight; `other` is the class that it came from or went to."""

    kind: Kind
    class_id: int
    label: str
    other: int | None = None
    other_label: str = ""

    @property
    def words(self) -> str:
        """Return what a person is told: 'class 3 Ford Model 3 merged into 7 Ford Model 7'."""
        told = {
            "joined": "joined",
            "split": f"split from {self.other} {self.other_label}",
            "returned": "came back: it has enough vehicles again",
            "merged": f"merged into {self.other} {self.other_label}",
            "retired": "retired, as an answer says",
            "emptied": "has no vehicle any more",
            "lapsed": "retired: it had no vehicle for too long",
            "refilled": "has vehicles again",
        }
        return f"class {self.class_id} {self.label} {told[self.kind]}"


@dataclass(frozen=True)
class ClassChanges:
    """All classes after tonight, those rows among them that are new or changed, and what happened, by class id."""

    classes: list[dict[str, Any]]
    changed: list[dict[str, Any]]
    events: tuple[ClassEvent, ...]


def without_vehicles(classes: Iterable[Row], present: Collection[str], forbidden: Collection[str]) -> list[int]:
    """Return the ids of active classes whose name nothing carries tonight, and that no answer retires.

    Args:
        classes: rows of `classes` as of last night.
        present: make_model_ids of tonight's candidates.
        forbidden: ids that a person's answers keep from being a class.
    """
    gone = (row for row in classes if row["status"] == "active" and row["make_model_id"] not in present)
    return [row["class_id"] for row in gone if row["make_model_id"] not in forbidden]


def change_classes(
    classes: Iterable[Row],
    admission: Admission,
    *,
    present: Collection[str],
    forbidden: Collection[str],
    was: ByModel,
    now: ByClass,
    retire_after: int,
    night: date,
) -> ClassChanges:
    """Decide what becomes of the classes.

    Args:
        classes: rows of `classes` as of last night.
        admission: tonight's: which join and which come back.
        present: make_model_ids of tonight's candidates.
        forbidden: ids that a person's answers keep from being a class.
        was: as which classes the training vehicles of those that join were last trained (`class_history.trained_as`).
        now: what the vehicles of classes `without_vehicles` are called tonight (`class_history.named_now`).
        retire_after: nights without vehicles after which a class retires.
        night: tonight.
    """
    before = {row["class_id"]: dict(row) for row in classes}
    after = before | {row["class_id"]: dict(row) for row in (*admission.admitted, *admission.returned)}
    kinds: dict[int, Kind] = {row["class_id"]: "returned" for row in admission.returned}
    for row in before.values():
        if row["status"] == "active" and row["make_model_id"] in forbidden:
            after[row["class_id"]] = _retired(row, night)
            kinds[row["class_id"]] = "retired"
        elif row["status"] == "active" and row["make_model_id"] in present and row["empty_since"]:
            after[row["class_id"]] = {**row, "empty_since": None}
            kinds[row["class_id"]] = "refilled"
    answers = {row["make_model_id"]: row["class_id"] for row in after.values() if row["status"] == "active"}
    for class_id in without_vehicles(before.values(), present, forbidden):
        row = before[class_id]
        heir = answers.get(_most(now.get(class_id, {})) or "")
        empty_since = row["empty_since"] or night
        if heir is not None:
            after[class_id], kinds[class_id] = {**_retired(row, night), "went_to": heir}, "merged"
        elif (night - empty_since).days >= retire_after:
            after[class_id], kinds[class_id] = {**_retired(row, night), "empty_since": empty_since}, "lapsed"
        elif row["empty_since"] is None:
            after[class_id], kinds[class_id] = {**row, "empty_since": night}, "emptied"
    for row in admission.admitted:
        origin = _most(was.get(row["make_model_id"], {}))
        after[row["class_id"]]["came_from"] = origin
        goes_on = origin is not None and after[origin]["status"] == "active"
        kinds[row["class_id"]] = "split" if goes_on else "joined"
    return ClassChanges(
        classes=[after[class_id] for class_id in sorted(after)],
        changed=[after[class_id] for class_id in sorted(kinds)],
        events=tuple(_event(kinds[class_id], after[class_id], after) for class_id in sorted(kinds)),
    )


def _retired(row: Row, night: date) -> dict[str, Any]:
    return {**row, "status": "retired", "since": night, "empty_since": None}


def _most(shares: Mapping[_Named, float]) -> _Named | None:
    """Return what more than half carries, if anything."""
    return next((what for what, share in shares.items() if share > MOST), None)


def _event(kind: Kind, row: Row, after: Mapping[int, Row]) -> ClassEvent:
    other = {"split": row["came_from"], "merged": row["went_to"]}.get(kind)
    label = after[other]["label"] if other is not None else ""
    return ClassEvent(kind=kind, class_id=row["class_id"], label=row["label"], other=other, other_label=label)
