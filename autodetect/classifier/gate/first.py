"""May a first model be published, with nothing to compare it with? The absolute floor."""

from autodetect.classifier.gate.answers import Answers
from autodetect.classifier.gate.formulas import Z95
from autodetect.classifier.gate.verdict import Part
from autodetect.classifier.gate.wording import percent
from autodetect.classifier.intervals import wilson

NAME = "floor"


def judge_first(challenger: Answers, chance: float, min_lift: float) -> tuple[Part, float | None, float | None]:
    """Return the part of the verdict, the top-1 by vehicle, and its one-sided 95 % lower bound (shares).

    Args:
        challenger: the first model's answers.
        chance: top-1 of guessing, a share.
        min_lift: factor by which top-1 must exceed `chance`, and surely be above it; 0 takes any first model.
    """
    n = len(challenger.truth)
    if n == 0:
        return Part(name=NAME, passed=False, words="there is no champion and no test vehicle to judge by"), None, None
    right = sum(challenger.answered[vehicle] == truth for vehicle, truth in challenger.truth.items())
    top1, needed = right / n, min_lift * chance
    lower, _ = wilson(top1, n, Z95)
    figures = round(top1, 6), round(lower, 6)
    if min_lift == 0:
        words = f"the first model reaches {percent(top1)} on {n} vehicles; no floor is set for it"
        return Part(name=NAME, passed=True, words=words), *figures
    words = (
        f"the first model reaches {percent(top1)} on {n} vehicles (at least {percent(lower)} with 95 % confidence); "
        f"guessing reaches {percent(chance)}, a first model must exceed {percent(needed)} and be surely above guessing"
    )
    return Part(name=NAME, passed=top1 > needed and lower > chance, words=words), *figures
