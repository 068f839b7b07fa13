"""All questions of the gate, asked in one place and answered in one verdict."""

from collections.abc import Mapping, Sequence
from typing import Any

from autodetect.classifier.gate.answers import Answers, pair
from autodetect.classifier.gate.by_class import judge_classes
from autodetect.classifier.gate.first import judge_first
from autodetect.classifier.gate.likelihood import judge_likelihood
from autodetect.classifier.gate.new_classes import NAME as NEW_CLASSES
from autodetect.classifier.gate.new_classes import judge_new_classes
from autodetect.classifier.gate.paired import CHAMPION_ERRORS, RECENT_ERRORS, compare, not_worse
from autodetect.classifier.gate.verdict import Comparison, GateVerdict, Part
from autodetect.classifier.gate.wording import counted
from autodetect.sections import GateSettings

_BEST_RECENT = " of the best release of the last 90 days"
_NOTHING_IN_COMMON = (
    "there is no test vehicle of a class that both models know, so nothing shows that the challenger is not worse"
)
_DEFAULT_LIMITS = GateSettings()
_MEGABYTE = 1_000_000


def decide(
    challenger: Answers,
    champion: Answers | None,
    *,
    margin_points: float,
    chance: float,
    min_lift: float,
    recent: Answers | None = None,
    among_recent: Answers | None = None,
    groups: Sequence[frozenset[int]] = (),
    names: Mapping[int, str] | None = None,
    trained_on: frozenset[str] = frozenset(),
    size_bytes: int | None = None,
    precision: Part | None = None,
    limits: GateSettings = _DEFAULT_LIMITS,
) -> GateVerdict:
    """Return whether the challenger may be published, with every reason in words.

    What a phone gets is judged later: the export withholds a package that does not answer as this model does.

    Args:
        challenger: tonight's candidate.
        champion: the published model on the same test set, or None when there is none.
        margin_points: accuracy points (0.5 is 0.005) that the challenger may lose.
        chance: top-1 of guessing, a share; used only without a champion.
        min_lift: factor by which a first model must exceed `chance`, and surely so; 0 takes any first model.
        recent: the best release of the last 90 days on the same test set, where that is not the champion.
        among_recent: the challenger's answers among the classes that this release knows; by default its full output,
            which a release of fewer classes beats by having fewer to mistake.
        groups: class ids that look alike, see `class_groups`.
        names: class id -> what the class is called.
        trained_on: vehicles that a model, or the backbone it stands on, was trained on: left out and counted.
        size_bytes: what the model weighs, where that is known.
        precision: what `judge_precision` says, where training photos were embedded in less than full precision.
        limits: thresholds of the parts beside the margin.
    """
    names = names or {}
    excluded = len(challenger.truth.keys() & trained_on)
    ours = challenger.without(trained_on)
    facts = (_size(size_bytes, limits), *([precision] if precision else ()))
    if champion is None:
        floor, top1, lower = judge_first(ours, chance, min_lift)
        return _verdict((floor, *facts), n=len(ours.truth), challenger_top1=top1, lower_bound=lower, excluded=excluded)
    pairs, asked = pair(ours, champion), margin_points / 100
    arrivals, new_classes = judge_new_classes(ours, champion.class_ids, limits.new_class_floor, names)
    if not pairs.vehicles:
        refused = Part(name="champion", passed=False, words=_NOTHING_IN_COMMON)
        return _verdict((refused, arrivals, *facts), n=0, excluded=excluded)
    figures = compare(pairs, asked, CHAMPION_ERRORS)
    among = among_recent.without(trained_on) if among_recent else ours
    against_recent, best = _recent(among, champion, recent, asked)
    by_class, drops, judged = judge_classes(pairs, groups, limits, names)
    likelihood, rise = judge_likelihood(ours, champion, pairs, limits.max_nll_rise)
    parts = (not_worse("champion", figures, asked), against_recent, by_class, likelihood, arrivals, *facts)
    return _verdict(
        parts,
        n=figures.n,
        champion_top1=figures.theirs,
        challenger_top1=figures.ours,
        discordant=figures.gained + figures.lost,
        difference=figures.difference,
        margin=figures.margin,
        lower_bound=figures.lower_bound,
        underpowered=figures.underpowered,
        smallest_drop=figures.smallest_drop,
        excluded=excluded,
        recent=best,
        classes_judged=judged,
        class_drops=drops,
        nll_rise=rise,
        new_classes=new_classes,
        withheld=tuple(new.class_id for new in new_classes if new.withheld),
    )


def _recent(
    challenger: Answers, champion: Answers, recent: Answers | None, asked: float
) -> tuple[Part, Comparison | None]:
    """Compare with the best release of the last 90 days, so that losses too small to see cannot add up."""
    name = "recent"
    if recent is None or recent == champion:
        return Part(name=name, passed=None, words="the champion is the best release of the last 90 days"), None
    pairs = pair(challenger, recent)
    if not pairs.vehicles:
        words = "no test vehicle in common with the best release of the last 90 days"
        return Part(name=name, passed=None, words=words), None
    figures = compare(pairs, asked, RECENT_ERRORS)
    return not_worse(name, figures, asked, than=_BEST_RECENT), figures


def _size(size_bytes: int | None, limits: GateSettings) -> Part:
    name, most = "size", limits.max_size_bytes
    if size_bytes is None or most is None:
        return Part(name=name, passed=None, words="the size was not judged")
    words = f"the model has {size_bytes / _MEGABYTE:.1f} MB, {most / _MEGABYTE:.1f} MB are allowed"
    return Part(name=name, passed=size_bytes <= most, words=words)


def _verdict(parts: tuple[Part, ...], **figures: Any) -> GateVerdict:
    """Return the verdict: promoted unless a part refuses, what refuses first in its words, the main figures always."""
    refusing = [part for part in parts if part.passed is False]
    told = [*refusing, *(part for part in parts[:1] if part not in refusing)]
    if figures.get("withheld"):
        told += [part for part in parts if part.name == NEW_CLASSES]
    words = [part.words for part in told]
    if excluded := figures.get("excluded"):
        words.append(f"{counted(excluded, 'vehicle', 'vehicles')} left out: a model was trained on them")
    start = "refused" if refusing else "promoted"
    return GateVerdict(promoted=not refusing, words=f"{start}: {'; '.join(words)}", parts=parts, **figures)
