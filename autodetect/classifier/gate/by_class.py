"""Has a class been lost while the average held? Exact paired tests, corrected for how many are asked."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autodetect.classifier.gate.answers import Pairs
from autodetect.classifier.gate.formulas import holm, sign_test
from autodetect.classifier.gate.verdict import ClassDrop, Part
from autodetect.classifier.gate.wording import counted, listed, percent, points
from autodetect.sections import GateSettings

NAME = "classes"


@dataclass(frozen=True)
class Pool:
    """Classes that are judged as one: a class of its own, or small classes together."""

    name: str
    class_ids: tuple[int, ...]


def pools(
    vehicles: Mapping[int, int], groups: Sequence[frozenset[int]], small: int, names: Mapping[int, str]
) -> tuple[Pool, ...]:
    """Return what is judged as one, each class in exactly one pool.

    A class with `small` vehicles or more stands alone. Smaller ones join the small classes of the first group of
    lookalikes that holds at least two of them; what is left is judged together, as the others.

    Args:
        vehicles: class id -> how many vehicles were compared.
        groups: class ids that look alike; a class may be in several groups.
        small: classes with fewer vehicles are pooled.
        names: class id -> what the class is called.
    """
    alone = sorted(class_id for class_id, count in vehicles.items() if count >= small)
    found = [Pool(_name(class_id, names), (class_id,)) for class_id in alone]
    left = set(vehicles) - set(alone)
    for group in groups:
        members = tuple(sorted(left & group))
        if len(members) > 1:
            found.append(Pool(f"lookalikes {listed([_name(member, names) for member in members])}", members))
            left -= set(members)
    if left:
        rest = tuple(sorted(left))
        name = _name(rest[0], names) if len(rest) == 1 else f"the {len(rest)} other small classes together"
        found.append(Pool(name, rest))
    return tuple(found)


def judge_classes(
    pairs: Pairs, groups: Sequence[frozenset[int]], limits: GateSettings, names: Mapping[int, str]
) -> tuple[Part, tuple[ClassDrop, ...], int]:
    """Return the part of the verdict, the drops that could block (surest first), and how many pools were judged.

    A pool blocks where its one-sided exact test stays significant after Holm's correction over all pools and the drop
    has at least `limits.class_drop_points`.
    """
    counts = Counter(pairs.class_ids.tolist())
    judged = pools(counts, groups, limits.small_class, names)
    members = [np.isin(pairs.class_ids, pool.class_ids) for pool in judged]
    gained = [int(pairs.gained[member].sum()) for member in members]
    lost = [int(pairs.lost[member].sum()) for member in members]
    p_values = [sign_test(won, missed) for won, missed in zip(gained, lost, strict=True)]
    least = limits.class_drop_points / 100
    drops = []
    for pool, member, won, missed, p_value, adjusted in zip(
        judged, members, gained, lost, p_values, holm(p_values).tolist(), strict=True
    ):
        n = int(member.sum())
        drop = (missed - won) / n
        if drop > 0 and drop >= least:
            drops.append(
                ClassDrop(
                    name=pool.name,
                    class_ids=pool.class_ids,
                    n=n,
                    gained=won,
                    lost=missed,
                    drop=round(drop, 6),
                    p_value=_short(p_value),
                    adjusted_p=_short(adjusted),
                    blocks=adjusted <= limits.class_level,
                )
            )
    drops.sort(key=lambda drop: (drop.p_value, -drop.drop, drop.class_ids))
    return _part(drops, len(judged), limits), tuple(drops), len(judged)


def _part(drops: Sequence[ClassDrop], judged: int, limits: GateSettings) -> Part:
    blocking = [drop for drop in drops if drop.blocks]
    asked = counted(judged, "class or group", "classes and groups")
    if blocking:
        told = ", ".join(_told(drop) for drop in blocking[:3])
        more = f" and {len(blocking) - 3} more" if len(blocking) > 3 else ""
        words = f"{told}{more} (Holm's correction over {asked}, {percent(limits.class_level)} level)"
        return Part(name=NAME, passed=False, words=words)
    words = f"none of {asked} surely dropped by {limits.class_drop_points:g} points or more"
    if drops:
        words += f"; not surely: {', '.join(_told(drop) for drop in drops[:3])}"
    return Part(name=NAME, passed=True, words=words)


def _told(drop: ClassDrop) -> str:
    figures = f"{points(-drop.drop)} points, {drop.gained} gained, {drop.lost} lost, p {drop.adjusted_p:g}"
    return f"{drop.name} dropped on {counted(drop.n, 'vehicle', 'vehicles')} ({figures})"


def _name(class_id: int, names: Mapping[int, str]) -> str:
    return names.get(class_id, f"class {class_id}")


def _short(p_value: float) -> float:
    return float(f"{p_value:.3g}")
