"""Listings that are simply still there: nearly all of them, every night. One join, and no object per listing."""

from collections.abc import Collection

import pandas as pd
import pyarrow as pa

from autodetect.photos.vehicles import ListingKey

KEY = ["source", "item_id"]


def still_there(known: pa.Table, seen: pa.Table, told: Collection[ListingKey]) -> tuple[pa.Table, pa.Table]:
    """Return the listings about which a night says only that it saw them, and what else it saw.

    Such a listing is active, was missing in no night since it was last seen, and is now seen in a later one; what
    `presence.placed` makes of it is the later night and its slice.

    Args:
        known: rows of `listings`, each once.
        seen: rows of `seen` of the nights that no curation has taken in.
        told: listings of which these nights say more: those that were read anew, or missed.

    Returns:
        The rows of `listings` as they are now, and the rows of `seen` that concern other listings.
    """
    latest = seen.select([*KEY, "night", "slice"]).to_pandas(date_as_object=False).sort_values("night", kind="stable")
    first_night = latest.groupby(KEY, sort=False)["night"].transform("min")
    latest = latest.assign(first_night=first_night).drop_duplicates(KEY, keep="last")
    frame = known.select([*KEY, "status", "missed", "first_seen", "last_seen"]).to_pandas(date_as_object=False)
    frame["row"] = range(len(frame))
    both = frame.merge(latest, on=KEY, how="inner")
    quiet = both[(both["status"] == "active") & (both["missed"] == 0) & (both["night"] > both["last_seen"])]
    if told:
        quiet = quiet[~listed(quiet, told)]
    rows = known.take(pa.array(quiet["row"], pa.int64()))
    for name, values in (
        ("first_seen", quiet["first_night"].where(quiet["first_night"] < quiet["first_seen"], quiet["first_seen"])),
        ("last_seen", quiet["night"]),
        ("last_slice", quiet["slice"].fillna("")),
    ):
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, rows.schema.field(name), pa.array(values, rows.schema.field(name).type))
    done = pd.MultiIndex.from_frame(quiet[KEY])
    others = ~pd.MultiIndex.from_frame(seen.select(KEY).to_pandas()).isin(done)
    return rows, seen.filter(pa.array(others, pa.bool_()))


def rows_among(rows: pa.Table, keys: Collection[ListingKey]) -> pa.Table:
    """Return the rows of a table with `source` and `item_id` that are about some listings, in their order."""
    return rows.filter(pa.array(listed(rows.select(KEY).to_pandas(), keys), pa.bool_()))


def listed(frame: pd.DataFrame, keys: Collection[ListingKey]) -> "pd.Series[bool]":
    """Return, row by row of a frame with `source` and `item_id`, whether it is about one of some listings."""
    if not keys:
        return pd.Series(False, index=frame.index, dtype=bool)
    wanted = pd.MultiIndex.from_tuples(sorted(keys), names=KEY)
    return pd.Series(pd.MultiIndex.from_frame(frame[KEY]).isin(wanted), index=frame.index, dtype=bool)
