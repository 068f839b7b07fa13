"""The suite of `vehicles`: which listing shows which car, and the split that car stands in for good."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from autodetect.lake.schemas import VEHICLES
from autodetect.validation.frames import among, first_of, frame_of, replaced
from autodetect.validation.rule import Judged, Suite, holds, matches, one_of, unique

SPLITS = ("train", "validation", "test")


def vehicles(rows: pa.Table, *, known: pa.Table, listings: Iterable[pa.Table]) -> Judged:
    """Return the suite and its frame.

    Args:
        rows: tonight's new and changed memberships.
        known: the memberships as of last night.
        listings: rows of `listings`, known and tonight's (`source`, `item_id`).
    """
    unchanged = replaced(known, rows, VEHICLES.key)
    trains_if_burned = pc.or_(pc.invert(rows["burned"]), pc.equal(rows["split"], "train"))
    frame = frame_of(
        rows,
        [*VEHICLES.key, "vehicle_id", "split", "tied_by"],
        one_split=first_of(rows, "vehicle_id", "split", unchanged),
        trains_if_burned=trains_if_burned.to_pandas(),
        listing_known=among(rows, ("source", "item_id"), listings),
    )
    rules = (
        unique("vehicles.keys_repeat", VEHICLES.key),
        matches("vehicle.id_empty", "held", "vehicle_id", r"\S"),
        one_of("vehicle.split_unknown", "held", "split", SPLITS),
        holds("vehicle.in_two_splits", "held", "one_split"),
        holds("vehicle.burned_and_evaluated", "held", "trains_if_burned"),
        holds("vehicle.listing_unknown", "held", "listing_known"),
        matches("vehicle.tie_unnamed", "warned", "tied_by", r"\S"),
    )
    return Suite("vehicles", VEHICLES.key, rules), frame
