"""How training treats a long tail of classes: `classifier.balance` names one of four ways.

- `none`: photos count alike; what is common is answered more readily.
- `weights`: a photo's loss is weighted by the inverse frequency of its class, up to a cap.
- `sampling`: every photo of an epoch is drawn anew, rare classes as often as common ones, up to the same cap.
- `logits`: the head learns next to the logarithm of each class's share, which serving leaves out (logit adjustment;
  Menon et al., Long-Tail Learning via Logit Adjustment, ICLR 2021), by half.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

Balance = Literal["none", "weights", "sampling", "logits"]

# A class may count at most this many times as much per photo as under equal weights: inverse frequency alone would let
# a handful of photos of a rare class steer the head.
MAX_CLASS_WEIGHT = 5.0
# The part of the logarithm that `logits` takes off: all of it favours macro accuracy, none micro.
PRIOR_SHARE = 0.5

Ints = npt.NDArray[np.integer]


def class_weights(y: Ints, classes: int, balance: Balance = "weights") -> npt.NDArray[np.float32]:
    """Return a weight per class, float32 (classes,), averaging 1 over the photos: all 1 unless the way is `weights`.

    n / (k * n_c) for k classes with photos, at most `MAX_CLASS_WEIGHT`, then divided by the mean over photos.
    A class without photos gets 0.
    """
    if balance != "weights":
        return np.ones(classes, np.float32)
    return _capped_inverse(y, classes).astype(np.float32)


def draw(y: Ints, generator: np.random.Generator, balance: Balance) -> npt.NDArray[np.int64]:
    """Return the photos of one epoch in order, integer (n,): each once, or drawn by class under `sampling`."""
    if balance != "sampling":
        return generator.permutation(len(y))
    share = _capped_inverse(y, int(y.max()) + 1)[y]
    return np.asarray(generator.choice(len(y), len(y), p=share / share.sum()), np.int64)


def log_priors(y: Ints, classes: int, balance: Balance) -> npt.NDArray[np.float64]:
    """Return what training adds to each output's score, float64 (classes,): zeros unless the way is `logits`.

    A class without photos counts as half a photo.
    """
    if balance != "logits":
        return np.zeros(classes)
    counts = np.maximum(np.bincount(y, minlength=classes), 0.5)
    found: npt.NDArray[np.float64] = PRIOR_SHARE * np.log(counts / counts.sum())
    return found


def _capped_inverse(y: Ints, classes: int) -> npt.NDArray[np.float64]:
    counts = np.bincount(y, minlength=classes).astype(np.float64)
    present = counts > 0
    weights = np.zeros(classes)
    weights[present] = np.minimum(len(y) / (present.sum() * counts[present]), MAX_CLASS_WEIGHT)
    found: npt.NDArray[np.float64] = weights * (len(y) / (weights * counts).sum())
    return found
