"""Whether a listing is still there: seen, missing, ended. Nights that did not reach it say nothing about it.

A listing is missing in a night when it was looked for and was not there, and has ended once it was missing in
`crawl.missing_nights` nights since it was last seen. Nights are counted from the sightings themselves, never added up:
a night whose curation never ran, or ran twice, counts once.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from autodetect.dataset.still_there import rows_among, still_there
from autodetect.lake.schemas import SEEN, SIGHTINGS
from autodetect.photos.vehicles import ListingKey

# What was sold or imported is no longer looked for, so nothing that a night sees or misses of it changes its status.
SETTLED = frozenset({"sold", "imported"})
# How long a listing that was seen may wait until it is read in full: 60,000 of them at 2,500 a night take 24 nights.
LONGEST_BACKLOG = timedelta(days=60)


@dataclass(frozen=True)
class Presence:
    """What nights say of one listing: those that saw it, each with the slice, and those that looked and missed it."""

    seen: Mapping[date, str] = field(default_factory=dict)
    missing: frozenset[date] = frozenset()


def read_presence(
    read: Callable[..., pa.Table],
    known: pa.Table,
    told: Collection[ListingKey],
    uncurated: pc.Expression,
    *,
    night: date,
) -> tuple[pa.Table, dict[ListingKey, Presence]]:
    """Read what nights say of the listings that the uncurated ones saw or missed, and of new ones.

    Args:
        read: `read(table, columns=, where=)` -> rows, at the versions that receipts name.
        known: rows of `listings` as of last night.
        told: listings of which the uncurated nights say more than that they are there; among them those that were read
            in full only now: earlier nights may have seen them.
        uncurated: selects the nights that no curation has taken in.
        night: tonight.

    Returns:
        The rows of `listings` that are simply still there, and what nights say of the others.
    """

    def read_missing(where: pc.Expression) -> list[dict[str, Any]]:
        rows = read(SIGHTINGS, columns=["source", "item_id", "observed_on", "kind"], where=where)
        return rows.filter(pc.field("kind") == "missing").to_pylist()

    missing = read_missing(uncurated)
    steady, others = still_there(known, read(SEEN, where=uncurated), {*told, *map(_key, missing)})
    seen = others.to_pylist()
    held = {_key(row): row["last_seen"] for row in rows_among(known, {*told, *map(_key, missing)}).to_pylist()}
    new = set(told) - set(held)
    if new:
        lately = (pc.field("night") > night - LONGEST_BACKLOG) & ~uncurated & _is_among({item_id for _, item_id in new})
        seen += [row for row in read(SEEN, where=lately).to_pylist() if _key(row) in new]
    gone = {_key(row) for row in missing} & set(held)
    if gone:  # missing before, too?
        since = pc.field("night") > min(held[key] for key in gone)
        missing += [row for row in read_missing(since & ~uncurated) if _key(row) in gone]
    return steady, presences(seen, missing)


def presences(seen: Iterable[Mapping[str, Any]], missing: Iterable[Mapping[str, Any]]) -> dict[ListingKey, Presence]:
    """Gather nights by listing.

    Args:
        seen: rows of `seen` (source, item_id, night, slice).
        missing: rows of `sightings` of kind `missing` (source, item_id, observed_on).
    """
    slices: dict[ListingKey, dict[date, str]] = defaultdict(dict)
    nights: dict[ListingKey, set[date]] = defaultdict(set)
    for row in seen:
        slices[_key(row)][row["night"]] = row["slice"] or ""
    for row in missing:
        nights[_key(row)].add(row["observed_on"])
    return {key: Presence(slices.get(key, {}), frozenset(nights.get(key, ()))) for key in sorted({*slices, *nights})}


def placed(row: Mapping[str, Any], found: Presence, *, night: date, missing_nights: int) -> dict[str, Any]:
    """Return a row of `listings` with what the nights say of it; of a settled one they say nothing.

    A night that saw the listing outranks every earlier one, and one that missed it in the same night.

    Args:
        row: the listing as it stands, with tonight's facts.
        found: at least every night that no curation has taken in, and every missing night since the row's `last_seen`.
        night: tonight; it becomes the row's when its status or its missing nights change.
        missing_nights: in how many nights a listing must have been missing to have ended.
    """
    if row["status"] in SETTLED:
        return dict(row)
    new = dict(row)
    new["first_seen"] = min([row["first_seen"], *found.seen])
    new["last_seen"] = max([row["last_seen"], *found.seen])
    if found.seen and (max(found.seen) == new["last_seen"] or not row["last_slice"]):
        new["last_slice"] = found.seen[max(found.seen)]
    came_back = new["last_seen"] > row["last_seen"]
    if row["status"] == "ended" and not came_back:
        return new
    missed = sum(missing > new["last_seen"] for missing in found.missing)
    if missed:
        new |= {"missed": missed, "status": "ended" if missed >= missing_nights else "missing"}
    elif came_back:
        new |= {"missed": 0, "status": "active"}
    if any(new[name] != row[name] for name in ("status", "missed")):
        new["night"] = night
    return new


def _is_among(item_ids: Collection[str]) -> pc.Expression:
    """Select item ids. The cast keeps pyarrow (26.0) from comparing them with a file's statistics.

    Those of text that delta-rs merged are of type string_view, and there is no kernel for that.
    """
    column = pc.field("item_id").cast(pa.large_string())
    return column.isin(pa.array(sorted(item_ids), pa.large_string()))


def _key(row: Mapping[str, Any]) -> ListingKey:
    return row["source"], row["item_id"]
