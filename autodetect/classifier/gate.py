"""The promotion gate: may tonight's candidate replace the published model? NumPy-free arithmetic on paired answers.

Both models answer the same test vehicles of classes that both know, each over its own full output. The challenger is
promoted when it is not worse by more than a margin, at one-sided 95 % confidence (non-inferiority). The margin is
`margin_points`, but at least 2.5 standard errors: with a few hundred vehicles nothing could ever be shown within half a
point, and a gate that equal models fail every other night would freeze the first model forever.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from autodetect.records import Record

# One-sided 95 % of the normal distribution.
_Z = 1.6448536
_MARGIN_ERRORS = 2.5


@dataclass(frozen=True)
class Answers:
    """What one model says of each test vehicle.

    `class_ids` are the classes it can answer; `truth` and `answered` give, per vehicle id, the right class id and the
    model's first choice.
    """

    class_ids: frozenset[int]
    truth: Mapping[str, int]
    answered: Mapping[str, int]


class GateVerdict(Record):
    """The gate's decision and the figures behind it.

    Top-1 figures, `difference` (challenger minus champion), its one-sided 95 % `lower_bound` and the `margin` are
    shares 0..1 over the `n` vehicles compared. `discordant` counts vehicles that exactly one of the two got right.
    `underpowered` says that the margin had to be wider than the settings ask for. Without a champion, `lower_bound` is
    the Wilson bound of the challenger's top-1 and `margin` is 0.
    """

    promoted: bool
    words: str
    n: int
    champion_top1: float | None = None
    challenger_top1: float | None = None
    discordant: int = 0
    difference: float | None = None
    margin: float = 0.0
    lower_bound: float | None = None
    underpowered: bool = False


def decide(
    challenger: Answers, champion: Answers | None, *, margin_points: float, chance: float, min_lift: float
) -> GateVerdict:
    """Return whether the challenger may be published, with the reason in words.

    Args:
        challenger: tonight's candidate.
        champion: the published model on the same test set, or None when there is none.
        margin_points: accuracy points (0.5 is 0.005) that the challenger may lose.
        chance: top-1 of guessing, a share; used only without a champion.
        min_lift: factor by which a first model must exceed `chance`, and surely so; 0 takes any first model.
    """
    if champion is None:
        return _first(challenger, chance, min_lift)
    known = challenger.class_ids & champion.class_ids
    vehicles = sorted(
        vehicle
        for vehicle, truth in challenger.truth.items()
        if truth in known and champion.truth.get(vehicle) == truth
    )
    if not vehicles:
        return GateVerdict(
            promoted=False,
            words="refused: there is no test vehicle of a class that both models know, so nothing shows that the "
            "challenger is not worse",
            n=0,
        )
    return _compare(challenger, champion, vehicles, margin_points / 100)


def _compare(challenger: Answers, champion: Answers, vehicles: list[str], margin_asked: float) -> GateVerdict:
    n = len(vehicles)
    new = [challenger.answered[vehicle] == challenger.truth[vehicle] for vehicle in vehicles]
    old = [champion.answered[vehicle] == champion.truth[vehicle] for vehicle in vehicles]
    gained = sum(a and not b for a, b in zip(new, old, strict=True))
    lost = sum(b and not a for a, b in zip(new, old, strict=True))
    centre, error = _paired_difference(gained, lost, n)
    margin = max(margin_asked, _MARGIN_ERRORS * error)
    lower = centre - _Z * error
    underpowered = margin > margin_asked
    promoted = lower >= -margin
    words = (
        f"{'promoted' if promoted else 'refused'}: {_percent(sum(new) / n)} against {_percent(sum(old) / n)} on the "
        f"same {n} vehicles ({gained} gained, {lost} lost; at worst {_points(lower)} points, "
        f"{_points(-margin)} allowed)"
    )
    if underpowered:
        words += f"; underpowered: {n} vehicles cannot show a loss of {_points(margin_asked, sign='')} points"
    return GateVerdict(
        promoted=promoted,
        words=words,
        n=n,
        champion_top1=round(sum(old) / n, 6),
        challenger_top1=round(sum(new) / n, 6),
        discordant=gained + lost,
        difference=round((gained - lost) / n, 6),
        margin=round(margin, 6),
        lower_bound=round(lower, 6),
        underpowered=underpowered,
    )


def _first(challenger: Answers, chance: float, min_lift: float) -> GateVerdict:
    n = len(challenger.truth)
    if n == 0:
        return GateVerdict(promoted=False, words="refused: there is no champion and no test vehicle to judge by", n=0)
    right = sum(challenger.answered[vehicle] == truth for vehicle, truth in challenger.truth.items())
    top1, lower, needed = right / n, _wilson_lower(right, n), min_lift * chance
    if min_lift == 0:
        words = f"promoted: the first model reaches {_percent(top1)} on {n} vehicles; no floor is set for it"
        return GateVerdict(promoted=True, words=words, n=n, challenger_top1=round(top1, 6), lower_bound=round(lower, 6))
    promoted = top1 > needed and lower > chance
    words = (
        f"{'promoted' if promoted else 'refused'}: the first model reaches {_percent(top1)} on {n} vehicles "
        f"(at least {_percent(lower)} with 95 % confidence); guessing reaches {_percent(chance)}, a first model must "
        f"exceed {_percent(needed)} and be surely above guessing"
    )
    return GateVerdict(promoted=promoted, words=words, n=n, challenger_top1=round(top1, 6), lower_bound=round(lower, 6))


def _paired_difference(gained: int, lost: int, n: int) -> tuple[float, float]:
    """Return centre and standard error of the difference of two paired shares.

    The adjusted Wald interval of Agresti and Min (Statistics in Medicine 24, 2005): half an observation is added to
    each of the four cells, without which a single discordant vehicle among hundreds would decide.
    """
    b, c, m = gained + 0.5, lost + 0.5, n + 2
    return (b - c) / m, math.sqrt(b + c - (b - c) ** 2 / m) / m


def _wilson_lower(right: int, n: int) -> float:
    """Return the one-sided 95 % lower bound of a share (Wilson, JASA 22, 1927)."""
    share, z2 = right / n, _Z**2
    spread = _Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, (share + z2 / (2 * n) - spread) / (1 + z2 / n))


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _points(share: float, sign: str = "+") -> str:
    return f"{100 * share:{sign}.1f}"
