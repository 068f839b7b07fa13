"""From answers by photo to answers by vehicle. NumPy only.

A vehicle is answered by the mean log-probability over its photos: the honest unit, since photos of one car are not
independent of each other.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autodetect.errors import StageFailedError

# The smallest probability that is told from none: ln(1e-12) is -27.6, so that one sure mistake counts, finitely.
TINY = 1e-12

Floats = npt.NDArray[np.floating]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Vehicles:
    """Answers by vehicle, in the order of their ids.

    `log_probs` is float64 (vehicles, classes): means over photos, in nats, not summing to 1 as probabilities. `truth`
    (vehicles,) is the right label; `ids` (vehicles,) text; `member` (photos,) is the place of each photo's vehicle.
    """

    log_probs: Doubles
    truth: Ints
    ids: npt.NDArray[np.str_]
    member: Ints


def log_of(probabilities: Floats) -> Doubles:
    """Return log-probabilities in nats, float64 of the same shape, none below ln(1e-12).

    Raises:
        StageFailedError: answers that are not finite.
    """
    values = np.asarray(probabilities, np.float64)
    bad = int((~np.isfinite(values).all(axis=-1)).sum())
    if bad:
        raise StageFailedError(
            f"{bad} of {len(values)} answers of the model hold values that are not finite",
            "the model or the embeddings are damaged: run `autodetect lake check`, then train again",
        )
    return np.log(np.maximum(values, TINY))


def by_vehicle(log_probs: Doubles, labels: Ints, vehicle_ids: npt.ArrayLike) -> Vehicles:
    """Pool the photos of each vehicle.

    Args:
        log_probs: float (n, classes) by photo: log-probabilities, or logits (equal up to a constant per row).
        labels: the right class of each photo, integer (n,).
        vehicle_ids: the vehicle each photo shows, text (n,).

    Raises:
        StageFailedError: no photos, or photos of one vehicle under two classes.
    """
    truth_of_photo = np.asarray(labels)
    if len(truth_of_photo) == 0:
        raise StageFailedError(
            "there are no test photos to evaluate on", "crawl more listings, or lower dataset.min_vehicles or .min_test"
        )
    ids, first, member = np.unique(np.asarray(vehicle_ids, str), return_index=True, return_inverse=True)
    truth = truth_of_photo[first]
    mixed = truth_of_photo != truth[member]
    if mixed.any():
        raise StageFailedError(
            f"the photos of {len(np.unique(member[mixed]))} test vehicles are under more than one class",
            "resolve the vehicles that the leak check of the dataset names, then train again",
        )
    return Vehicles(pooled(log_probs, member, len(ids)), truth, ids, member)


def pooled(log_probs: Floats, member: Ints, vehicles: int) -> Doubles:
    """Return the mean of the rows of each vehicle, float64 (vehicles, classes); each has a row.

    Args:
        log_probs: float (n, classes) by photo: or any other rows, such as embeddings.
        member: the place of each photo's vehicle, integer (n,), 0 <= member < vehicles.
        vehicles: how many there are.
    """
    counts = np.bincount(member, minlength=vehicles)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    sums = np.add.reduceat(np.asarray(log_probs, np.float64)[np.argsort(member, kind="stable")], starts, axis=0)
    return sums / counts[:, None]
