"""How a model was judged, in words: its slices, unknown cars, and the night's labels."""

from collections.abc import Iterator

from autodetect.classifier.intervals import Share
from autodetect.classifier.poison import LabelVerdict
from autodetect.classifier.slices import Gap, SliceFigures, Slices
from autodetect.classifier.unknown_cars import UnknownCars
from autodetect.classifier.unknowns import Unknowns
from autodetect.records import Record
from autodetect.report.words import UNKNOWN

MOST_EXAMPLES = 8


class SliceLine(Record):
    """One row of the table of slices: figures as text, with what they are sure of."""

    name: str
    vehicles: int
    top1: str = UNKNOWN
    top3: str = UNKNOWN
    champion_top1: str = UNKNOWN
    gap: str = UNKNOWN
    words: str = ""


def slice_rows(slices: Slices) -> Iterator[SliceLine]:
    """Yield the rows of the table; a slice that was not measured says so in `words`."""
    phone = slices.phone
    for found in (*slices.named, *(each for each in (phone and phone.plain, phone and phone.street) if each)):
        yield _row(found)
    if phone is not None and phone.street is None:
        yield SliceLine(name="phone", vehicles=0, words=phone.words)


def slice_lines(slices: Slices) -> Iterator[tuple[str, str]]:
    """Yield (what, words) of what the table does not say: what re-framing costs."""
    phone = slices.phone
    if phone and phone.loss:
        yield "lost on a phone", f"the challenger loses {_gap(phone.loss, sign='')} in top-1 by vehicle"
    if phone and phone.champion_loss:
        yield "the champion", f"loses {_gap(phone.champion_loss, sign='')} on the {phone.champion_loss.n} that it knows"


def unknown_lines(found: UnknownCars) -> Iterator[tuple[str, str]]:
    """Yield (what, words) of how the model meets cars that it has no class for."""
    yield "in short", found.words
    if found.threshold is not None:
        chosen = f"chosen on {found.vehicle.validation_unknown} unknown vehicles of validation"
        yield "not sure below", f"{found.threshold:.1%} for the first answer, {chosen}"
    for unit, figures in (("all photos of a vehicle", found.vehicle), ("one photo of each", found.photo)):
        words = _figures(figures)
        if words:
            yield unit, words


def label_lines(found: LabelVerdict) -> Iterator[tuple[str, str]]:
    """Yield (what, words) of what the champion thinks of the night's new labels."""
    yield "verdict", found.words
    if found.rate is not None and found.usual is not None:
        held = f"; from {found.held_from:.1%} the night would be held" if found.held_from is not None else ""
        nights = f"{found.nights} night{'' if found.nights == 1 else 's'} before"
        yield "disagreement", f"{found.rate:.1%} of confident answers tonight, {found.usual:.1%} in {nights}{held}"
    for each in found.sellers:
        share = f"{each.disagreeing} of {each.confident} confident answers disagree ({each.rate:.0%})"
        yield f"doubtful seller {each.seller[:12]}", f"{each.labels} labels left out: {share}"
    if found.examples:
        more = len(found.examples) - MOST_EXAMPLES
        shown = ", ".join(found.examples[:MOST_EXAMPLES])
        yield "look at vehicles", f"{shown} and {more} more" if more > 0 else shown


def _row(found: SliceFigures) -> SliceLine:
    if found.top1 is None:
        return SliceLine(name=found.name, vehicles=0, words=found.words)
    beside = found.beside
    champion = {"champion_top1": _share(beside.champion_top1), "gap": _gap(beside.gap)} if beside else {}
    top3 = {"top3": _share(found.top3)} if found.top3 else {}
    return SliceLine(name=found.name, vehicles=found.vehicles, top1=_share(found.top1), **champion, **top3)


def _figures(found: Unknowns) -> str:
    if found.auroc is None or found.auroc_low is None or found.auroc_high is None or found.false_answers is None:
        return ""
    parts = [
        f"AUROC {found.auroc:.3f} ({found.auroc_low:.3f} to {found.auroc_high:.3f})",
        f"{found.false_answers:.1%} false answers at 95 % known recall",
    ]
    if found.unknown_answered and found.known_answered:
        parts.append(f"answers {_share(found.unknown_answered)} of {found.unknown} unknown cars")
        parts.append(f"{_share(found.known_answered)} of {found.known} known ones")
    if found.answered_top1:
        parts.append(f"of those {found.answered_top1.share:.1%} rightly")
    return ", ".join(parts)


def _share(share: Share) -> str:
    return f"{share.share:.1%} ({share.low:.1%} to {share.high:.1%})"


def _gap(gap: Gap, sign: str = "+") -> str:
    low, high = f"{100 * gap.low:{sign}.1f}", f"{100 * gap.high:{sign}.1f}"
    return f"{100 * gap.difference:{sign}.1f} points ({low} to {high})"
