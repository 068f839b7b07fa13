"""Listings grouped into vehicles: which ties tonight's rows make, which of them are cut, and which rows that changes.

`vehicles` is the stored form of the groups. Columns select what tonight's ties touch; only that becomes objects.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.lake.schemas import VEHICLES
from autodetect.lake.tables import rows_of
from autodetect.photos.offers import Codes, Offers, codes, listing_keys, offers_of, positions
from autodetect.photos.ties import (
    STRENGTH,
    Evidence,
    RefusedTie,
    relist_links,
    same_origin,
    same_title,
    same_vin,
    shared_photos,
    strength,
)
from autodetect.photos.unions import cut_at
from autodetect.photos.vehicles import ALONE, ListingKey, Membership, assign
from autodetect.records import Refusal

SUSPICIOUS = "vehicle.suspicious_tie"  # what would make a vehicle of too many listings


@dataclass(frozen=True)
class Grouping:
    """What a night's grouping gave.

    Args:
        rows: the rows of `vehicles` that are new or changed, by source and item id.
        refusals: ties that tie nothing, each with its rule: table `vehicles`, the tie's name as key.
        counts: counters for the receipt.
    """

    rows: pa.Table
    refusals: tuple[Refusal, ...]
    counts: Mapping[str, int]


def group_vehicles(
    vehicles: pa.Table,
    listings: pa.Table,
    listing_photos: pa.Table,
    copies: pa.Table,
    *,
    night: date,
    trained: Collection[str] = frozenset(),
    max_listings: int,
) -> Grouping:
    """Give new listings a vehicle and join vehicles that turn out to be one.

    A sale that nobody offered before and that has no photo is no vehicle: nothing would ever tie or show it.

    Args:
        vehicles: rows of `vehicles` as of last night.
        listings: rows of `listings`, all that the lake has; of rows with one key the last counts.
        listing_photos: rows of `listing_photos` (source, item_id, sha256), all of them.
        copies: rows of `photos` (sha256, copy_group), all of them; of rows with one digest the last counts.
        night: tonight.
        trained: vehicle ids of past snapshots' training photos.
        max_listings: `dataset.max_listings_per_vehicle`: what would grow past it is cut.

    Returns:
        The changes. The order of the rows, and how they were dealt to nights, does not change which belong together,
        as long as nothing is cut.
    """
    listings = _once(listings, listing_keys(listings))
    stored, names = codes(vehicles["vehicle_id"])
    listings, vehicle, photo_rows = _shown(listings, listing_photos, vehicles, stored)
    is_new = vehicle >= len(names)
    offers = offers_of(listings, vehicle, is_new)
    group, first_photos = _pictures(listing_photos["sha256"], copies)
    pictured = (photo_rows >= 0) & (group >= 0)
    evidence = (
        same_vin(offers),
        relist_links(offers),
        same_origin(offers, most=max_listings),
        same_title(offers, most=max_listings),
        shared_photos(offers, group[pictured], photo_rows[pictured], first_photos),
    )
    ties, refused = _uncut(evidence, _cut_before(vehicles, copies), offers)

    weights = dict(enumerate(np.bincount(stored, minlength=len(names)).tolist()))
    joined = {name: sorted(set(vehicle[rows].tolist())) for name, rows in ties.items()}
    strongest_first = sorted(joined, key=lambda name: (strength(name), len(ties[name]), name))
    for name in cut_at(((name, joined[name]) for name in strongest_first), weights, max_listings):
        refused.append(RefusedTie(name, SUSPICIOUS, f"over {max_listings} listings", tuple(ties.pop(name))))

    touched = {number for name in ties for number in joined[name]}
    touched |= {number for tie in refused for number in vehicle[list(tie.rows)].tolist()}
    whole = np.isin(stored, np.fromiter(touched, np.int64))
    known = _memberships(vehicles.filter(pa.array(whole, pa.bool_())))
    arrived = np.flatnonzero(is_new)
    models = listings["make_model_id"].take(pa.array(arrived)).to_pylist()
    new = dict(zip(map(_key, offers.keys.take(pa.array(arrived)).to_pylist()), models, strict=True))
    tied = {name: [_key(offers.key(row)) for row in rows] for name, rows in ties.items()}
    changed = assign(known, tied, new, night=night, dealt=_dealt(vehicles, stored) if new else {}, trained=trained)
    _remember_cuts(changed, known, refused, offers)
    told = sorted(refused, key=lambda tie: (tie.name, tie.rule))
    return Grouping(
        rows=rows_of(VEHICLES, (_row(key, member) for key, member in sorted(changed.items()))),
        refusals=tuple(Refusal(table="vehicles", key=tie.name, rule=tie.rule, value=tie.value) for tie in told),
        counts=_counts(changed, known, ties),
    )


def _once(rows: pa.Table, names: pa.Array) -> pa.Table:
    """Return the last row of each name, in the order of names."""
    numbers, texts = codes(names)
    last = np.zeros(len(texts), dtype=np.int64)
    np.maximum.at(last, numbers, np.arange(len(numbers)))
    return rows.take(pa.array(last).take(pc.sort_indices(texts))).combine_chunks()


def _pictures(shown: pa.ChunkedArray, copies: pa.Table) -> tuple[Codes, pa.Array]:
    """Return the number of each shown photo's copy group, -1 for none, and the groups' names by number.

    Digests and names of groups are looked up in one table: most names are digests.
    """
    parts = (copies["sha256"], shown, copies["copy_group"])
    numbers, texts = codes(pa.chunked_array([chunk for part in parts for chunk in part.chunks], pa.string()))
    photo, wanted, group = np.split(numbers, [len(copies), len(copies) + len(shown)])
    last = np.full(len(texts), -1)
    np.maximum.at(last, photo, np.arange(len(photo)))
    return np.append(group, -1)[last[wanted]], texts


def _shown(
    listings: pa.Table, listing_photos: pa.Table, vehicles: pa.Table, stored: Codes
) -> tuple[pa.Table, Codes, Codes]:
    """Leave out sales that are no vehicle.

    Returns:
        The listings that remain, the number of each one's vehicle (a new one's is beyond the stored vehicles'), and
        which of them each row of `listing_photos` is about, -1 for none.
    """
    keys = listing_keys(listings)
    photo_rows = positions(listing_keys(listing_photos), keys)
    pictured = np.zeros(len(keys), dtype=bool)
    pictured[photo_rows[photo_rows >= 0]] = True
    place = positions(keys, listing_keys(vehicles))
    offered = pc.or_(pc.is_valid(listings["asking_price"]), pc.not_equal(listings["status"], "sold"))
    kept = (place >= 0) | pictured | pc.fill_null(offered, True).to_numpy(zero_copy_only=False)
    row_of = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1)
    new_number = stored.max(initial=-1) + 1 + np.arange(len(keys))
    vehicle = np.where(place >= 0, np.append(stored, -1)[place], new_number)
    return listings.filter(pa.array(kept)), vehicle[kept], row_of[photo_rows]


def _cut_before(vehicles: pa.Table, copies: pa.Table) -> frozenset[str]:
    """Return the ties that were cut on earlier nights; a picture by the name that its copy group has now."""
    cut = pc.unique(pc.list_flatten(vehicles["cut_ties"])).to_pylist()
    pictures = pa.array([name.removeprefix("copy:") for name in cut if name.startswith("copy:")], pa.string())
    groups = copies.filter(pc.is_in(copies["sha256"], pictures))["copy_group"].drop_null().to_pylist()
    return frozenset({*cut, *(f"copy:{group}" for group in groups)})


def _uncut(
    evidence: Iterable[Evidence], cut: Collection[str], offers: Offers
) -> tuple[dict[str, list[int]], list[RefusedTie]]:
    """Return the ties that were never cut, and what is refused tonight: of what was cut before only new listings."""
    ties: dict[str, list[int]] = {}
    refused: list[RefusedTie] = []
    for found in evidence:
        for name, rows in found.ties.items():
            if name not in cut:
                ties[name] = rows
            elif new := tuple(row for row in rows if offers.is_new[row]):
                refused.append(RefusedTie(name, SUSPICIOUS, "cut on an earlier night", new))
        for tie in found.refused:
            if tie.name not in cut:
                refused.append(tie)
            elif new := tuple(row for row in tie.rows if offers.is_new[row]):
                refused.append(replace(tie, rows=new))
    return ties, refused


def _remember_cuts(
    changed: dict[ListingKey, Membership],
    known: Mapping[ListingKey, Membership],
    refused: Iterable[RefusedTie],
    offers: Offers,
) -> None:
    """Write down with every listing which ties were refused to it."""
    names: dict[ListingKey, set[str]] = {}
    for tie in refused:
        for row in tie.rows:
            names.setdefault(_key(offers.key(row)), set()).add(tie.name)
    for key, cut in names.items():
        before = changed.get(key) or known[key]
        if not cut <= set(before.cut_ties):
            changed[key] = replace(before, cut_ties=tuple(sorted(cut | set(before.cut_ties))))


def _dealt(vehicles: pa.Table, stored: Codes) -> dict[str | None, int]:
    """Return how many vehicles of each make and model there are; a vehicle's is that of its first listing."""
    order = pc.sort_indices(listing_keys(vehicles)).to_numpy()
    _, first = np.unique(stored[order], return_index=True)
    models = vehicles["make_model_id"].take(pa.array(order[first]))
    return {count["values"]: count["counts"] for count in pc.value_counts(models.combine_chunks()).to_pylist()}


def _memberships(vehicles: pa.Table) -> dict[ListingKey, Membership]:
    return {
        (row.pop("source"), row.pop("item_id")): Membership(**row | {"cut_ties": tuple(row["cut_ties"] or ())})
        for row in vehicles.select(VEHICLES.schema.names).to_pylist()
    }


def _row(key: ListingKey, member: Membership) -> dict[str, Any]:
    return {"source": key[0], "item_id": key[1], **vars(member), "cut_ties": list(member.cut_ties)}


def _counts(
    changed: Mapping[ListingKey, Membership], known: Mapping[ListingKey, Membership], ties: Iterable[str]
) -> dict[str, int]:
    before = {member.vehicle_id: member for member in known.values()}
    moved = {known[key].vehicle_id for key, member in changed.items() if key in known} - {
        member.vehicle_id for key, member in changed.items() if key in known
    }
    kinds = Counter(name.partition(":")[0] for name in ties)
    return {
        "vehicles_new": len({m.vehicle_id for key, m in changed.items() if key not in known} - set(before)),
        "vehicles_merged": len(moved),
        "vehicles_burned": len({m.vehicle_id for m in changed.values() if m.burned and not _burned(before, m)}),
        "listings_tied": sum(
            m.tied_by != ALONE and (key not in known or known[key].tied_by == ALONE) for key, m in changed.items()
        ),
        **{f"ties/{kind}": kinds[kind] for kind in STRENGTH},
    }


def _burned(before: Mapping[str, Membership], member: Membership) -> bool:
    return member.vehicle_id in before and before[member.vehicle_id].burned


def _key(name: str) -> ListingKey:
    """Return the listing that `source/item_id` names; no source has a slash in its name."""
    source, _, item_id = name.partition("/")
    return source, item_id
