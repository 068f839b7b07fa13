"""The suite of `make_models`: the makes and models that prices, offers and classes are keyed by."""

import numpy as np
import pyarrow as pa

from autodetect.lake.schemas import MAKE_MODELS
from autodetect.validation.frames import among, frame_of
from autodetect.validation.rule import MAKE_MODEL_ID, Judged, Suite, holds, matches, unique


def make_models(rows: pa.Table, *, known: pa.Table) -> Judged:
    """Return the suite and its frame.

    Args:
        rows: the makes and models seen for the first time tonight.
        known: those of the nights before (`make_model_id`).
    """
    is_new = ~among(rows, ("make_model_id",), [known]).astype(bool) if rows.num_rows else np.array([], dtype=bool)
    rules = (
        unique("make_models.ids_repeat", MAKE_MODELS.key),
        holds("make_model.named_anew", "held", "is_new"),
        matches("make_model.id_malformed", "held", "make_model_id", MAKE_MODEL_ID),
        matches("make_model.make_empty", "held", "make", r"\S"),
        matches("make_model.model_empty", "held", "model", r"\S"),
    )
    frame = frame_of(rows, ["make_model_id", "make", "model"], is_new=is_new)
    return Suite("make_models", MAKE_MODELS.key, rules), frame
