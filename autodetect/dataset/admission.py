"""Admission: which make and models become classes, or become one again, which are too thin, and which wait."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa

from autodetect.catalog.words import says_other
from autodetect.dataset.candidates import among
from autodetect.records import Record, Refusal

# Where nobody but the person at this machine says what a photo shows.
OWN_SOURCE, OWN_STATUS = "folder", "imported"


class Waiting(Record):
    """A name that has enough vehicles, and that the catalogue does not list: a person should look at it."""

    make_model_id: str
    label: str
    vehicles: int
    sellers: int


class Thin(Record):
    """A class that no longer has the vehicles that admission asks for."""

    make_model_id: str
    label: str
    vehicles: int
    validation: int
    test: int


@dataclass(frozen=True)
class Bounds:
    """What admission asks for: vehicles in all, vehicles of validation and test, sellers of a name not listed."""

    vehicles: int
    validation: int
    test: int
    sellers: int = 1


@dataclass(frozen=True)
class Admission:
    """The new rows of `classes`, those that come back, the names that wait, and classes that are too thin."""

    admitted: list[dict[str, Any]]
    returned: list[dict[str, Any]]
    waiting: tuple[Waiting, ...]
    thin: tuple[Thin, ...]
    refusals: tuple[Refusal, ...]


def sellers_of_unlisted(listings: pa.Table) -> dict[str, int]:
    """Return the ids that only strangers vouch for, with how many different sellers wrote each.

    An id is vouched for by the catalogue (some listing's decision rests on a name that it lists), by a person's answer,
    or by the folder that a person labelled.

    Args:
        listings: `listings` (source, status, make_model_id, catalog_reason, seller_hash).
    """
    columns = ["source", "status", "make_model_id", "catalog_reason", "seller_hash"]
    named = listings.select(columns).to_pandas().dropna(subset=["make_model_id"])
    own = (named["source"] == OWN_SOURCE) | (named["status"] == OWN_STATUS)
    vouched = named.loc[own | (named["catalog_reason"] != "unlisted"), "make_model_id"].drop_duplicates()
    unknown = named[~among(named["make_model_id"], vouched)]
    counts = unknown.groupby("make_model_id")["seller_hash"].nunique()
    return {str(name): int(count) for name, count in counts.items()}


def admit(
    found: pd.DataFrame,
    classes: Iterable[Mapping[str, Any]],
    labels: Mapping[str, str],
    unlisted: Mapping[str, int],
    *,
    bounds: Bounds,
    night: date,
    forbidden: Collection[str] = (),
) -> Admission:
    """Decide which make and models that have enough vehicles become classes, or become one again.

    Class ids go up from the highest ever given, in the order of make_model_id; none is used twice: a retired class
    comes back under its own. A name that the catalogue does not list waits for a person, until enough different sellers
    have written it; 'Other ...' is never a class.

    Args:
        found: candidates (`candidates.COLUMNS`).
        classes: rows of `classes` of all nights.
        labels: make_model_id -> what it is called.
        unlisted: ids that only strangers vouch for -> how many sellers (`sellers_of_unlisted`).
        bounds: what admission asks for.
        night: tonight.
        forbidden: ids that a person's answers keep from being a class.
    """
    classes = list(classes)
    known = {row["make_model_id"] for row in classes}
    next_id = max((row["class_id"] for row in classes), default=-1) + 1
    vehicles = _vehicles(found)
    admitted: list[dict[str, Any]] = []
    waiting: list[Waiting] = []
    refusals: list[Refusal] = []
    for model in sorted(vehicles.keys() - known):
        count = vehicles[model]
        if not _enough(count, bounds):
            continue
        if model in forbidden:
            refusals.append(_refused(model, "class.retired", f"{_all(count)} vehicles"))
        elif says_other(model.partition("/")[2]):
            refusals.append(_refused(model, "class.says_other", f"{_all(count)} vehicles"))
        elif unlisted.get(model, bounds.sellers) < bounds.sellers:
            label, sellers = labels[model], unlisted[model]
            waiting.append(Waiting(make_model_id=model, label=label, vehicles=_all(count), sellers=sellers))
            value = f"{_all(count)} vehicles by {sellers} sellers; answer it with `autodetect catalog review`"
            refusals.append(_refused(model, "class.unlisted", value))
        else:
            row = {"class_id": next_id + len(admitted), "make_model_id": model, "label": labels[model]}
            lineage = {"came_from": None, "went_to": None, "since": night, "empty_since": None}
            admitted.append({**row, "status": "active", "night": night, **lineage})
    returned = [
        {**row, "status": "active", "went_to": None, "since": night, "empty_since": None}
        for row in sorted(classes, key=lambda row: row["class_id"])
        if row.get("status") == "retired"
        and row["make_model_id"] not in forbidden
        and _enough(vehicles.get(row["make_model_id"], {}), bounds)
    ]
    active = (row for row in classes if row.get("status") == "active")
    thin = tuple(
        Thin(
            make_model_id=row["make_model_id"],
            label=row["label"],
            vehicles=_all(count),
            validation=count.get("validation", 0),
            test=count.get("test", 0),
        )
        for row in sorted(active, key=lambda row: row["class_id"])
        if not _enough(count := vehicles.get(row["make_model_id"], {}), bounds)
    )
    return Admission(admitted, returned, tuple(waiting), thin, tuple(refusals))


def _vehicles(found: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Return make_model_id -> split -> vehicles."""
    counts: dict[str, dict[str, int]] = {}
    pairs = found[["make_model_id", "split", "vehicle_id"]].drop_duplicates()
    for (model, split), count in pairs.groupby(["make_model_id", "split"]).size().items():
        counts.setdefault(model, {})[split] = int(count)
    return counts


def _enough(count: Mapping[str, int], bounds: Bounds) -> bool:
    evaluated = count.get("validation", 0) >= bounds.validation and count.get("test", 0) >= bounds.test
    return evaluated and _all(count) >= bounds.vehicles


def _all(count: Mapping[str, int]) -> int:
    return sum(count.values())


def _refused(model: str, rule: str, value: str) -> Refusal:
    return Refusal(table="make_models", key=model, rule=rule, value=value)
