"""Whether a model is as often right as it says: likelihood, expected calibration error, and the table behind it."""

import math

import numpy as np
import numpy.typing as npt

from autodetect.classifier.accuracy import ranks
from autodetect.classifier.intervals import Share, rounded
from autodetect.classifier.pooling import Doubles, Floats, Ints
from autodetect.classifier.temperature import tempered
from autodetect.records import Record

BINS = 15
_ROUNDS, _DRAWS_AT_ONCE = 20, 50


class ReliabilityBin(Record):
    """Cases of nearly one confidence: their mean `confidence`, and the share of them that was right."""

    confidence: float
    right: Share


class Calibration(Record):
    """How honest the probabilities of one unit (photo or vehicle) are, at `temperature`.

    `nll` is the mean negative log-likelihood in nats. `ece` is the expected calibration error of the first answer, a
    share: the mean gap between confidence and accuracy over bins of equal mass. Chance alone opens gaps: `ece_noise` is
    what an honest model would show on these cases, and the 95 % interval (`ece_low` to `ece_high`) is that of the
    error without it: it reaches down to 0 for an honest model.
    """

    temperature: float
    nll: float
    ece: float
    ece_low: float
    ece_high: float
    ece_noise: float
    bins: tuple[ReliabilityBin, ...]


def calibration(
    log_probs: Floats,
    truth: Ints,
    *,
    temperature: float = 1.0,
    clusters: npt.ArrayLike | None = None,
    seed: int = 0,
) -> Calibration:
    """Return how honest a model's probabilities are.

    Args:
        log_probs: float (n, classes), n >= 1: log-probabilities or logits.
        truth: the right class, integer (n,).
        temperature: fitted on other cases than these; see `temperature.fit_temperature`.
        clusters: what cases belong to (photos to vehicles), any sortable (n,): the interval draws whole clusters.
        seed: of the interval.
    """
    logs = tempered(log_probs, temperature)
    confidence: Doubles = np.exp(logs.max(axis=1))
    right = ranks(logs, truth) < 1
    groups = np.arange(len(right)) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    # Confidences that differ by rounding alone are equal.
    place = equal_mass_bins(np.round(confidence, 12))
    gaps = _gaps(right - confidence, place, groups) / len(right)
    ece = float(np.abs(gaps.sum(axis=0)).sum())
    noise, low, high = _by_chance(gaps, np.random.default_rng(seed))
    return Calibration(
        temperature=temperature,
        nll=rounded(-math.fsum(logs[np.arange(len(right)), np.asarray(truth)]) / len(right)),
        ece=rounded(ece),
        ece_low=rounded(low),
        ece_high=rounded(high),
        ece_noise=rounded(noise),
        bins=tuple(
            ReliabilityBin(
                confidence=rounded(confidence[mine].mean()),
                right=Share.of(right[mine], len(np.unique(groups[mine]))),
            )
            for mine in (place == number for number in range(place.max() + 1))
        ),
    )


def equal_mass_bins(confidence: Doubles, bins: int = BINS) -> npt.NDArray[np.int64]:
    """Return each case's bin, integer (n,), from 0 without gaps: bins of nearly equal size, in order of confidence.

    Equal confidences share a bin, so the order of cases plays no part, and there may be fewer bins than asked for.
    """
    ordered = np.sort(confidence)
    starts = np.unique(ordered[np.arange(bins) * len(ordered) // bins])
    return np.asarray(np.searchsorted(starts, confidence, side="right") - 1, np.int64)


def _gaps(excess: Doubles, place: Ints, groups: Ints) -> Doubles:
    """Return the sum of right minus confidence per cluster and bin, float64 (clusters, bins)."""
    gaps = np.zeros((int(groups.max()) + 1, int(place.max()) + 1))
    np.add.at(gaps, (groups, place), excess)
    return gaps


def _by_chance(gaps: Doubles, generator: np.random.Generator) -> tuple[float, float, float]:
    """Return what chance alone opens on average, and a 95 % interval of the error without it, within 0..1.

    A wild bootstrap (Wu, Annals of Statistics 14, 1986): turning the sign of whole clusters at random draws the noise
    of the bins. The sum of gaps is larger than the true one by no more than the sum of noise, hence the lower end,
    which is 0 for 97.5 % of honest models. The upper end is as far above the estimate as redrawn errors above their
    mean; that the estimate is too large rather than too small keeps it safe.

    Args:
        gaps: shares of the error per cluster and bin, float64 (clusters, bins).
        generator: of the signs.
    """
    found = gaps.sum(axis=0)
    ece = float(np.abs(found).sum())
    noise = np.concatenate(
        [(2.0 * generator.integers(0, 2, (_DRAWS_AT_ONCE, len(gaps))) - 1) @ gaps for _ in range(_ROUNDS)]
    )
    alone, redrawn = np.abs(noise).sum(axis=1), np.abs(found + noise).sum(axis=1)
    low = max(0.0, ece - float(np.quantile(alone, 0.975)))
    high = min(1.0, ece + float(np.quantile(redrawn, 0.975) - redrawn.mean()))
    return float(alone.mean()), low, high
