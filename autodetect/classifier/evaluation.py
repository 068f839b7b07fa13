"""How good a model's answers are, by photo and by vehicle. NumPy only."""

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from autodetect.classifier.accuracy import Accuracy, ClassScore, accuracy, class_scores, ranks
from autodetect.classifier.calibration import Calibration, calibration
from autodetect.classifier.confusion import Lookalikes, lookalikes
from autodetect.classifier.gate import Answers
from autodetect.classifier.intervals import rounded
from autodetect.classifier.pooling import Floats, Ints, Vehicles, by_vehicle, log_of
from autodetect.classifier.recency import Recency, recency
from autodetect.classifier.serving_prior import ServingPrior, serving_prior
from autodetect.classifier.temperature import UNTEMPERED, Temperatures, tempered
from autodetect.classifier.unknowns import Unknowns
from autodetect.classifier.worst import WorstClass, worst_classes
from autodetect.records import Record


class Scores(Record):
    """The answers of one unit: how often right, and how honest about it."""

    accuracy: Accuracy
    calibration: Calibration


class Evaluation(Record):
    """A model on a test set. Shares are 0..1.

    `nll` is the mean negative log-likelihood per photo, in nats, as the model gives its answers; that at its
    temperatures is in `by_photo` and `by_vehicle`. `chance` is 1 / classes; `majority_share` is the share of vehicles
    that the most frequent class has: what a model that always names it would reach. `per_class` leaves out classes
    without test photos. Evaluations of earlier versions lack what has a default.
    """

    photos: int
    vehicles: int
    classes: int
    top1: float
    top3: float
    vehicle_top1: float
    vehicle_top3: float
    nll: float
    chance: float
    majority_share: float
    per_class: tuple[ClassScore, ...]
    top5: float | None = None
    vehicle_top5: float | None = None
    by_photo: Scores | None = None
    by_vehicle: Scores | None = None
    prior: ServingPrior | None = None
    lookalikes: Lookalikes | None = None
    recency: Recency | None = None
    worst: tuple[WorstClass, ...] = ()
    unknowns: Unknowns | None = None


def evaluate(
    probabilities: Floats,
    labels: Ints,
    vehicle_ids: npt.ArrayLike,
    class_names: Sequence[str],
    *,
    temperatures: Temperatures = UNTEMPERED,
    groups: Collection[Collection[int]] = (),
    ages: npt.ArrayLike | None = None,
    photos: Sequence[str] = (),
    unknowns: Unknowns | None = None,
    seed: int = 0,
) -> Evaluation:
    """Score a model's answers.

    Args:
        probabilities: float, shape (n, classes), rows summing to 1.
        labels: the right output of each photo, integer (n,).
        vehicle_ids: the vehicle each photo shows, text (n,).
        class_names: one name per output.
        temperatures: the model's, fitted on validation.
        groups: outputs that look alike; none: confusion of lookalikes is left out.
        ages: days from the first night of each photo's vehicle to tonight, integer (n,); None: recency is left out.
        photos: digest of each photo (n,), for samples of the worst classes.
        unknowns: how the model meets cars it has no class for, judged apart.
        seed: of intervals that are drawn.

    Raises:
        StageFailedError: no photos, answers that are not finite, or photos of one vehicle under two classes.
    """
    logs, labels = log_of(probabilities), np.asarray(labels)
    vehicles = by_vehicle(logs, labels, vehicle_ids)
    photo_ranks, vehicle_ranks = ranks(probabilities, labels), ranks(vehicles.log_probs, vehicles.truth)
    photo = Scores(
        accuracy=accuracy(photo_ranks, labels, cases=len(vehicles.ids)),
        calibration=calibration(logs, labels, temperature=temperatures.photo, clusters=vehicles.member, seed=seed),
    )
    vehicle = Scores(
        accuracy=accuracy(vehicle_ranks, vehicles.truth),
        calibration=calibration(vehicles.log_probs, vehicles.truth, temperature=temperatures.vehicle, seed=seed),
    )
    return Evaluation(
        photos=len(labels),
        vehicles=len(vehicles.ids),
        classes=probabilities.shape[1],
        top1=photo.accuracy.top1.share,
        top3=photo.accuracy.top3.share,
        top5=photo.accuracy.top5.share,
        vehicle_top1=vehicle.accuracy.top1.share,
        vehicle_top3=vehicle.accuracy.top3.share,
        vehicle_top5=vehicle.accuracy.top5.share,
        nll=rounded(-float(logs[np.arange(len(labels)), labels].mean())),
        chance=rounded(1 / probabilities.shape[1]),
        majority_share=rounded(float(np.bincount(vehicles.truth).max() / len(vehicles.ids))),
        per_class=class_scores(photo_ranks, labels, vehicle_ranks, vehicles.truth, class_names),
        by_photo=photo,
        by_vehicle=vehicle,
        prior=serving_prior(np.exp(tempered(vehicles.log_probs, temperatures.vehicle)), vehicles.truth),
        lookalikes=lookalikes(vehicles.log_probs.argmax(axis=1), vehicles.truth, groups, class_names),
        recency=None if ages is None else recency(vehicle_ranks, _oldest(np.asarray(ages), vehicles)),
        worst=worst_classes(vehicles, np.exp(tempered(logs, temperatures.photo)), photos, class_names),
        unknowns=unknowns,
    )


def vehicle_answers(
    probabilities: Floats,
    labels: Ints,
    vehicle_ids: npt.ArrayLike,
    class_ids: Sequence[int],
    *,
    temperature: float = 1.0,
) -> Answers:
    """Return a model's answer per vehicle, over its full output, in class ids that outlive the model.

    Args:
        probabilities: float, shape (n, classes).
        labels: the right class id of each photo, integer (n,); the model need not know it.
        vehicle_ids: the vehicle each photo shows, text (n,).
        class_ids: the class id of each output.
        temperature: the model's by vehicle, at which the likelihood of the right class is told.

    Raises:
        StageFailedError: no photos, answers that are not finite, or photos of one vehicle under two classes.
    """
    vehicles = by_vehicle(log_of(probabilities), labels, vehicle_ids)
    ids = [str(vehicle) for vehicle in vehicles.ids]
    outputs = np.asarray(class_ids)
    known = np.flatnonzero(np.isin(vehicles.truth, outputs))
    order = np.argsort(outputs)
    right = order[np.searchsorted(outputs, vehicles.truth[known], sorter=order)]
    named = [ids[place] for place in known]
    nll = -tempered(vehicles.log_probs[known], temperature)[np.arange(len(known)), right]
    return Answers(
        class_ids=frozenset(class_ids),
        truth=dict(zip(ids, vehicles.truth.tolist(), strict=True)),
        answered=dict(zip(ids, outputs[vehicles.log_probs.argmax(axis=1)].tolist(), strict=True)),
        ranks=dict(zip(named, ranks(vehicles.log_probs[known], right).tolist(), strict=True)),
        nll=dict(zip(named, nll.tolist(), strict=True)),
    )


def _oldest(ages: Ints, vehicles: Vehicles) -> Ints:
    """Return the age of each vehicle's first night, integer (vehicles,)."""
    found = np.zeros(len(vehicles.ids), np.int64)
    np.maximum.at(found, vehicles.member, ages)
    return found
