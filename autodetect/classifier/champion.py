"""The champion as a record: which head, which classes in which order, how good, and the class map a release carries."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Self

from autodetect.classifier.temperature import UNTEMPERED, Temperatures
from autodetect.errors import CorruptError
from autodetect.records import Receipt, Record, canonical_digest


class Abstain(Record):
    """Below which probability of its first answer a model says that it is not sure.

    `threshold` (0..1) is compared with the probability by vehicle at the model's vehicle temperature; of unknown
    validation vehicles at most `most_answered` (a share) reach it.
    """

    threshold: float
    most_answered: float


class Champion(Record):
    """A model that passed the gate. `class_ids[i]` is the class of output i; ids are never reused.

    `rival` is the file of the head that validation did not pick, with the same outputs: the next night starts both from
    where they are. `cold_started_on` is the night from whose cold start the model descends.
    `temperatures` were fitted on that night's validation vehicles, `abstain` was chosen on them; a record of an earlier
    version has neither. `withheld` are class ids that have an output and are not answered: new classes below the gate's
    floor. `served` is the file of the head in which those outputs, and those of retired classes, are silent; None where
    none is. `engine` made the embeddings that the head was trained on.
    """

    head: str
    class_ids: tuple[int, ...]
    snapshot_id: str
    night: date
    backbone: str
    metrics: dict[str, float]
    rival: str | None = None
    cold_started_on: date | None = None
    temperatures: Temperatures = UNTEMPERED
    abstain: Abstain | None = None
    withheld: tuple[int, ...] = ()
    served: str | None = None
    engine: str = ""

    @property
    def released_head(self) -> str:
        """Return the head's file as a release carries it."""
        return self.served or self.head

    @property
    def began(self) -> date:
        """Return the night of its cold start; of a record that does not say, its own night."""
        return self.cold_started_on or self.night

    def cold_start_due(self, night: date, days: int) -> bool:
        """Return whether a challenger of `night` should start afresh, `days` after this model's line did."""
        return night - self.began >= timedelta(days=days)

    @classmethod
    def of(cls, receipt: Receipt | None) -> Self | None:
        """Return the champion as a train receipt leaves it, None before the first.

        It passed the gate; which model a phone gets, the export receipt says: `released`.
        """
        found = receipt.facts.get("champion") if receipt else None
        return cls.model_validate(found) if found else None

    @classmethod
    def released(cls, export: Receipt) -> Self:
        """Return the model that tonight's release carries, as an export receipt names it.

        It is the champion, or the model released before where the champion's package was withheld. Class map, prices
        and files of the release are this one's.

        Raises:
            CorruptError: the receipt names none.
        """
        found = cls.of(export)
        if found is None:
            raise CorruptError(
                f"the export of {export.night} does not say which model it released", "run `autodetect export` again"
            )
        return found


def start_cold(before: Receipt | None, night: date, days: int) -> bool:
    """Return whether tonight's challenger starts afresh rather than from the champion.

    It does when the champion's line began `days` ago or earlier, which bounds drift. A cold start that the gate refused
    is followed by a warm night before it is tried again, or classes would stop joining until one passes.

    Args:
        before: the last train receipt.
        night: tonight.
        days: `classifier.cold_start_days`.
    """
    champion = Champion.of(before)
    if before is None or champion is None:
        return True
    tried = before.facts.get("lineage", {}).get("start") == "cold" and not before.facts.get("promoted")
    return champion.cold_start_due(night, days) and not tried


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
