"""The suite of `classes`: ids that are never reused, each for one make and model, and a lineage that ends somewhere."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from autodetect.lake.schemas import CLASSES
from autodetect.validation.frames import among, frame_of
from autodetect.validation.rule import Judged, Suite, between, holds, matches, one_of, unique

STATUSES = ("active", "retired")


def classes(rows: pa.Table, *, make_models: pa.Table, known: pa.Table) -> Judged:
    """Return the suite and its frame.

    Args:
        rows: all classes, tonight's among them.
        make_models: all makes and models (`make_model_id`).
        known: the classes as of last night (`class_id`, `make_model_id`).
    """
    frame = frame_of(
        rows,
        ["class_id", "make_model_id", "label", "status"],
        make_model_known=among(rows, ("make_model_id",), [make_models]),
        same_as_before=_same_as_before(rows, known),
        came_from_older=_came_from_older(rows),
        went_to_known=_went_to_known(rows),
        retired_if_gone=[new is None or status == "retired" for new, status in _pairs(rows, "went_to status")],
        arrives=_arrives(rows),
    )
    rules = (
        unique("classes.ids_repeat", ("class_id",)),
        unique("classes.make_models_repeat", ("make_model_id",)),
        between("class.id_negative", "held", "class_id", 0),
        matches("class.label_empty", "held", "label", r"\S"),
        one_of("class.status_unknown", "held", "status", STATUSES),
        holds("class.make_model_unknown", "held", "make_model_known"),
        holds("class.id_reused", "held", "same_as_before"),
        holds("class.came_from_unknown", "held", "came_from_older"),
        holds("class.went_to_unknown", "held", "went_to_known"),
        holds("class.gone_but_active", "held", "retired_if_gone"),
        holds("class.goes_in_circles", "held", "arrives"),
    )
    return Suite("classes", CLASSES.key, rules), frame


def _same_as_before(rows: pa.Table, known: pa.Table) -> NDArray[np.object_]:
    """Return for each class whether its id stands for what it stood for; None for an id that is new."""
    models = dict(_pairs(known, "class_id make_model_id"))
    told = (models[i] == model if i in models else None for i, model in _pairs(rows, "class_id make_model_id"))
    return np.array([*told], dtype=object)


def _came_from_older(rows: pa.Table) -> NDArray[np.object_]:
    """Return for each class whether it came from one that is known and older; None where it came from none."""
    ids = {*rows["class_id"].to_pylist()}
    told = (None if old is None else old in ids and old < i for i, old in _pairs(rows, "class_id came_from"))
    return np.array([*told], dtype=object)


def _went_to_known(rows: pa.Table) -> NDArray[np.object_]:
    """Return for each class whether it went to another that is known; None where it went to none."""
    ids = {*rows["class_id"].to_pylist()}
    told = (None if new is None else new in ids and new != i for i, new in _pairs(rows, "class_id went_to"))
    return np.array([*told], dtype=object)


def _arrives(rows: pa.Table) -> list[bool]:
    """Return for each class whether following `went_to` comes to an end."""
    went_to: dict[int, int | None] = dict(_pairs(rows, "class_id went_to"))

    def arrives(class_id: int) -> bool:
        at: int | None = class_id
        for _ in range(len(went_to) + 1):
            if at is None:
                return True
            at = went_to.get(at)
        return at is None

    return [arrives(class_id) for class_id in rows["class_id"].to_pylist()]


def _pairs(rows: pa.Table, columns: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(rows[name].to_pylist() for name in columns.split()), strict=True)
