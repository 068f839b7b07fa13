"""The night's two heads, dense and linear: both are trained on all cached embeddings, and validation picks one.

The judge is the negative log-likelihood by vehicle at each head's own temperature, both on validation. By vehicle, as
the gate counts; likelihood rather than top-1, because with a hundred validation vehicles top-1 moves in steps of a
whole point and ties; tempered, because a head that is as often right but too shy or too bold is mended by one number
after training.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import keras
import numpy as np

from autodetect.classifier.head import (
    HEAD_KINDS,
    HeadKind,
    build_head,
    grow_head,
    head_kind,
    mask_outputs,
    masked_outputs,
)
from autodetect.classifier.pooling import by_vehicle, log_of
from autodetect.classifier.split_arrays import Examples
from autodetect.classifier.temperature import fit_temperature, tempered
from autodetect.classifier.training import TrainingRecord, check_examples, train_head
from autodetect.records import Record
from autodetect.sections import ClassifierSettings

log = logging.getLogger(__name__)
EPOCHS_BETWEEN_LINES = 5
_DIGITS = 6

Start = Literal["cold", "warm"]


class Standing(Record):
    """How one head stands on validation, after training from `start`.

    `top1` (photos) and `vehicle_top1` are shares 0..1; `vehicle_nll` is in nats per vehicle, at `temperature`.
    """

    kind: HeadKind
    start: Start
    top1: float
    vehicle_top1: float
    vehicle_nll: float
    temperature: float
    training: TrainingRecord


@dataclass(frozen=True)
class Rival:
    """A trained head, (n, dim) -> (n, classes), and how it stands."""

    model: keras.Model
    standing: Standing


@dataclass(frozen=True)
class Lineup:
    """What tonight's heads answer and begin with.

    `known` are the class ids of the outputs that a warm start keeps, in order, none on a cold start; `heads` the heads
    to start from, by kind: one that is missing starts cold; `retired` the class ids that no head may answer.
    """

    known: tuple[int, ...] = ()
    heads: Mapping[HeadKind, keras.Model] | None = None
    retired: frozenset[int] = frozenset()

    def class_ids(self, fit: Examples) -> tuple[int, ...]:
        """Return the class id of each output: those known, then the new ones of the training photos, ascending."""
        return (*self.known, *sorted(set(fit.class_ids.tolist()) - set(self.known) - self.retired))


def train_rivals(
    fit: Examples, validation: Examples, lineup: Lineup, *, settings: ClassifierSettings, seed: int
) -> tuple[Rival, ...]:
    """Train both heads; the outputs of both are `lineup.class_ids(fit)`.

    Args:
        fit: the training photos, all of classes in the lineup.
        validation: the validation photos, likewise.
        lineup: where they start.
        settings: training settings.
        seed: tonight's.

    Raises:
        StageFailedError: no photos, embeddings that are not finite, or a training that diverged.
    """
    check_examples(fit.x, validation.x)
    class_ids = lineup.class_ids(fit)
    silent = [output for output, class_id in enumerate(class_ids) if class_id in lineup.retired]
    rivals = []
    for kind in HEAD_KINDS:
        model, start = _start(kind, fit, lineup, settings=settings, seed=seed)
        record = train_head(
            model,
            fit.x,
            fit.outputs(class_ids),
            validation.x,
            validation.outputs(class_ids),
            settings=settings,
            seed=seed,
            warm=start == "warm",
            progress=partial(_tell, kind),
        )
        if silent:
            model = mask_outputs(model, silent)
        standing = _standing(model, validation, class_ids, start, record)
        log.info("train: %s head, %s start: %.3f nats a vehicle", kind, start, standing.vehicle_nll)
        rivals.append(Rival(model, standing))
    return tuple(rivals)


def winner(rivals: tuple[Rival, ...]) -> Rival:
    """Return the head with the lowest negative log-likelihood by vehicle; of equals, the first."""
    return min(rivals, key=lambda rival: rival.standing.vehicle_nll)


def _start(
    kind: HeadKind, fit: Examples, lineup: Lineup, *, settings: ClassifierSettings, seed: int
) -> tuple[keras.Model, Start]:
    """Return the head as training finds it."""
    class_ids = lineup.class_ids(fit)
    before = (lineup.heads or {}).get(kind)
    if before is None:
        statistics = {"mean": fit.x.mean(axis=0), "variance": fit.x.var(axis=0)}
        fresh = build_head(fit.x.shape[1], len(class_ids), **statistics, settings=settings, seed=seed, kind=kind)
        return fresh, "cold"

    def photos(class_id: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        return fit.x[fit.class_ids == class_id]

    known = len(lineup.known)
    back = {output: photos(class_ids[output]) for output in masked_outputs(before) if output < known}
    renewed = {output: x for output, x in back.items() if len(x) and class_ids[output] not in lineup.retired}
    arrivals = [photos(class_id) for class_id in class_ids[known:]]
    return grow_head(before, known, arrivals, renewed=renewed), "warm"


def _standing(
    model: keras.Model, validation: Examples, class_ids: tuple[int, ...], start: Start, record: TrainingRecord
) -> Standing:
    truth = validation.outputs(class_ids)
    logs = log_of(np.asarray(model.predict_on_batch(validation.x)))
    vehicles = by_vehicle(logs, truth, validation.vehicles)
    temperature = fit_temperature(vehicles.log_probs, vehicles.truth)
    likelihood = tempered(vehicles.log_probs, temperature)[np.arange(len(vehicles.truth)), vehicles.truth]
    return Standing(
        kind=head_kind(model),
        start=start,
        top1=round(float((logs.argmax(axis=1) == truth).mean()), _DIGITS),
        vehicle_top1=round(float((vehicles.log_probs.argmax(axis=1) == vehicles.truth).mean()), _DIGITS),
        vehicle_nll=round(float(-likelihood.mean()), _DIGITS),
        temperature=temperature,
        training=record,
    )


def _tell(kind: HeadKind, epoch: int, entry: Mapping[str, float]) -> None:
    if epoch % EPOCHS_BETWEEN_LINES == 0:
        figures = ", ".join(f"{name} {value:.3f}" for name, value in entry.items())
        log.info("train: %s head, epoch %d, %s", kind, epoch, figures)
