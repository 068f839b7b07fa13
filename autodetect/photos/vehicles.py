"""Vehicles: the listings, relists and photos that show one physical car, and the split it belongs to for good.

A new vehicle gets its split at first sight; vehicles that turn out to be one keep the oldest id. When their splits
differed, or one that was kept for evaluation was trained on, the merged one is burned: training only, never evaluated.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from autodetect.photos.ties import strength
from autodetect.photos.unions import Unions

# 70/15/15 in blocks of twenty per make and model. The first twelve places of a block already hold three validation and
# three test vehicles, so that a class can be admitted at twelve vehicles; within a night the order is a hash.
SPLIT_BLOCK = ("train", "validation", "train", "test") * 3 + ("train",) * 8
ALONE = "alone"

ListingKey = tuple[str, str]  # (source, item_id)


@dataclass(frozen=True)
class Membership:
    """A listing's place: its vehicle, that vehicle's split, what tied the listing to it, and since which night.

    `cut_ties` are what it shares with other listings and what never ties it to them.
    """

    vehicle_id: str
    split: str
    burned: bool
    tied_by: str
    make_model_id: str | None
    night: date
    cut_ties: tuple[str, ...] = ()


def assign(
    known: Mapping[ListingKey, Membership],
    ties: Mapping[str, Iterable[ListingKey]],
    new: Mapping[ListingKey, str | None],
    *,
    night: date,
    dealt: Mapping[str | None, int] | None = None,
    trained: Collection[str] = frozenset(),
) -> dict[ListingKey, Membership]:
    """Give every new listing a vehicle and merge the vehicles that tonight's ties join.

    Args:
        known: the memberships of earlier nights, at least those of every vehicle that a tie touches, whole.
        ties: listings that share something, by its name (`copy:<sha256>`, `vin:<vin>`).
        new: listings without a vehicle, each with its make and model.
        night: tonight.
        dealt: how many vehicles of each make and model have a split; counted from `known` when left out.
        trained: vehicles that a model was trained on, by any id that they ever had.

    Returns:
        The memberships that are new or changed. The order of the arguments' rows does not matter.
    """
    unions: Unions[ListingKey] = Unions()
    first_of_vehicle: dict[str, ListingKey] = {}
    for key in sorted(known):
        unions.join(key, first_of_vehicle.setdefault(known[key].vehicle_id, key))
    tied_by: dict[ListingKey, str] = {}
    for name in sorted(ties, key=lambda name: (strength(name), name)):
        members = sorted(ties[name])
        for member in members[1:]:
            unions.join(member, members[0])
        for member in members if len(members) > 1 else ():
            tied_by.setdefault(member, name)

    changed: dict[ListingKey, Membership] = {}
    fresh: dict[str | None, list[list[ListingKey]]] = defaultdict(list)
    for group in unions.groups(sorted({*known, *new})):
        merging = [known[key] for key in group if key in known]
        if not merging:
            fresh[_main_model(new[key] for key in group)].append(group)
            continue
        place = _merged(merging, trained)
        for key in group:
            before = known.get(key) or Membership(*place, ALONE, new[key], night)
            reason = tied_by.get(key, ALONE) if before.tied_by == ALONE else before.tied_by
            vehicle_id, split, burned = place
            after = replace(before, vehicle_id=vehicle_id, split=split, burned=burned, tied_by=reason)
            if after != known.get(key):
                changed[key] = after

    if dealt is None:
        dealt = Counter(known[first].make_model_id for first in first_of_vehicle.values())
    for model in sorted(fresh, key=str):
        named = [(_vehicle_id(group), group) for group in fresh[model]]
        ordered = sorted(named, key=lambda vehicle: _stable_hash(vehicle[0]))
        for position, (vehicle_id, group) in enumerate(ordered, start=dealt.get(model, 0)):
            split = SPLIT_BLOCK[position % len(SPLIT_BLOCK)]
            for key in group:
                changed[key] = Membership(vehicle_id, split, False, tied_by.get(key, ALONE), new[key], night)
    return changed


def _merged(members: Collection[Membership], trained: Collection[str]) -> tuple[str, str, bool]:
    """Return the vehicle id (the oldest), split and burned mark of vehicles that turn out to be one.

    Vehicles that were all for training stay so, unburned: nothing that was kept for evaluation is lost.
    """
    oldest = min(members, key=lambda member: (member.night, member.vehicle_id))
    splits = {member.split for member in members}
    burned = any(member.burned for member in members) or len(splits) > 1
    if splits != {"train"}:
        burned = burned or any(member.vehicle_id in trained for member in members)
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
