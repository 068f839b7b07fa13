"""How good a model's answers are, by photo and by vehicle. NumPy only.

A vehicle is answered by the mean log-probability over its photos: the honest unit, since photos of one car are not
independent of each other.
"""

import numpy as np
import numpy.typing as npt

from autodetect.classifier.gate import Answers
from autodetect.errors import StageFailedError
from autodetect.records import Record

_DIGITS = 6
_TINY = 1e-12

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]


class ClassScore(Record):
    """One class of the test set: how many photos and vehicles, and the shares answered right."""

    name: str
    photos: int
    vehicles: int
    top1: float
    top3: float
    vehicle_top1: float
    vehicle_top3: float


class Evaluation(Record):
    """A model on a test set. Shares are 0..1; `nll` is the mean negative log-likelihood per photo, in nats.

    `chance` is 1 / classes; `majority_share` is the share of vehicles that the most frequent class has: what a model
    that always names it would reach. `per_class` leaves out classes without test photos.
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


def evaluate(
    probabilities: Floats, labels: Ints, vehicle_ids: npt.ArrayLike, class_names: list[str] | tuple[str, ...]
) -> Evaluation:
    """Score a model's answers.

    Args:
        probabilities: float, shape (n, classes), rows summing to 1.
        labels: the right output of each photo, integer (n,).
        vehicle_ids: the vehicle each photo shows, text (n,).
        class_names: one name per output.

    Raises:
        StageFailedError: no photos, or photos of one vehicle under two classes.
    """
    pooled, truth, _ = _by_vehicle(probabilities, labels, vehicle_ids)
    by_photo, by_vehicle = _ranks(probabilities, labels), _ranks(pooled, truth)
    picked = np.asarray(probabilities, np.float64)[np.arange(len(labels)), labels]
    per_class = tuple(
        ClassScore(
            name=class_names[index],
            photos=int((labels == index).sum()),
            vehicles=int((truth == index).sum()),
            top1=_share(by_photo[labels == index] < 1),
            top3=_share(by_photo[labels == index] < 3),
            vehicle_top1=_share(by_vehicle[truth == index] < 1),
            vehicle_top3=_share(by_vehicle[truth == index] < 3),
        )
        for index in np.unique(labels).tolist()
    )
    return Evaluation(
        photos=len(labels),
        vehicles=len(truth),
        classes=probabilities.shape[1],
        top1=_share(by_photo < 1),
        top3=_share(by_photo < 3),
        vehicle_top1=_share(by_vehicle < 1),
        vehicle_top3=_share(by_vehicle < 3),
        nll=round(float(-np.log(np.maximum(picked, _TINY)).mean()), _DIGITS),
        chance=round(1 / probabilities.shape[1], _DIGITS),
        majority_share=round(float(np.bincount(truth).max() / len(truth)), _DIGITS),
        per_class=per_class,
    )


def vehicle_answers(
    probabilities: Floats, labels: Ints, vehicle_ids: npt.ArrayLike, class_ids: list[int] | tuple[int, ...]
) -> Answers:
    """Return a model's answer per vehicle, over its full output, in class ids that outlive the model.

    Args:
        probabilities: float, shape (n, classes).
        labels: the right class id of each photo, integer (n,); the model need not know it.
        vehicle_ids: the vehicle each photo shows, text (n,).
        class_ids: the class id of each output.

    Raises:
        StageFailedError: no photos, or photos of one vehicle under two classes.
    """
    pooled, truth, vehicles = _by_vehicle(probabilities, labels, vehicle_ids)
    answered = np.asarray(class_ids)[pooled.argmax(axis=1)]
    return Answers(
        class_ids=frozenset(class_ids),
        truth=dict(zip(vehicles, truth.tolist(), strict=True)),
        answered=dict(zip(vehicles, answered.tolist(), strict=True)),
    )


def _by_vehicle(
    probabilities: Floats, labels: Ints, vehicle_ids: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], Ints, list[str]]:
    """Return mean log-probabilities (vehicles, classes), labels (vehicles,) and ids, sorted by id."""
    if len(labels) == 0:
        raise StageFailedError(
            "there are no test photos to evaluate on", "crawl more listings, or lower dataset.min_vehicles or .min_test"
        )
    vehicles, first, member = np.unique(np.asarray(vehicle_ids), return_index=True, return_inverse=True)
    truth = np.asarray(labels)[first]
    mixed = np.asarray(labels) != truth[member]
    if mixed.any():
        raise StageFailedError(
            f"the photos of {len(np.unique(member[mixed]))} test vehicles are under more than one class",
            "resolve the vehicles that the leak check of the dataset names, then train again",
        )
    logs = np.log(np.maximum(np.asarray(probabilities, np.float64), _TINY))
    pooled = np.zeros((len(vehicles), logs.shape[1]))
    np.add.at(pooled, member, logs)
    return pooled / np.bincount(member)[:, None], truth, [str(vehicle) for vehicle in vehicles]


def _ranks(scores: Floats, labels: Ints) -> npt.NDArray[np.int64]:
    """Return how many classes score above the right one (of equals, those with a lower index): 0 is top-1."""
    right = scores[np.arange(len(labels)), labels][:, None]
    ahead = (scores == right) & (np.arange(scores.shape[1])[None, :] < np.asarray(labels)[:, None])
    return ((scores > right) | ahead).sum(axis=1)


def _share(hits: npt.NDArray[np.bool_]) -> float:
    return round(float(hits.mean()), _DIGITS)
