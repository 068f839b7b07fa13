"""From what the head says of photos to the probabilities that a person is told. NumPy only."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from autodetect.classifier.pooling import log_of
from autodetect.classifier.temperature import Temperatures, tempered


def answer(
    probabilities: npt.NDArray[np.floating], answering: Sequence[int], temperatures: Temperatures
) -> npt.NDArray[np.float64]:
    """Return what a model answers to the photos of one car, float64 (classes,), summing to 1.

    Log-probabilities are averaged over several photos and divided by the temperature by vehicle, as test vehicles are
    scored; a photo alone is told at the temperature by photo.

    Args:
        probabilities: of the head, float (n, classes), n at least 1.
        answering: the outputs that may answer. The others stay exactly 0: logarithms are cut off at ln(1e-12), from
            where a temperature would give them life.
        temperatures: the model's.
    """
    columns = list(answering)
    temperature = temperatures.photo if len(probabilities) == 1 else temperatures.vehicle
    mean = log_of(probabilities)[:, columns].mean(axis=0, keepdims=True)
    found = np.zeros(probabilities.shape[1])
    found[columns] = np.exp(tempered(mean, temperature))[0]
    return found
