"""A night whose valuation error jumps is held: something is wrong with its sales, or with what reads them.

Tonight's median error on held-out vehicles (MdAPE) stands beside the median of those of the last good nights. It has
jumped where it is more than `max_error_rise` above, and its bootstrap interval is wholly above too: chance does not
explain it. Held-out vehicles are the same every night, so that nights differ by what is new.

A person who has looked may let a night in (`valuation.accepted`). What that night measured is the usual from then on:
nights before it are no longer compared with.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from statistics import median
from typing import Literal

from autodetect.lake.receipts import END
from autodetect.prices.judged.figures import PriceEvaluation
from autodetect.records import Receipt, Record, Verdict
from autodetect.sections import ValuationSettings

FEWEST_NIGHTS = 3  # one odd night among them does not decide what is usual
FEWEST_CARS = 30
ERROR = "valuation_error"  # of a price receipt: what the next nights compare with
JUMPED = "valuation.error_jumped"
ROSE = "valuation.error_rose"
USELESS = "valuation.no_better_than_mean"


class NightError(Record):
    """What later nights must know of a night's evaluation: the median error (a share) by vehicle, of so many `cars`."""

    night: date
    basis: Literal["sold", "asking"]
    currency: str
    cars: int
    median_ape: float


class ErrorVerdict(Record):
    """Has the error jumped?

    `held` are names of rules, `warned` sentences for a person, both as a stage's receipt keeps them. `record` is for
    the nights to come; `None` where there is nothing to compare with.
    """

    state: Literal["ok", "held", "not_judged"]
    words: str
    nights: int
    usual: float | None = None
    held_from: float | None = None
    record: NightError | None = None
    held: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()


def judge_error(
    tonight: PriceEvaluation, before: Sequence[NightError], settings: ValuationSettings, *, night: date
) -> ErrorVerdict:
    """Return whether tonight's error has jumped, in words too.

    Args:
        tonight: what `evaluate` returned.
        before: the records of good nights (`good_errors`), in any order; those of another basis or currency do not
            count.
        settings: `error_nights`, `max_error_rise`, `accepted`.
        night: tonight.
    """
    record = _record(tonight, night)
    split = tonight.by_vehicle
    if record is None or split is None or split.median_ape is None:
        return ErrorVerdict(state="not_judged", words="error not judged: there was no evaluation by vehicle", nights=0)
    warned = _against_mean(tonight)
    compared = _comparable(before, record, settings)
    few = _too_few(record, compared)
    if few:
        words = f"error not judged: {few}"
        return ErrorVerdict(state="not_judged", words=words, nights=len(compared), record=record, warned=warned)
    usual = median(each.median_ape for each in compared)
    bound = usual * (1 + settings.max_error_rise)
    ours = split.median_ape
    words = (
        f"the valuation's median error is {ours.value:.1%} ({ours.low:.1%} to {ours.high:.1%}) on {record.cars:,} "
        f"held-out cars, {usual:.1%} is usual over {len(compared)} nights; up to {bound:.1%} is let in"
    )
    held: tuple[str, ...] = ()
    if ours.low > bound and night in settings.accepted:
        words = f"ok, as a person has accepted it: {words}"
    elif ours.low > bound:
        held = (JUMPED,)
        remedy = f'if they are right, let the night in with valuation.accepted = ["{night.isoformat()}"]'
        words = f"{words}; look at tonight's new sales and at the slices of the evaluation; {remedy}"
        warned = (f"{JUMPED}: {words}", *warned)
    elif ours.value > bound:
        words = f"{words}; chance may explain it"
        warned = (f"{ROSE}: {words}", *warned)
    else:
        words = f"ok: {words}"
    return ErrorVerdict(
        state="held" if held else "ok",
        words=words,
        nights=len(compared),
        usual=round(usual, 4),
        held_from=round(bound, 4),
        record=record,
        held=held,
        warned=warned,
    )


def good_errors(receipts: Iterable[Receipt], *, before: date) -> list[NightError]:
    """Return the records that the price receipts of good nights hold: those that ended without being held.

    Args:
        receipts: all receipts of the lake, oldest first (`ReceiptBook.all()`).
        before: tonight.
    """
    known = list(receipts)
    good = {each.night for each in known if each.stage == END and each.facts["verdict"] != Verdict.HELD}
    priced = (each for each in known if each.stage == "price" and each.night < before and each.night in good)
    told = {each.night: each.facts.get(ERROR) for each in priced}
    return [NightError.model_validate(told[night]) for night in sorted(told) if told[night]]


def _record(tonight: PriceEvaluation, night: date) -> NightError | None:
    split = tonight.by_vehicle
    if split is None or split.median_ape is None or tonight.basis is None or tonight.currency is None:
        return None
    return NightError(
        night=night,
        basis=tonight.basis,
        currency=tonight.currency,
        cars=split.of("valuation").cars,
        median_ape=split.median_ape.value,
    )


def _comparable(before: Sequence[NightError], tonight: NightError, settings: ValuationSettings) -> list[NightError]:
    """Return the newest records that tonight's may be compared with: none before the night accepted last."""
    since = max((each for each in settings.accepted if each < tonight.night), default=date.min)
    alike = [
        each
        for each in sorted(before, key=lambda each: each.night)
        if since <= each.night < tonight.night and (each.basis, each.currency) == (tonight.basis, tonight.currency)
    ]
    return [each for each in alike if each.cars >= FEWEST_CARS][-settings.error_nights :]


def _too_few(tonight: NightError, compared: Sequence[NightError]) -> str:
    """Return why nothing can be said; empty where it can."""
    if tonight.cars < FEWEST_CARS:
        return f"{tonight.cars} held-out cars could be valued; {FEWEST_CARS} are needed"
    if len(compared) < FEWEST_NIGHTS:
        nights = "1 good night" if len(compared) == 1 else f"{len(compared)} good nights"
        return f"{nights} to compare with; {FEWEST_NIGHTS} are needed"
    return ""


def _against_mean(tonight: PriceEvaluation) -> tuple[str, ...]:
    """Return the warning that the valuation is surely no better than an average price, which needs no history."""
    ratio = tonight.by_vehicle.ratio if tonight.by_vehicle else None
    if ratio is None or ratio.low < 1:
        return ()
    than = f"{ratio.value:.2f} times that of the mean price per model ({ratio.low:.2f} to {ratio.high:.2f})"
    return (f"{USELESS}: the valuation's median error is {than}",)
