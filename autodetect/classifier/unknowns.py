"""Cars the model has no class for: how well it can be told that it does not know, and below what it must not answer.

A case is scored by how much the model seems to know it. A photo is answered when its score reaches the threshold,
which is chosen on validation cases and shipped with the model; figures are those of test cases.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from autodetect.classifier.intervals import Z95, Share, rounded
from autodetect.classifier.pooling import Doubles, Floats
from autodetect.classifier.temperature import tempered
from autodetect.errors import StageFailedError
from autodetect.records import Record

ScoreName = Literal["max_probability", "energy"]
MOST_ANSWERED = 0.20
RECALL = 0.95
# The energy needs the logits as a second output of the model: it must be worth it.
_ENERGY_LIFT = 0.01
_HALVINGS = 60


@dataclass(frozen=True)
class Scored:
    """Scores of cases of known classes (n,) and of unknown cars (m,), float; higher: more likely known.

    `right` (n,) says which of the known ones the model names rightly, where that is of interest.
    """

    known: Doubles
    unknown: Doubles
    right: npt.NDArray[np.bool_] | None = None


class Unknowns(Record):
    """How the model meets cars it has no class for.

    `score` is what is compared with `threshold`: the probability of the first answer at the model's temperature, or the
    negative energy of its logits; a case is answered from the threshold upwards. No `threshold`: too few unknown
    validation cases to choose one. `known` and `unknown` count test cases, `validation_*` those the choice was made on.
    `auroc` (95 % interval `auroc_low` to `auroc_high`) is the probability that a known case scores above an unknown
    one; `false_answers` is the share of unknowns that would be answered where 95 % of the known are.
    `unknown_answered` and `known_answered` are shares at the threshold, `answered_top1` the share of answered known
    cases whose answer is right.
    """

    score: ScoreName
    words: str
    most_answered: float
    threshold: float | None = None
    validation_known: int = 0
    validation_unknown: int = 0
    validation_auroc: dict[str, float] = Field(default_factory=dict)
    known: int = 0
    unknown: int = 0
    auroc: float | None = None
    auroc_low: float | None = None
    auroc_high: float | None = None
    false_answers: float | None = None
    unknown_answered: Share | None = None
    known_answered: Share | None = None
    answered_top1: Share | None = None


def max_probability(log_probs: Floats, temperature: float = 1.0) -> Doubles:
    """Return the probability of each first answer, float64 (n,).

    Args:
        log_probs: float (n, classes): log-probabilities or logits.
        temperature: the model's, for this unit.
    """
    found: Doubles = np.exp(tempered(log_probs, temperature).max(axis=1))
    return found


def negative_energy(logits: Floats, temperature: float = 1.0) -> Doubles:
    """Return T * logsumexp(logits / T), float64 (n,) (Liu et al., Energy-based Out-of-distribution Detection, 2020).

    Args:
        logits: float (n, classes), before the softmax: log-probabilities would give zero everywhere.
        temperature: T, above 0.
    """
    values = np.asarray(logits, np.float64) / temperature
    most = values.max(axis=1)
    found: Doubles = temperature * (most + np.log(np.exp(values - most[:, None]).sum(axis=1)))
    return found


def judge_unknowns(
    validation: Mapping[ScoreName, Scored],
    test: Mapping[ScoreName, Scored],
    *,
    most_answered: float = MOST_ANSWERED,
    at_least: float | None = None,
) -> Unknowns:
    """Choose score and threshold on validation cases, and say what they do on test cases.

    Args:
        validation: scores by name, `max_probability` among them.
        test: scores of other vehicles, under the same names.
        most_answered: share of unknowns that may be answered, 0..1.
        at_least: a threshold that something else asks for; the one that is chosen is never lower.

    Raises:
        StageFailedError: scores that are not finite.
    """
    for scored in (*validation.values(), *test.values()):
        _refuse_not_finite(scored)
    usual = validation["max_probability"]
    if not len(usual.known) or not len(usual.unknown):
        return Unknowns(
            score="max_probability",
            words=f"not judged: {len(usual.known)} known and {len(usual.unknown)} unknown validation cases",
            most_answered=most_answered,
            validation_known=len(usual.known),
            validation_unknown=len(usual.unknown),
        )
    areas = {name: auroc(scored.known, scored.unknown) for name, scored in validation.items()}
    lifted = "energy" in areas and areas["energy"] >= areas["max_probability"] + _ENERGY_LIFT
    name: ScoreName = "energy" if lifted else "max_probability"
    threshold = choose_threshold(validation[name].unknown, most_answered)
    if threshold is not None and at_least is not None:
        threshold = max(threshold, at_least)
    chosen = Unknowns(
        score=name,
        words="",
        most_answered=most_answered,
        threshold=threshold,
        validation_known=len(usual.known),
        validation_unknown=len(usual.unknown),
        validation_auroc={each: rounded(area) for each, area in areas.items()},
    )
    measured = chosen.model_copy(update=_on_test(test[name], threshold))
    return measured.model_copy(update={"words": _words(measured)})


def auroc(known: Doubles, unknown: Doubles) -> float:
    """Return the probability that a known case scores above an unknown one, equal scores counting half; 0..1.

    Args:
        known: scores, float (n,), n >= 1.
        unknown: scores, float (m,), m >= 1.
    """
    ordered = np.sort(unknown)
    below = np.searchsorted(ordered, known, side="left")
    equal = np.searchsorted(ordered, known, side="right") - below
    return float((below + equal / 2).sum() / (len(known) * len(unknown)))


def auroc_interval(area: float, known: int, unknown: int) -> tuple[float, float]:
    """Return the 95 % interval of an area under the ROC curve; never empty, even for an area of 1.

    Newcombe (Statistics in Medicine 25, 2006, part 2, method 5): areas whose own standard error reaches the estimate.

    Args:
        area: the estimate, 0..1.
        known: known cases, >= 1.
        unknown: unknown cases, >= 1.
    """

    def reaches(true: float) -> bool:
        size = (known + unknown) / 2 - 1
        shape = 1 + size * ((1 - true) / (2 - true) + true / (1 + true))
        return abs(area - true) <= Z95 * math.sqrt(true * (1 - true) * shape / (known * unknown))

    bounds = []
    for far in (0.0, 1.0):
        inside, outside = area, far
        for _ in range(_HALVINGS):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if reaches(middle) else (inside, middle)
        bounds.append(inside)
    return bounds[0], bounds[1]


def false_answers(known: Doubles, unknown: Doubles, recall: float = RECALL) -> float:
    """Return the share of unknowns that score at least as high as the highest bar that `recall` of the known pass.

    Args:
        known: scores, float (n,), n >= 1.
        unknown: scores, float (m,), m >= 1.
        recall: share of the known that must be answered, above 0.
    """
    passing = max(1, math.ceil(recall * len(known) - 1e-9))
    return float((unknown >= np.sort(known)[-passing]).mean())


def choose_threshold(unknown: Doubles, most_answered: float = MOST_ANSWERED) -> float | None:
    """Return the lowest bar above which at most `most_answered` of unknown cars get, None for too few to say.

    Of m unknowns, at most `most_answered` * (m + 1) - 1 pass: then a further unknown of the same kind passes with at
    most that probability (Vovk et al., Algorithmic Learning in a Random World, 2005), not only those seen here.

    Args:
        unknown: scores of validation cases, float (m,).
        most_answered: share, 0..1.
    """
    passing = math.floor(most_answered * (len(unknown) + 1) + 1e-9) - 1
    if passing < 0:
        return None
    if passing >= len(unknown):
        return float(np.min(unknown))
    return float(np.nextafter(np.sort(unknown)[::-1][passing], np.inf))


def _on_test(test: Scored, threshold: float | None) -> dict[str, object]:
    """Return the fields of `Unknowns` that test cases fill."""
    known, unknown = test.known, test.unknown
    found: dict[str, object] = {"known": len(known), "unknown": len(unknown)}
    if len(known) and len(unknown):
        area = auroc(known, unknown)
        low, high = auroc_interval(area, len(known), len(unknown))
        found |= {
            "auroc": rounded(area),
            "auroc_low": rounded(low),
            "auroc_high": rounded(high),
            "false_answers": rounded(false_answers(known, unknown)),
        }
    if threshold is not None:
        if len(unknown):
            found["unknown_answered"] = Share.of(unknown >= threshold)
        if len(known):
            found["known_answered"] = Share.of(known >= threshold)
        if test.right is not None and (known >= threshold).any():
            found["answered_top1"] = Share.of(test.right[known >= threshold])
    return found


def _words(found: Unknowns) -> str:
    if found.threshold is None:
        needed = math.ceil(1 / found.most_answered - 1e-9) - 1 if found.most_answered > 0 else math.inf
        return f"no threshold: {found.validation_unknown} unknown validation cases, at least {needed} are needed"
    if found.unknown_answered is None or found.known_answered is None:
        return f"a threshold without a test: {found.known} known and {found.unknown} unknown test cases"
    return (
        f"{found.unknown_answered.share:.1%} of {found.unknown} unknown test cases are answered "
        f"({found.unknown_answered.low:.1%} to {found.unknown_answered.high:.1%}; {found.most_answered:.0%} allowed), "
        f"and {found.known_answered.share:.1%} of {found.known} known ones"
    )


def _refuse_not_finite(scored: Scored) -> None:
    bad = sum(int((~np.isfinite(values)).sum()) for values in (scored.known, scored.unknown))
    if bad:
        raise StageFailedError(
            f"{bad} scores of known and unknown cars are not finite",
            "the model or the embeddings are damaged: run `autodetect lake check`, then train again",
        )
