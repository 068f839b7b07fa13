"""What a train receipt tells of how its model was judged, as the report shows it.

Receipts of earlier versions lack most of it: what is absent is empty here, never an error.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from autodetect.classifier.embedding_map import EmbeddingMap
from autodetect.classifier.evaluation import Evaluation
from autodetect.classifier.gate import Part
from autodetect.classifier.poison import LabelVerdict
from autodetect.classifier.slices import Slices
from autodetect.classifier.unknown_cars import UnknownCars
from autodetect.lake.lake import Lake
from autodetect.lake.objects import ObjectMissingError
from autodetect.records import Receipt
from autodetect.report.facts import JudgedReport, WorstClassPhotos, WrongAnswer

MAP_FILE = "embedding_map"  # what a train receipt calls the map among its files
_ID = 12  # characters of a digest that a person is shown


def judged(lake: Lake, train: Receipt | None, photo: Callable[[str], Path]) -> JudgedReport:
    """Return everything that a report shows of tonight's verdict beside the figures of the whole test set.

    Args:
        lake: holds the map that the receipt names.
        train: tonight's train receipt, None where the night did not come so far.
        photo: sha256 -> a local file.
    """
    if train is None:
        return JudgedReport()
    facts = train.facts
    return JudgedReport(
        parts=tuple(Part.model_validate(part) for part in facts.get("gate", {}).get("parts", ())),
        lineage=lineage_words(facts),
        slices=_record(Slices, facts.get("slices")),
        unknowns=_record(UnknownCars, facts.get("unknowns")),
        labels=_record(LabelVerdict, facts.get("labels")),
        worst=_worst(facts.get("evaluation"), photo),
        map=_map(lake, train.files.get(MAP_FILE)),
    )


def lineage_words(facts: dict[str, Any]) -> str:
    """Return one line on what tonight's challenger was made from; empty where nothing is told."""
    lineage = facts.get("lineage")
    if not lineage:
        return ""
    started = "afresh" if lineage["start"] == "cold" else f"from champion {str(lineage.get('champion'))[:_ID]}"
    words = (
        f"started {started}; backbone {lineage['backbone'][:_ID]}, embeddings by {lineage['engine']}, "
        f"snapshot {lineage['snapshot_id'][:_ID]}, {lineage['backend']}, seed {lineage['seed']}"
    )
    left_out = len(lineage.get("left_out", ()))
    if left_out:
        words += f"; {left_out} {'class' if left_out == 1 else 'classes'} without training photos left out"
    tried = facts.get("backbone_next")
    return f"{words}; the next backbone was {tried['outcome']}" if tried else words


def _record(kind: Any, found: Any) -> Any:
    return kind.model_validate(found) if found else None


def _worst(evaluation: Any, photo: Callable[[str], Path]) -> tuple[WorstClassPhotos, ...]:
    if not evaluation:
        return ()
    return tuple(
        WorstClassPhotos(
            name=each.name,
            top1=each.top1,
            taken_for=each.taken_for,
            photos=tuple(
                WrongAnswer(path=photo(wrong.sha256), answer=wrong.answer, probability=wrong.probability)
                for wrong in each.photos
            ),
        )
        for each in Evaluation.model_validate(evaluation).worst
    )


def _map(lake: Lake, digest: str | None) -> EmbeddingMap | None:
    """Return the map; one that was swept since is no reason for a night to have no report."""
    if digest is None:
        return None
    try:
        return EmbeddingMap.model_validate_json(lake.artifacts.read(digest))
    except ObjectMissingError:
        return None
