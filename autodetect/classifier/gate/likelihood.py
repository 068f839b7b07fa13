"""Has the challenger become wrongly sure? The negative log-likelihood on the same vehicles."""

import math

import numpy as np

from autodetect.classifier.gate.answers import Answers, Pairs
from autodetect.classifier.gate.formulas import Z999
from autodetect.classifier.gate.verdict import Part

NAME = "likelihood"


def judge_likelihood(
    challenger: Answers, champion: Answers, pairs: Pairs, max_rise: float
) -> tuple[Part, float | None]:
    """Return the part of the verdict and the mean rise in nats per vehicle, None where it was not measured.

    Refused is a rise above `max_rise` that is surely a rise (one-sided 99.9 %, paired): a bound on the mean alone would
    refuse equal models wherever vehicles are few, and other parts have used up what they may fail by chance.
    """
    if any(vehicle not in model.nll for model in (challenger, champion) for vehicle in pairs.vehicles):
        return Part(name=NAME, passed=None, words="the likelihood of the right class was not measured"), None
    ours, theirs = (
        np.array([model.nll[vehicle] for vehicle in pairs.vehicles], np.float64) for model in (challenger, champion)
    )
    broken = int((~np.isfinite(ours)).sum())
    if broken:
        return Part(
            name=NAME, passed=False, words=f"the challenger's likelihood is no number on {broken} vehicles"
        ), None
    if not np.isfinite(theirs).all():
        return Part(name=NAME, passed=None, words="the champion's likelihood is no number on some vehicles"), None
    rises = ours - theirs
    rise, n = float(rises.mean()), len(rises)
    error = float(rises.std(ddof=1)) / math.sqrt(n) if n > 1 else math.inf
    refused = rise > max_rise and rise - Z999 * error > 0
    words = (
        f"the negative log-likelihood went from {theirs.mean():.3f} to {ours.mean():.3f} nats per vehicle, "
        f"a rise of at most {max_rise:g} is allowed"
    )
    if rise > max_rise and not refused:
        words += f"; {n} vehicles cannot show that it rose at all"
    return Part(name=NAME, passed=not refused, words=words), round(rise, 6)
