"""A person's answers, applied to listings that the lake has held for nights."""

from collections.abc import Callable, Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from autodetect.catalog.answers import Answers
from autodetect.catalog.identify import Identity, identify
from autodetect.lake.schemas import SIGHTINGS

ANSWERED = "answer"


def redecided(
    known: Iterable[dict[str, Any]], read: Callable[..., pa.Table], answers: Answers
) -> tuple[list[dict[str, Any]], list[Identity]]:
    """Return the listings that an answer now changes, and the decisions about them.

    A listing changes when what was written in its newest sighting has an answer that it does not show yet, or when the
    answer that it shows was withdrawn. Sightings are read only when either can be.

    Args:
        known: rows of `listings`.
        read: `(table, columns=..., where=...) -> rows`, at the versions of the night.
        answers: what a person decided.
    """
    listings = {(row["source"], row["item_id"]): row for row in known}
    if not listings or not (answers.by_key or any(row["catalog_reason"] == ANSWERED for row in listings.values())):
        return [], []
    columns = ["source", "item_id", "kind", "night", "observed_on", "make", "model", "title"]
    sightings = read(SIGHTINGS, columns=columns, where=pc.field("kind") != "missing")
    # In a night's order an offer comes before its sale, as in `cleaning.listing_rows`.
    ordered = sightings.sort_by(
        [("night", "ascending"), ("kind", "ascending"), ("observed_on", "ascending")]
    ).to_pylist()
    newest = {(row["source"], row["item_id"]): row for row in ordered}
    changed: list[dict[str, Any]] = []
    decisions: list[Identity] = []
    for key in sorted(listings.keys() & newest.keys()):
        row, seen = listings[key], newest[key]
        answered = answers.find(seen["make"], seen["model"], seen["title"]) is not None
        if not answered and row["catalog_reason"] != ANSWERED:
            continue
        identity = identify(seen["make"], seen["model"], seen["title"], answers)
        if (identity.make_model_id, identity.reason) != (row["make_model_id"], row["catalog_reason"]):
            changed.append(row | {"make_model_id": identity.make_model_id, "catalog_reason": identity.reason})
            decisions.append(identity)
    return changed, decisions
