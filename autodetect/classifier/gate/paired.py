"""Is the challenger not worse than another model? Non-inferiority on the same vehicles."""

from autodetect.classifier.gate.answers import Pairs
from autodetect.classifier.gate.formulas import Z95, paired_difference, smallest_drop
from autodetect.classifier.gate.verdict import Comparison, Part
from autodetect.classifier.gate.wording import percent, points

# With a few hundred vehicles nothing can be shown within half a point, and a gate that equal models fail every other
# night would freeze the first model forever: at 2.5 errors they pass with P(Z > 1.645 - 2.5) = 80 %.
CHAMPION_ERRORS = 2.5
# The second comparison must not take back what the first grants: with 2.5 errors in both, equal models pass only 69 to
# 77 % of nights (simulated, 60 to 650 vehicles, 5 to 15 % discordant), with 3 in this one 76 to 83 %.
RECENT_ERRORS = 3.0
_DIGITS = 6


def compare(pairs: Pairs, asked: float, errors: float) -> Comparison:
    """Compare the challenger with another model; the margin is `asked`, but at least `errors` standard errors.

    Args:
        pairs: both models on the same vehicles, at least one.
        asked: the share of vehicles that may be lost.
        errors: the least margin, in standard errors of the difference.
    """
    n, gained, lost = len(pairs.vehicles), int(pairs.gained.sum()), int(pairs.lost.sum())
    centre, error = paired_difference(gained, lost, n)
    margin = max(asked, errors * error)
    return Comparison(
        n=n,
        gained=gained,
        lost=lost,
        ours=round(float(pairs.ours.mean()), _DIGITS),
        theirs=round(float(pairs.theirs.mean()), _DIGITS),
        difference=round((gained - lost) / n, _DIGITS),
        lower_bound=round(centre - Z95 * error, _DIGITS),
        margin=round(margin, _DIGITS),
        smallest_drop=round(smallest_drop(margin, error), _DIGITS),
        underpowered=margin > asked,
    )


def not_worse(name: str, figures: Comparison, asked: float, *, than: str = "") -> Part:
    """Return the comparison as a part of the verdict: passed where the lower bound is within the margin.

    Args:
        name: the part's name.
        figures: the comparison.
        asked: the margin that was asked for, a share.
        than: what the other model is, for the words; the champion goes without saying.
    """
    words = (
        f"{percent(figures.ours)} against {percent(figures.theirs)}{than} on the same {figures.n} vehicles "
        f"({figures.gained} gained, {figures.lost} lost; at worst {points(figures.lower_bound)} points, "
        f"{points(-figures.margin)} allowed)"
    )
    if figures.underpowered:
        words += (
            f"; underpowered: {figures.n} vehicles cannot show a loss of {points(asked, sign='')} points, "
            f"only one of {points(figures.smallest_drop, sign='')}"
        )
    return Part(name=name, passed=figures.lower_bound >= -figures.margin, words=words)
