"""A night's contest: a challenger trained from the champion, both scored on the same test vehicles."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras

from autodetect.classifier.champion import Champion
from autodetect.classifier.evaluation import Evaluation, evaluate, vehicle_answers
from autodetect.classifier.gate import Answers, GateVerdict, decide
from autodetect.classifier.head import build_head, grow_head
from autodetect.classifier.split_arrays import EMBEDDING_DIMENSION, Examples
from autodetect.classifier.training import TrainingRecord, train_head
from autodetect.sections import ClassifierSettings

log = logging.getLogger(__name__)
EPOCHS_BETWEEN_LINES = 5


@dataclass(frozen=True)
class Contest:
    """The challenger's `model` with its classes by output, its `answers` on the test photos, and the verdict.

    `answers` has the shape (test photos, classes); `champion_evaluation` covers the classes that the champion knows.
    """

    model: keras.Model
    class_ids: tuple[int, ...]
    record: TrainingRecord
    answers: Any
    evaluation: Evaluation
    champion_evaluation: Evaluation | None
    verdict: GateVerdict


def hold_contest(
    splits: Mapping[str, Examples],
    labels: Mapping[int, str],
    *,
    champion: Champion | None,
    champion_head: keras.Model | None,
    settings: ClassifierSettings,
    seed: int,
) -> Contest:
    """Train a challenger and let the gate compare it with the champion.

    Args:
        splits: train, validation and test of tonight's snapshot.
        labels: class id -> what the class is called.
        champion: the published model's record, None on the first night.
        champion_head: its head.
        settings: training and gate settings.
        seed: tonight's seed.
    """
    fit, validation, test = splits["train"], splits["validation"], splits["test"]
    known = champion.class_ids if champion else ()
    class_ids = (*known, *sorted(set(fit.class_ids.tolist()) - set(known)))
    if champion_head is None:
        model = build_head(
            EMBEDDING_DIMENSION,
            len(class_ids),
            mean=fit.x.mean(axis=0),
            variance=fit.x.var(axis=0),
            settings=settings,
            seed=seed,
        )
    else:
        arrivals = [fit.x[fit.class_ids == class_id] for class_id in class_ids[len(known) :]]
        model = grow_head(champion_head, len(known), arrivals)
    record = train_head(
        model,
        fit.x,
        fit.outputs(class_ids),
        validation.x,
        validation.outputs(class_ids),
        settings=settings,
        seed=seed,
        warm=champion is not None,
        progress=_tell,
    )
    answers = model.predict(test.x, verbose=0)
    names = [labels[class_id] for class_id in class_ids]
    theirs, champion_evaluation = None, None
    if champion is not None and champion_head is not None:
        theirs, champion_evaluation = _champion_on(test, champion, champion_head, labels)
    verdict = decide(
        vehicle_answers(answers, test.class_ids, test.vehicles, class_ids),
        theirs,
        margin_points=settings.margin_points,
        chance=1 / len(class_ids),
        min_lift=settings.min_lift_over_chance,
    )
    evaluation = evaluate(answers, test.outputs(class_ids), test.vehicles, names)
    return Contest(model, class_ids, record, answers, evaluation, champion_evaluation, verdict)


def _champion_on(
    test: Examples, champion: Champion, head: keras.Model, labels: Mapping[int, str]
) -> tuple[Answers, Evaluation | None]:
    """Return the champion's answers on all test vehicles, and its scores on those of classes that it knows."""
    answers = head.predict(test.x, verbose=0)
    given = vehicle_answers(answers, test.class_ids, test.vehicles, champion.class_ids)
    known = test.only(champion.class_ids)
    if not len(known.class_ids):
        return given, None
    names = [labels[class_id] for class_id in champion.class_ids]
    kept = head.predict(known.x, verbose=0)
    return given, evaluate(kept, known.outputs(champion.class_ids), known.vehicles, names)


def _tell(epoch: int, entry: Mapping[str, float]) -> None:
    if epoch % EPOCHS_BETWEEN_LINES == 0:
        log.info("train: epoch %d, %s", epoch, ", ".join(f"{name} {value:.3f}" for name, value in entry.items()))
