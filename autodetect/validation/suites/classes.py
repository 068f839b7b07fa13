"""The suite of `classes`: ids that are never reused, each for one make and model."""

import pyarrow as pa

from autodetect.lake.schemas import CLASSES
from autodetect.validation.frames import among, frame_of
from autodetect.validation.rule import Judged, Suite, between, holds, matches, unique


def classes(rows: pa.Table, *, make_models: pa.Table) -> Judged:
    """Return the suite and its frame.

    Args:
        rows: all classes, tonight's among them.
        make_models: all makes and models (`make_model_id`).
    """
    frame = frame_of(
        rows,
        ["class_id", "make_model_id", "label", "status"],
        make_model_known=among(rows, ("make_model_id",), [make_models]),
    )
    rules = (
        unique("classes.ids_repeat", ("class_id",)),
        unique("classes.make_models_repeat", ("make_model_id",)),
        between("class.id_negative", "held", "class_id", 0),
        matches("class.label_empty", "held", "label", r"\S"),
        matches("class.status_empty", "held", "status", r"\S"),
        holds("class.make_model_unknown", "held", "make_model_known"),
    )
    return Suite("classes", CLASSES.key, rules), frame
