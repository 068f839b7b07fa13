"""A night's contest: a challenger trained from the champion, both scored on the same test vehicles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from autodetect.classifier.champion import Champion
from autodetect.classifier.confusion import outputs_of
from autodetect.classifier.evaluation import Evaluation, evaluate, vehicle_answers
from autodetect.classifier.gate import Answers, GateLimits, GateVerdict, decide
from autodetect.classifier.head import HeadKind, head_kind, mask_outputs
from autodetect.classifier.rivals import Lineup, Rival, train_rivals, winner
from autodetect.classifier.split_arrays import Examples
from autodetect.classifier.temperature import Temperatures, fit_temperatures
from autodetect.classifier.training import TrainingRecord
from autodetect.sections import ClassifierSettings


@dataclass(frozen=True)
class Contest:
    """The challenger's `model` with its classes by output, its `answers` on the test photos, and the verdict.

    `answers` has the shape (test photos, classes); `champion_evaluation` covers the classes that the champion knows.
    `rivals` are both heads that were trained: the challenger is the one that validation picked, and `temperatures` are
    its own, fitted on validation.
    """

    rivals: tuple[Rival, ...]
    model: keras.Model
    class_ids: tuple[int, ...]
    record: TrainingRecord
    temperatures: Temperatures
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
    rival_head: keras.Model | None = None,
    cold: bool = False,
    retired: frozenset[int] = frozenset(),
    lookalikes: Sequence[frozenset[int]] = (),
) -> Contest:
    """Train a challenger and let the gate compare it with the champion.

    Args:
        splits: train, validation and test of tonight's snapshot, of classes that the challenger can answer
            (`split_arrays.answerable`).
        labels: class id -> what the class is called.
        champion: the published model's record, None on the first night.
        champion_head: its head.
        settings: training and gate settings.
        seed: tonight's seed.
        rival_head: the head that lost to the champion's on validation, with the same outputs.
        cold: start afresh instead of from the champion: outputs that no training photo shows are left behind.
        retired: class ids that no model answers any more.
        lookalikes: groups of class ids that look alike.
    """
    fit, validation, test = splits["train"], splits["validation"], splits["test"]
    if champion_head is not None and champion is not None:
        champion_head = _without(champion_head, champion.class_ids, retired)
    lineup = Lineup(retired=retired)
    if champion is not None and not cold:
        lineup = Lineup(champion.class_ids, _by_kind(champion_head, rival_head), retired)
    class_ids = lineup.class_ids(fit)
    rivals = train_rivals(fit, validation, lineup, settings=settings, seed=seed)
    chosen = winner(rivals)
    model, record = chosen.model, chosen.standing.training
    answers = model.predict(test.x, verbose=0)
    temperatures = fit_temperatures(
        model.predict(validation.x, verbose=0), validation.outputs(class_ids), validation.vehicles
    )
    theirs, champion_evaluation = None, None
    if champion is not None and champion_head is not None:
        theirs, champion_evaluation = _champion_on(
            test, champion, champion_head, labels, lookalikes=lookalikes, seed=seed
        )
    verdict = decide(
        vehicle_answers(answers, test.class_ids, test.vehicles, class_ids, temperature=temperatures.vehicle),
        theirs,
        margin_points=settings.margin_points,
        chance=1 / len(class_ids),
        min_lift=settings.min_lift_over_chance,
        groups=lookalikes,
        names=labels,
        limits=GateLimits(new_class_floor=settings.new_class_floor),
    )
    evaluation = evaluate(
        answers,
        test.outputs(class_ids),
        test.vehicles,
        [labels[class_id] for class_id in class_ids],
        temperatures=temperatures,
        groups=outputs_of(lookalikes, class_ids),
        photos=test.photos,
        seed=seed,
    )
    return Contest(rivals, model, class_ids, record, temperatures, answers, evaluation, champion_evaluation, verdict)


def _champion_on(
    test: Examples,
    champion: Champion,
    head: keras.Model,
    labels: Mapping[int, str],
    *,
    lookalikes: Sequence[frozenset[int]],
    seed: int,
) -> tuple[Answers, Evaluation | None]:
    """Return the champion's answers on all test vehicles, and its scores on those of classes that it knows.

    Both are told at the temperatures of its own night; a champion of an earlier version has none and answers as it is.
    """
    own = champion.temperatures
    answers = head.predict(test.x, verbose=0)
    given = vehicle_answers(answers, test.class_ids, test.vehicles, champion.class_ids, temperature=own.vehicle)
    known = test.only(champion.class_ids)
    if not len(known.class_ids):
        return given, None
    names = [labels[class_id] for class_id in champion.class_ids]
    kept = head.predict(known.x, verbose=0)
    return given, evaluate(
        kept,
        known.outputs(champion.class_ids),
        known.vehicles,
        names,
        temperatures=own,
        groups=outputs_of(lookalikes, champion.class_ids),
        photos=known.photos,
        seed=seed,
    )


def _by_kind(*heads: keras.Model | None) -> dict[HeadKind, keras.Model]:
    return {head_kind(head): head for head in heads if head is not None}


def _without(head: keras.Model, class_ids: tuple[int, ...], retired: frozenset[int]) -> keras.Model:
    """Return the head as it answers now that these classes are retired."""
    silent = [output for output, class_id in enumerate(class_ids) if class_id in retired]
    return mask_outputs(head, silent) if silent else head
