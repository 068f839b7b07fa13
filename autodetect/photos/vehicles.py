"""Vehicles: the listings, relists and photos that show one physical car, and the split it belongs to for good.

Listings are tied by a shared photo (or a copy of one) and by VIN. A new vehicle gets its split at first sight; a merged
one keeps the oldest id, and when the splits differed it is burned: training only, never evaluated.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from autodetect.photos.unions import Unions

# 70/15/15 in blocks of twenty per make and model. The first twelve places of a block already hold three validation and
# three test vehicles, so that a class can be admitted at twelve vehicles; within a night the order is a hash.
SPLIT_BLOCK = ("train", "validation", "train", "test") * 3 + ("train",) * 8

ListingKey = tuple[str, str]  # (source, item_id)


@dataclass(frozen=True)
class Membership:
    """A listing's place: its vehicle, that vehicle's split, what tied the listing to it, and since which night."""

    vehicle_id: str
    split: str
    burned: bool
    tied_by: str
    make_model_id: str | None
    night: date


def assign(
    known: Mapping[ListingKey, Membership],
    ties: Mapping[str, Iterable[ListingKey]],
    new: Mapping[ListingKey, str | None],
    *,
    night: date,
) -> dict[ListingKey, Membership]:
    """Give every new listing a vehicle and merge the vehicles that tonight's ties join.

    Args:
        known: the memberships of earlier nights.
        ties: listings that share something, by its name (`copy:<sha256>`, `vin:<vin>`).
        new: listings without a vehicle, each with its make and model.
        night: tonight.

    Returns:
        The memberships that are new or changed. The order of the arguments' rows does not matter.
    """
    unions: Unions[ListingKey] = Unions()
    first_of_vehicle: dict[str, ListingKey] = {}
    for key in sorted(known):
        unions.join(key, first_of_vehicle.setdefault(known[key].vehicle_id, key))
    tied_by: dict[ListingKey, str] = {}
    for name in sorted(ties):
        members = sorted(ties[name])
        for member in members[1:]:
            unions.join(member, members[0])
        for member in members if len(members) > 1 else ():
            tied_by.setdefault(member, name)

    changed: dict[ListingKey, Membership] = {}
    fresh: dict[str | None, list[list[ListingKey]]] = defaultdict(list)
    for group in unions.groups(sorted({*known, *new})):
        vehicles = {known[key].vehicle_id: known[key] for key in group if key in known}
        arrivals = [key for key in group if key in new]
        if not vehicles:
            fresh[_main_model(new[key] for key in arrivals)].append(arrivals)
        elif arrivals or len(vehicles) > 1:
            merged = _merged(known, group)
            for key in group:
                if key not in known or len(vehicles) > 1:
                    model_id = new[key] if key in new else known[key].make_model_id
                    since = known[key].night if key in known else night
                    changed[key] = Membership(*merged, tied_by.get(key, "alone"), model_id, since)

    seen_before = Counter(known[first].make_model_id for first in first_of_vehicle.values())
    for model in sorted(fresh, key=str):
        ordered = sorted(fresh[model], key=lambda group: _stable_hash(_vehicle_id(group)))
        for position, group in enumerate(ordered, start=seen_before[model]):
            split = SPLIT_BLOCK[position % len(SPLIT_BLOCK)]
            for key in group:
                model_id = new[key]
                changed[key] = Membership(_vehicle_id(group), split, False, tied_by.get(key, "alone"), model_id, night)
    return changed


def _merged(known: Mapping[ListingKey, Membership], group: Iterable[ListingKey]) -> tuple[str, str, bool]:
    """Return the vehicle id (the oldest), split and burned mark of vehicles that turn out to be one."""
    members = [known[key] for key in group if key in known]
    oldest = min(members, key=lambda member: (member.night, member.vehicle_id))
    burned = any(member.burned for member in members) or len({member.split for member in members}) > 1
    return oldest.vehicle_id, "train" if burned else oldest.split, burned


def _main_model(models: Iterable[str | None]) -> str | None:
    """Return the model most listings name (ties: first in order); None when none is named."""
    counts = Counter(model for model in models if model is not None)
    return min(counts, key=lambda model: (-counts[model], model)) if counts else None


def _vehicle_id(group: Iterable[ListingKey]) -> str:
    """Return the id of a new vehicle: its first listing's key, hashed short. Never changes once stored."""
    return "v" + _stable_hash("/".join(min(group)))[:15]


def _stable_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
