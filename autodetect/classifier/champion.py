"""The champion as a record: which head, which classes in which order, how good, and the class map a release carries."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Self

from autodetect.records import Receipt, Record, canonical_digest


class Champion(Record):
    """A model that passed the gate. `class_ids[i]` is the class of output i; ids are never reused."""

    head: str
    class_ids: tuple[int, ...]
    snapshot_id: str
    night: date
    backbone: str
    metrics: dict[str, float]

    @classmethod
    def of(cls, receipt: Receipt | None) -> Self | None:
        """Return the champion as a train receipt leaves it, None before the first."""
        found = receipt.facts.get("champion") if receipt else None
        return cls.model_validate(found) if found else None


class ClassEntry(Record):
    """One output of a model: what it stands for."""

    output: int
    class_id: int
    make_model_id: str
    label: str


def class_map(champion: Champion, classes: Iterable[Mapping[str, Any]]) -> tuple[ClassEntry, ...]:
    """Return the champion's outputs in order, with the labels of the `classes` table."""
    rows = {row["class_id"]: row for row in classes}
    return tuple(
        ClassEntry(
            output=output,
            class_id=class_id,
            make_model_id=rows[class_id]["make_model_id"],
            label=rows[class_id]["label"],
        )
        for output, class_id in enumerate(champion.class_ids)
    )


def class_map_digest(entries: Iterable[ClassEntry]) -> str:
    """Return the digest that the model and the price tables of one release share."""
    return canonical_digest([entry.model_dump() for entry in entries])
