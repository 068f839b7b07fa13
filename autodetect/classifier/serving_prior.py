"""For which mix of cars a model's figures and probabilities hold."""

import numpy as np

from autodetect.classifier.intervals import rounded
from autodetect.classifier.pooling import Doubles, Ints
from autodetect.records import Record


class ServingPrior(Record):
    """The mix of cars that micro figures, likelihood and calibration are stated for.

    `name` is 'listed': cars come as often as vehicles of their class are listed (the test vehicles' own mix); macro
    figures are for classes that all come alike. `effective_classes` is the exponential of the mix's entropy: how many
    equally frequent classes would be as hard to guess. `gap` is the total variation distance, 0..1, between that mix
    and the model's mean answer: how far the model itself serves another mix.
    """

    name: str = "listed"
    effective_classes: float
    gap: float


def serving_prior(probabilities: Doubles, truth: Ints) -> ServingPrior:
    """Return the prior of a test set.

    Args:
        probabilities: by vehicle, float64 (n, classes), n >= 1, rows summing to 1.
        truth: the right output, integer (n,).
    """
    mix = np.bincount(truth, minlength=probabilities.shape[1]) / len(truth)
    present = mix[mix > 0]
    return ServingPrior(
        effective_classes=rounded(float(np.exp(-(present * np.log(present)).sum()))),
        gap=rounded(float(np.abs(mix - probabilities.mean(axis=0)).sum() / 2)),
    )
