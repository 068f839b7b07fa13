"""Wrong labels are caught before they are trained on: tonight's new labels beside what the champion sees.

A good model is sometimes wrong, and some sellers always are; both are so every night. What jumps is poison: a
catalogue that mistakes one model for another, a source that changed, a seller who writes nonsense. So the share of new
labels with which a confident champion disagrees is compared with that share in the nights before, over all labels and
seller by seller. A seller who stands out is left out alone (`seller.labels_doubtful`); the night is held only where the
labels of all others jump, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from autodetect.classifier.gate.formulas import holm
from autodetect.classifier.label_words import compared, percent, told_sellers, worst
from autodetect.classifier.new_labels import Disagreement, DoubtfulSeller, NightLabels
from autodetect.classifier.overdispersion import Spread, fewest_surprising, spread, upper_tail
from autodetect.records import Record
from autodetect.sections import PoisonSettings

# Nights (and sellers) differ by more than chance even where the few that were seen did not: their true shares are taken
# to vary with a standard deviation of at least 0.7 (and 6) points around a usual share of 8 %.
_LEAST_BETWEEN_NIGHTS = 0.0007
_LEAST_BETWEEN_SELLERS = 0.05
_MOST_EXAMPLES = 20


class LabelVerdict(Record):
    """May tonight's labels be trained and tested on?

    Shares are 0..1 of confident answers. `rate` and `p_value` are of the labels without those of doubtful `sellers`;
    `usual` is the share over `nights` nights before; `held_from` is the smallest share that would have been held.
    `record` (of the labels that are let in) is for the nights to come. `examples` are vehicles whose label the champion
    doubts, surest first: what a person should look at. Without figures, the state is `not_judged`.
    """

    state: Literal["ok", "held", "not_judged"]
    words: str
    nights: int
    record: NightLabels
    examples: tuple[str, ...] = ()
    usual: float | None = None
    rate: float | None = None
    p_value: float | None = None
    held_from: float | None = None
    sellers: tuple[DoubtfulSeller, ...] = ()

    @property
    def doubtful(self) -> frozenset[str]:
        """Return the sellers whose listings' photos train and test nothing tonight."""
        return frozenset(each.seller for each in self.sellers)


def judge(
    tonight: Disagreement,
    earlier: Sequence[NightLabels],
    settings: PoisonSettings,
    *,
    night: date,
    names: Mapping[int, str] | None = None,
    again: frozenset[str] = frozenset(),
) -> LabelVerdict:
    """Return whether tonight's new labels may be trained and tested on, with the reason in words.

    Args:
        tonight: what `disagreement` returned.
        earlier: the records of nights before (`kept`), in any order; those with another `confidence` or
            `choices` do not count.
        settings: how far is too far.
        night: tonight.
        names: class id -> what the class is called, for the words.
        again: vehicles that were left out before: their sellers are judged by them too, but they are no part of the
            night, or a backlog would soon be most of a quiet one.
    """
    before = sorted(
        (each for each in earlier if each.night < night and _comparable(each, tonight)),
        key=lambda each: each.night,
    )[-settings.nights :]
    fresh = tonight.without(frozenset(), again)
    whole = fresh.record(night, min_seller_labels=settings.min_seller_labels)
    usual = _usual(before) if any(each.confident for each in before) else None
    reason = _why_not_judged(whole, before, usual, settings)
    if usual is None or reason:
        rate = round(usual.nightly.rate, 6) if usual else None
        return LabelVerdict(
            state="not_judged", words=f"not judged: {reason}", nights=len(before), record=whole, usual=rate
        )

    doubtful = _doubtful(tonight, usual, settings)
    rest = fresh.without(frozenset(each.seller for each in doubtful))
    record = rest.record(night, min_seller_labels=settings.min_seller_labels)
    of_all, of_rest = _against(fresh, usual, settings), _against(rest, usual, settings)
    left_out = whole.labels - record.labels
    explained = left_out <= settings.max_seller_share * whole.labels and record.confident >= settings.min_labels
    jumped = of_rest.jumped or (of_all.jumped and not explained)
    held = jumped and night not in settings.accepted
    if jumped and not held:  # sellers, too: left out, their labels would be new and doubtful again the next night
        doubtful, record = (), whole
    told, found = (whole, of_all) if jumped else (record, of_rest)
    words = compared(told, usual.nightly.rate, usual.nights)
    if jumped:
        excess = 100 * (found.rate - usual.nightly.rate)
        words = f"{words}: {excess:.1f} points too many (p = {found.p_value:.1g}); {worst(tonight, names or {})}"
        words = f"held: {words}" if held else f"ok, as a person has accepted them: {words}"
    else:
        words = f"ok: {words}; from {percent(found.held_from)} it would be held"
    if doubtful:
        words += f"; doubtful sellers: {told_sellers(doubtful)}"
    return LabelVerdict(
        state="held" if held else "ok",
        words=words,
        nights=usual.nights,
        record=whole if held else record,
        examples=_examples(tonight),
        usual=round(usual.nightly.rate, 6),
        rate=round(found.rate, 6),
        p_value=_three_digits(found.p_value),
        held_from=round(found.held_from, 6),
        sellers=doubtful,
    )


def kept(earlier: Sequence[NightLabels], verdict: LabelVerdict, *, nights: int) -> tuple[NightLabels, ...]:
    """Return the records that tonight's receipt hands to the next night: the newest `nights`, none that was held."""
    tonight = verdict.record
    found = {each.night: each for each in earlier if each.night < tonight.night}
    if verdict.state != "held" and tonight.labels:
        found[tonight.night] = tonight
    return tuple(found[each] for each in sorted(found)[-nights:])


@dataclass(frozen=True)
class _Usual:
    """The nights before: how their shares spread, how their sellers do by the counts, and how many nights there are."""

    nightly: Spread
    sellers_between: float
    nights: int


@dataclass(frozen=True)
class _Against:
    """Labels beside the usual: their share of disagreement, its p-value, and the share from which it is a jump."""

    rate: float
    p_value: float
    held_from: float
    jumped: bool


def _usual(before: Sequence[NightLabels]) -> _Usual:
    least = _LEAST_BETWEEN_NIGHTS * (1 + 1 / len(before))  # one night says nothing of how nights differ
    nightly = spread([(each.disagreeing, each.confident) for each in before], least=least)
    pairs = [pair for each in before for pair in each.sellers]
    between = spread(pairs).between if pairs else _LEAST_BETWEEN_SELLERS
    return _Usual(nightly, between, len(before))


def _why_not_judged(
    whole: NightLabels, before: Sequence[NightLabels], usual: _Usual | None, settings: PoisonSettings
) -> str:
    """Return why nothing can be said; empty where it can."""
    seen = sum(each.confident for each in before)
    if whole.confident < settings.min_labels:
        return (
            f"the champion is sure of {whole.confident} of {whole.labels} new labels; {settings.min_labels} are needed"
        )
    if usual is None or seen < settings.min_labels:
        return f"it was sure of {seen} labels in {len(before)} nights before; {settings.min_labels} are needed"
    if usual.nightly.rate > settings.max_usual:
        return (
            f"where the champion is sure it usually disagrees with {percent(usual.nightly.rate)} of the labels, more "
            f"than {percent(settings.max_usual)}: it cannot tell a wrong one"
        )
    return ""


def _doubtful(tonight: Disagreement, usual: _Usual, settings: PoisonSettings) -> tuple[DoubtfulSeller, ...]:
    """Return the sellers who stand out, surest first; their mean is that of all labels, their spread of sellers."""
    counts, rate = tonight.of_sellers(), usual.nightly.rate
    correlation = max(usual.sellers_between, _LEAST_BETWEEN_SELLERS)
    judged = {seller: row for seller, row in counts.items() if row[1] >= settings.min_seller_labels}
    p_values = [upper_tail(wrong, sure, rate=rate, correlation=correlation) for wrong, sure, _ in judged.values()]
    found = [
        DoubtfulSeller(
            seller=seller,
            labels=labels,
            confident=sure,
            disagreeing=wrong,
            rate=round(wrong / sure, 6),
            p_value=_three_digits(p_value),
        )
        for (seller, (wrong, sure, labels)), p_value, adjusted in zip(
            judged.items(), p_values, holm(p_values).tolist(), strict=True
        )
        if adjusted <= settings.seller_level and wrong / sure - rate >= settings.min_seller_excess
    ]
    return tuple(sorted(found, key=lambda each: (each.p_value, each.seller)))


def _against(labels: Disagreement, usual: _Usual, settings: PoisonSettings) -> _Against:
    """Compare with the usual; a night of few large sellers varies with them, and that much more is allowed."""
    sure, wrong = int(labels.confident.sum()), int(labels.disagreeing.sum())
    if not sure:
        return _Against(0.0, 1.0, 1.0, jumped=False)
    counts = [count for _, count, _ in labels.of_sellers().values() if count >= settings.min_seller_labels]
    of_sellers = usual.sellers_between * sum(count * (count - 1) for count in counts) / sure**2
    correlation = usual.nightly.next + max(0.0, of_sellers - usual.nightly.between)
    p_value = upper_tail(wrong, sure, rate=usual.nightly.rate, correlation=correlation)
    fewest = fewest_surprising(sure, rate=usual.nightly.rate, correlation=correlation, level=settings.level)
    held_from = max(fewest / sure, usual.nightly.rate + settings.min_excess)
    return _Against(wrong / sure, p_value, min(held_from, 1.0), jumped=wrong / sure >= held_from)


def _comparable(earlier: NightLabels, tonight: Disagreement) -> bool:
    return (earlier.confidence, earlier.choices) == (tonight.confidence, tonight.choices)


def _examples(tonight: Disagreement) -> tuple[str, ...]:
    surest = tonight.probability.argsort(kind="stable")
    return tuple(tonight.vehicles[surest][tonight.disagreeing[surest]][:_MOST_EXAMPLES].tolist())


def _three_digits(p_value: float) -> float:
    return float(f"{p_value:.3g}")
