"""A night's contest: a challenger trained from the champion, both scored on the same test vehicles."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

from autodetect.classifier.champion import Champion
from autodetect.classifier.confusion import outputs_of
from autodetect.classifier.evaluation import Evaluation, evaluate, vehicle_answers
from autodetect.classifier.gate import Answers, GateVerdict, Part, decide, judge_precision
from autodetect.classifier.head import HeadKind, head_kind, mask_outputs
from autodetect.classifier.pooling import Floats
from autodetect.classifier.rivals import Lineup, Rival, train_rivals, winner
from autodetect.classifier.split_arrays import Examples
from autodetect.classifier.temperature import Temperatures, fit_temperatures
from autodetect.classifier.training import TrainingRecord
from autodetect.sections import ClassifierSettings, GateSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Defender:
    """A released model: its record, its head, and tonight's test photos as its own backbone sees them.

    `rival_head` is the head that lost to it on validation, with the same outputs.
    """

    record: Champion
    head: keras.Model
    test: Examples
    rival_head: keras.Model | None = None


@dataclass(frozen=True)
class Rules:
    """What a contest is held by.

    Attributes:
        training: how heads are trained, and the margin.
        gate: the gate's limits.
        seed: tonight's.
        retired: class ids that no model answers any more.
        lookalikes: groups of class ids that look alike.
        trained_on: vehicles that a model or its backbone was trained on: the gate leaves them out.
        ages: vehicle -> days since it was first seen.
        size_bytes: what the model weighs on a phone, where that is known.
        rounded: the validation photos embedded as the training photos are, where that is in less than full precision.
    """

    training: ClassifierSettings
    gate: GateSettings
    seed: int
    retired: frozenset[int] = frozenset()
    lookalikes: Sequence[frozenset[int]] = ()
    trained_on: frozenset[str] = frozenset()
    ages: Mapping[str, int] = field(default_factory=dict)
    size_bytes: int | None = None
    rounded: Examples | None = None


@dataclass(frozen=True)
class Contest:
    """The challenger's `model` with its classes by output, its `answers` on the test photos, and the verdict.

    `answers` has the shape (test photos, classes); `champion_evaluation` covers the classes that the champion knows.
    `rivals` are both heads that were trained: the challenger is the one that validation picked, and `temperatures` are
    its own, fitted on validation. `champion_answers` are the champion's by vehicle.
    """

    rivals: tuple[Rival, ...]
    model: keras.Model
    class_ids: tuple[int, ...]
    record: TrainingRecord
    temperatures: Temperatures
    answers: Floats
    vehicle_answers: Answers
    champion_answers: Answers | None
    evaluation: Evaluation
    champion_evaluation: Evaluation | None
    verdict: GateVerdict


def hold_contest(
    splits: Mapping[str, Examples],
    labels: Mapping[int, str],
    *,
    champion: Defender | None,
    rules: Rules,
    recent: Defender | None = None,
    cold: bool = False,
) -> Contest:
    """Train a challenger and let the gate compare it with the champion.

    Args:
        splits: train, validation and test of tonight's snapshot, of classes that the challenger can answer
            (`split_arrays.answerable`).
        labels: class id -> what the class is called.
        champion: the published model, None on the first night.
        rules: settings, seed, and what is known of classes and vehicles.
        recent: the best release of the last 90 days, where that is not the champion.
        cold: start afresh instead of from the champion: outputs that no training photo shows are left behind.
    """
    fit, validation, test = splits["train"], splits["validation"], splits["test"]
    lineup = Lineup(retired=rules.retired)
    if champion is not None and not cold:
        heads = _by_kind(champion.head, champion.rival_head)
        lineup = Lineup(champion.record.class_ids, heads, rules.retired)
    class_ids = lineup.class_ids(fit)
    rivals = train_rivals(fit, validation, lineup, settings=rules.training, seed=rules.seed)
    chosen = winner(rivals)
    model, record = chosen.model, chosen.standing.training
    answers = model.predict(test.x, verbose=0)
    temperatures = fit_temperatures(
        model.predict(validation.x, verbose=0), validation.outputs(class_ids), validation.vehicles
    )
    ours = vehicle_answers(answers, test.class_ids, test.vehicles, class_ids, temperature=temperatures.vehicle)
    ours = replace(ours, class_ids=ours.class_ids - rules.retired)  # one that keeps its output is no new class
    log.info("train: the gate is asked about %d test vehicles", len(ours.truth))
    best = _answers(recent, rules) if recent else None
    theirs, champion_evaluation = _judged(champion, labels, rules) if champion else (None, None)
    verdict = decide(
        ours,
        theirs,
        margin_points=rules.training.margin_points,
        chance=1 / len(class_ids),
        min_lift=rules.training.min_lift_over_chance,
        recent=best,
        among_recent=_among(model, class_ids, test, best.class_ids) if best else None,
        groups=rules.lookalikes,
        names=labels,
        trained_on=rules.trained_on,
        size_bytes=rules.size_bytes,
        precision=_precision(model, validation, class_ids, rules.rounded),
        limits=rules.gate,
    )
    evaluation = _scored(answers, test, class_ids, labels, temperatures=temperatures, rules=rules)
    return Contest(
        rivals=rivals,
        model=model,
        class_ids=class_ids,
        record=record,
        temperatures=temperatures,
        answers=answers,
        vehicle_answers=ours,
        champion_answers=theirs,
        evaluation=evaluation,
        champion_evaluation=champion_evaluation,
        verdict=verdict,
    )


def silenced(head: keras.Model, class_ids: Sequence[int], silent: frozenset[int]) -> keras.Model:
    """Return the head as it answers when these classes are silent; the head itself where it has none, or no other."""
    outputs = [output for output, class_id in enumerate(class_ids) if class_id in silent]
    return mask_outputs(head, outputs) if 0 < len(outputs) < len(class_ids) else head


def _among(model: keras.Model, class_ids: tuple[int, ...], test: Examples, known: frozenset[int]) -> Answers:
    """Return the answers of a model that may name none but `known` classes."""
    head = silenced(model, class_ids, frozenset(class_ids) - known)
    given = vehicle_answers(head.predict(test.x, verbose=0), test.class_ids, test.vehicles, class_ids)
    return replace(given, class_ids=given.class_ids & known)


def _answers(model: Defender, rules: Rules) -> Answers:
    """Return a released model's answers on all test vehicles, without classes that it does not answer any more."""
    record, test = model.record, model.test
    silent = rules.retired | frozenset(record.withheld)
    head = silenced(model.head, record.class_ids, silent)
    given = vehicle_answers(
        head.predict(test.x, verbose=0),
        test.class_ids,
        test.vehicles,
        record.class_ids,
        temperature=record.temperatures.vehicle,
    )
    return replace(given, class_ids=given.class_ids - silent)


def _judged(champion: Defender, labels: Mapping[int, str], rules: Rules) -> tuple[Answers, Evaluation | None]:
    """Return the champion's answers on all test vehicles, and its scores on those of classes that it answers.

    Both are told at the temperatures of its own night; a champion of an earlier version has none and answers as it is.
    """
    record, given = champion.record, _answers(champion, rules)
    known = champion.test.only(tuple(sorted(given.class_ids)))
    if not len(known.class_ids):
        return given, None
    head = silenced(champion.head, record.class_ids, rules.retired | frozenset(record.withheld))
    answers = head.predict(known.x, verbose=0)
    return given, _scored(answers, known, record.class_ids, labels, temperatures=record.temperatures, rules=rules)


def _scored(
    answers: Floats,
    test: Examples,
    class_ids: tuple[int, ...],
    labels: Mapping[int, str],
    *,
    temperatures: Temperatures,
    rules: Rules,
) -> Evaluation:
    ages = [rules.ages.get(str(vehicle), 0) for vehicle in test.vehicles] if rules.ages else None
    return evaluate(
        answers,
        test.outputs(class_ids),
        test.vehicles,
        [labels[class_id] for class_id in class_ids],
        temperatures=temperatures,
        groups=outputs_of(rules.lookalikes, class_ids),
        ages=ages,
        photos=test.photos,
        seed=rules.seed,
    )


def _precision(
    model: keras.Model, validation: Examples, class_ids: tuple[int, ...], rounded: Examples | None
) -> Part | None:
    """Return whether the model answers alike on embeddings of less precision; None where there are none."""
    if rounded is None:
        return None
    place = {sha256: index for index, sha256 in enumerate(rounded.photos)}
    x = rounded.x[[place[sha256] for sha256 in validation.photos]]
    exact, other = (np.asarray(model.predict(each, verbose=0)) for each in (validation.x, x))
    return judge_precision(exact, other, validation.outputs(class_ids))


def _by_kind(*heads: keras.Model | None) -> dict[HeadKind, Any]:
    return {head_kind(head): head for head in heads if head is not None}
