"""A model's evaluation in words: lines for the report and for the night's summary."""

from collections.abc import Iterator

from autodetect.classifier.evaluation import Evaluation, Scores
from autodetect.classifier.intervals import Share
from autodetect.classifier.recency import AgeBand
from autodetect.classifier.unknowns import Unknowns

MOST_WORST = 3


def evaluation_lines(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    """Yield (what, words) for all that an evaluation holds; nothing for one of an earlier version."""
    for unit, scores in (("vehicle", evaluation.by_vehicle), ("photo", evaluation.by_photo)):
        if scores:
            yield f"by {unit}", _accuracy(scores)
            yield f"honesty by {unit}", _honesty(scores)
    if evaluation.prior:
        prior = evaluation.prior
        mix = f"as often as they are listed, worth {prior.effective_classes:.1f} equally frequent classes"
        yield "serving prior", f"cars come {mix}; the model's mean answer is {prior.gap:.1%} away from it"
    if evaluation.lookalikes:
        alike = evaluation.lookalikes
        excused = f"{alike.excused} of {alike.wrong} mistakes name a lookalike"
        yield "lookalikes", f"{excused}; counted as right, top-1 would be {alike.top1_alike.share:.1%}"
    yield from _recency(evaluation)
    if evaluation.worst:
        named = (
            f"{each.name} ({each.top1.share:.0%} of {each.top1.n}, taken for {each.taken_for})"
            for each in evaluation.worst[:MOST_WORST]
        )
        yield "weakest classes", ", ".join(named)
    if evaluation.unknowns:
        yield "unknown cars", _unknowns(evaluation.unknowns)


def _accuracy(scores: Scores) -> str:
    found = scores.accuracy
    macro = f"{found.macro_top1:.1%}, {found.macro_top3:.1%}, {found.macro_top5:.1%} as a mean over classes"
    return f"top-1 {_share(found.top1)}, top-3 {found.top3.share:.1%}, top-5 {found.top5.share:.1%}; {macro}"


def _honesty(scores: Scores) -> str:
    found = scores.calibration
    return (
        f"calibration error {found.ece:.1%} ({found.ece_low:.1%} to {found.ece_high:.1%}; an honest model would show "
        f"{found.ece_noise:.1%}), {found.nll:.3f} nats, temperature {found.temperature:.2f}"
    )


def _recency(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    found = evaluation.recency
    if found and found.recent and found.older and found.low is not None and found.high is not None:
        recent = f"{found.recent.share:.1%} of {found.recent.n} first seen less than {found.recent_days} days ago"
        older = f"{found.older.share:.1%} of {found.older.n} others"
        apart = f"difference {100 * found.low:+.1f} to {100 * found.high:+.1f} points"
        yield "recent vehicles", f"top-1 {recent}, {older} ({apart})"
    if found and len(found.bands) > 1:
        yield "by age", ", ".join(_band(band) for band in found.bands)


def _band(band: AgeBand) -> str:
    days = f"{band.days} days and more" if band.below is None else f"{band.days} to {band.below - 1} days"
    return f"{days} {band.top1.share:.0%} of {band.top1.n}"


def _unknowns(found: Unknowns) -> str:
    if found.auroc is None or found.false_answers is None or found.auroc_low is None or found.auroc_high is None:
        return found.words
    area = f"AUROC {found.auroc:.3f} ({found.auroc_low:.3f} to {found.auroc_high:.3f})"
    return f"{found.words}; {area}, {found.false_answers:.1%} false answers at 95% known recall"


def _share(share: Share) -> str:
    return f"{share.share:.1%} ({share.low:.1%} to {share.high:.1%})"
