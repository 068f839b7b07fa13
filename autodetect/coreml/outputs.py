"""The outputs of a released model: what each stands for, and whether it ever answers."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from autodetect.classifier.champion import Champion, ClassEntry

RETIRED = "retired"


class Output(ClassEntry):
    """One output. One that never `answers` keeps its place and gives probability 0: its class is retired or withheld.

    Class maps of earlier versions do not say; all their outputs answered.
    """

    answers: bool = True


def outputs_to_silence(champion: Champion, classes: Iterable[Mapping[str, Any]]) -> list[int]:
    """Return the outputs that must not answer, in order.

    Args:
        champion: the released model; it says which of its classes are withheld.
        classes: rows of the `classes` table, which say what is retired tonight.
    """
    silent = {row["class_id"] for row in classes if row["status"] == RETIRED} | set(champion.withheld)
    return [output for output, class_id in enumerate(champion.class_ids) if class_id in silent]


def with_silence(entries: Iterable[ClassEntry], masked: Collection[int]) -> tuple[Output, ...]:
    """Return a class map that also says which outputs never answer: those that are `masked` in the head."""
    return tuple(Output(**entry.model_dump(), answers=entry.output not in masked) for entry in entries)
