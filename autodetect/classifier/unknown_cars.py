"""How a model meets cars it has no class for, and below what it says that it is not sure.

The unit is the vehicle, answered by all of its photos or by one. One number ships with the model, and a phone compares
it in both cases, so it is the larger of what the two ask for: of unknown cars at most the promised share is answered,
however many photos were taken.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autodetect.classifier.intervals import Share
from autodetect.classifier.pooling import Doubles, Floats, Ints, by_vehicle, log_of
from autodetect.classifier.temperature import UNTEMPERED, Temperatures
from autodetect.classifier.unknowns import (
    MOST_ANSWERED,
    Scored,
    Unknowns,
    choose_threshold,
    judge_unknowns,
    max_probability,
)
from autodetect.records import Record


@dataclass(frozen=True)
class Cases:
    """A model's answers for the photos of one split, of cars of known classes or of unknown ones.

    `probabilities` is float (n, classes), rows summing to 1; `vehicles` (n,) text; `photos` their digests; `truth` the
    right output of each, integer (n,), None for unknown cars.
    """

    probabilities: Floats
    vehicles: npt.NDArray[np.str_]
    photos: list[str]
    truth: Ints | None = None


class UnknownCars(Record):
    """How the model meets unknown cars: by all photos of a vehicle, and by one photo of each (the lowest sha256).

    `threshold` is the probability of the first answer, at the model's temperature of the unit, from which it answers;
    None: too few unknown validation vehicles to choose it. Figures of both units are told at that threshold.
    """

    words: str
    most_answered: float = MOST_ANSWERED
    threshold: float | None = None
    vehicle: Unknowns
    photo: Unknowns


def judge_unknown_cars(
    validation: tuple[Cases, Cases],
    test: tuple[Cases, Cases],
    *,
    temperatures: Temperatures = UNTEMPERED,
    most_answered: float = MOST_ANSWERED,
) -> UnknownCars:
    """Choose the threshold on validation vehicles, and say what it does on test vehicles.

    Args:
        validation: answers for (known, unknown) cars.
        test: the same for other vehicles.
        temperatures: the model's, by photo and by vehicle.
        most_answered: share of unknown cars that may be answered, 0..1.

    Raises:
        StageFailedError: answers that are not finite, or photos of one vehicle under two classes.
    """
    vehicle, photo = (
        (_of_pair(validation, temperatures, one_photo=one), _of_pair(test, temperatures, one_photo=one))
        for one in (False, True)
    )
    bars = [choose_threshold(chosen_on.unknown, most_answered) for chosen_on, _ in (vehicle, photo)]
    threshold = None if None in bars or not len(vehicle[0].known) else max(bar for bar in bars if bar is not None)
    pooled, single = (
        judge_unknowns(
            {"max_probability": before}, {"max_probability": after}, most_answered=most_answered, at_least=threshold
        )
        for before, after in (vehicle, photo)
    )
    words = pooled.words
    if threshold is not None:
        words = f"not sure below {threshold:.1%}: by vehicle, {words}; {_answered(single)}"
    return UnknownCars(words=words, most_answered=most_answered, threshold=threshold, vehicle=pooled, photo=single)


def _of_pair(pair: tuple[Cases, Cases], temperatures: Temperatures, *, one_photo: bool) -> Scored:
    known, right = _scores(pair[0], temperatures, one_photo=one_photo)
    unknown, _ = _scores(pair[1], temperatures, one_photo=one_photo)
    return Scored(known, unknown, right)


def _scores(
    cases: Cases, temperatures: Temperatures, *, one_photo: bool
) -> tuple[Doubles, npt.NDArray[np.bool_] | None]:
    """Return the probability of each vehicle's first answer, float64 (vehicles,), and whether it is right."""
    if not len(cases.photos):
        return np.zeros(0), None if cases.truth is None else np.zeros(0, bool)
    logs, truth = log_of(cases.probabilities), cases.truth
    vehicles, temperature = np.asarray(cases.vehicles, str), temperatures.vehicle
    if one_photo:
        order = np.lexsort((np.asarray(cases.photos, str), vehicles))
        first = order[np.unique(vehicles[order], return_index=True)[1]]
        logs, vehicles, temperature = logs[first], vehicles[first], temperatures.photo
        truth = None if truth is None else np.asarray(truth)[first]
    pooled = by_vehicle(logs, np.zeros(len(vehicles), np.int64) if truth is None else truth, vehicles)
    right = None if truth is None else pooled.log_probs.argmax(axis=1) == pooled.truth
    return max_probability(pooled.log_probs, temperature), right


def _answered(photo: Unknowns) -> str:
    def told(share: Share | None) -> str:
        return "none tested" if share is None else f"{share.share:.1%}"

    return f"by one photo each, {told(photo.unknown_answered)} of unknown and {told(photo.known_answered)} of known"
