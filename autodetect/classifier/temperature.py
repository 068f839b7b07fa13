"""One number that makes a model's probabilities honest: its temperature, fitted on validation after training.

Guo et al., On Calibration of Modern Neural Networks, ICML 2017. It changes no answer, only how sure it is.
"""

import math

import numpy as np
import numpy.typing as npt

from autodetect.classifier.intervals import rounded
from autodetect.classifier.pooling import Doubles, Floats, Ints, by_vehicle, log_of
from autodetect.errors import StageFailedError
from autodetect.records import Record

LOWEST, HIGHEST = 0.1, 10.0
_HALVINGS = 24
_FLAT = 1e-9


class Temperatures(Record):
    """What a model's log-probabilities are divided by: for one photo, and for the mean over photos of a vehicle."""

    photo: float = 1.0
    vehicle: float = 1.0


UNTEMPERED = Temperatures()


def tempered(log_probs: Floats, temperature: float = 1.0) -> Doubles:
    """Return log-probabilities at a temperature, float64 (n, classes), in nats; rows sum to 1 as probabilities.

    Args:
        log_probs: float (n, classes): log-probabilities or logits, equal up to a constant per row.
        temperature: above 0; above 1 makes answers less sure.
    """
    values = np.asarray(log_probs, np.float64) / temperature
    values = values - values.max(axis=1, keepdims=True)
    found: Doubles = values - np.log(np.exp(values).sum(axis=1, keepdims=True))
    return found


def fit_temperature(log_probs: Floats, truth: Ints) -> float:
    """Return the temperature, 0.1 to 10, at which the negative log-likelihood is lowest.

    The likelihood is convex in 1 / temperature, so its slope is halved upon. As in Platt's scaling (1999), the right
    class of n cases counts 1 - 1 / (n + 2) and the rest is spread evenly: a few validation cars that are all right
    would otherwise call for endless confidence.

    Args:
        log_probs: float (n, classes), of validation cases: log-probabilities or logits.
        truth: the right class, integer (n,).

    Raises:
        StageFailedError: no cases, or values that are not finite.
    """
    values = np.asarray(log_probs, np.float64)
    if len(values) == 0:
        raise StageFailedError(
            "there are no validation cars to fit a temperature on",
            "crawl more listings, or lower dataset.min_vehicles or .min_validation",
        )
    if not np.isfinite(values).all():
        raise StageFailedError(
            "the answers on validation cars hold values that are not finite",
            "the model or the embeddings are damaged: run `autodetect lake check`, then train again",
        )
    values = values - values.max(axis=1, keepdims=True)
    doubt = 1 / (len(values) + 2)
    right = values[np.arange(len(values)), np.asarray(truth)]
    wanted = float(((1 - doubt) * right + doubt * values.mean(axis=1)).mean())
    if abs(_expected(values, 1.0) - wanted) < _FLAT:
        return 1.0
    low, high = math.log(1 / HIGHEST), math.log(1 / LOWEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _expected(values, math.exp(middle)) < wanted:
            low = middle
        else:
            high = middle
    return rounded(math.exp(-(low + high) / 2))


def fit_temperatures(probabilities: Floats, labels: Ints, vehicle_ids: npt.ArrayLike) -> Temperatures:
    """Return a model's temperatures by photo and by vehicle.

    Args:
        probabilities: answers on validation photos, float (n, classes), rows summing to 1.
        labels: the right output of each, integer (n,).
        vehicle_ids: the vehicle each shows, text (n,).

    Raises:
        StageFailedError: no photos, answers that are not finite, or photos of one vehicle under two classes.
    """
    logs = log_of(probabilities)
    vehicles = by_vehicle(logs, labels, vehicle_ids)
    return Temperatures(
        photo=fit_temperature(logs, labels), vehicle=fit_temperature(vehicles.log_probs, vehicles.truth)
    )


def _expected(values: Doubles, sharpness: float) -> float:
    """Return the mean over cases of the log-probability that the model itself expects at 1 / temperature."""
    weights = np.exp(values * sharpness)
    return float(((weights * values).sum(axis=1) / weights.sum(axis=1)).mean())
