"""Prices in words: how good the valuation is, what was left out, and how prices moved."""

from collections.abc import Iterator, Mapping
from typing import Any

from autodetect.prices.curves import MOST_DOTS, ValuationCurves
from autodetect.prices.judged.figures import Estimate, Method, PriceEvaluation, Slice, Slices, SplitEvaluation
from autodetect.prices.words import rule_words
from autodetect.records import Record
from autodetect.report.priced import NamedTrend, PricedReport
from autodetect.report.words import UNKNOWN, change, number, percent

MOST_TRENDS = 12
_SPLITS = {"vehicle": "held-out vehicles", "time": "later sales"}
_OURS: Method = "valuation"
_NOT_JUDGED = "not judged"
_ENDS = {"candidates": "all that sold, or are on offer", "used": "used"}
_PARTS = {"year_band": "by year band", "region": "by state"}
_LEVELS = {"model": "the model's own", "make": "its make's", "segment": "its segment's", "": "without figures"}


class MethodLine(Record):
    """A row of the evaluation table; `ours` is the valuation, `first` begins a split."""

    split: str
    method: str
    ours: bool
    first: bool
    cars: int
    error: str
    sure: str
    within: str
    coverage: str
    width: str


class SliceTable(Record):
    """The tested cars in slices of one kind, and in words how many are not shown."""

    title: str
    rows: tuple[Slice, ...]
    rest: str = ""


class FunnelLine(Record):
    """A row of the funnel: a rule or an end of it, with (count, share of candidates) for each basis."""

    rule: str
    words: str
    end: bool
    counts: tuple[tuple[str, str], ...]


def price_lines(priced: PricedReport) -> dict[str, Any]:
    """Return what a night tells of prices as the page writes it; what is not told is empty."""
    evaluation, curves = priced.evaluation, priced.curves
    return {
        "methods": list(method_rows(evaluation)) if evaluation else [],
        "error_lines": [*valuation_lines(priced.valuation), *(error_lines(evaluation) if evaluation else ())],
        "error_slices": list(slice_tables(evaluation)) if evaluation else [],
        "funnel": list(funnel_rows(priced.funnel)),
        "level_lines": list(level_lines(priced.levels)),
        "curve_lines": list(curve_lines(curves)) if curves else [],
        "moved": trend_rows(priced.trends),
    }


def method_rows(evaluation: PriceEvaluation) -> Iterator[MethodLine]:
    """Yield the rows of the evaluation table: by vehicle, then by time, ours before the baselines."""
    for split in _splits(evaluation):
        for place, each in enumerate(split.methods):
            error = split.median_ape if each.method == _OURS else None
            yield MethodLine(
                split=f"{_SPLITS[split.split]}{f' from {split.cut}' if split.cut else ''}",
                method=each.method,
                ours=each.method == _OURS,
                first=place == 0,
                cars=each.cars,
                error=percent(each.median_ape),
                sure=_interval(error) if error else "",
                within=percent(each.within_20),
                coverage=percent(each.coverage),
                width=UNKNOWN if each.interval_ratio is None else f"{number(each.interval_ratio, 2)} times",
            )


def error_lines(evaluation: PriceEvaluation) -> Iterator[tuple[str, str]]:
    """Yield (what, words) of what the evaluation table does not say."""
    for split in _splits(evaluation):
        parts = [f"trained on {split.training:,}, asked about {split.tested:,}"]
        if split.ratio:
            low, high = (number(end, 2) for end in (split.ratio.low, split.ratio.high))
            beside = f"{number(split.ratio.value, 2)} ({low} to {high}) of the error of the mean per model"
            parts.append(beside)
        unvalued = split.of(_OURS).unvalued
        if unvalued:
            parts.append(f"{unvalued:,} could not be valued")
        if split.left_out:
            parts.append(f"{split.left_out:,} in neither part")
        yield _SPLITS[split.split], "; ".join(parts)
    for each in evaluation.words:
        refused = each.startswith(_NOT_JUDGED)
        yield _NOT_JUDGED if refused else "mind", each.removeprefix(_NOT_JUDGED).lstrip(": ") if refused else each


def slice_tables(evaluation: PriceEvaluation) -> Iterator[SliceTable]:
    """Yield the tested vehicles (the latest sales where there are none) by price, make and model."""
    split = next(iter(_splits(evaluation)), None)
    if split is None:
        return
    currency = f", {evaluation.currency}" if evaluation.currency else ""
    for title, found in (
        (f"By price{currency}", split.by_price),
        ("By make", split.by_make),
        ("By model", split.by_model),
    ):
        if found.told:
            yield SliceTable(title=title, rows=found.told, rest=_rest(found))


def funnel_rows(funnel: Mapping[str, Mapping[str, int]]) -> Iterator[FunnelLine]:
    """Yield the rows of the funnel in the order in which rules are asked; those that left nothing out are absent."""
    rules = dict.fromkeys(rule for counts in funnel.values() for rule in counts if rule not in _ENDS)
    for rule in ("candidates", *rules, "used") if funnel else ():
        counts = [each.get(rule, 0) for each in funnel.values()]
        if any(counts) or rule in _ENDS:
            yield FunnelLine(
                rule=rule,
                words=_ENDS.get(rule) or rule_words(rule),
                end=rule in _ENDS,
                counts=tuple(
                    (number(count), percent(count / each["candidates"]) if each.get("candidates") else UNKNOWN)
                    for count, each in zip(counts, funnel.values(), strict=True)
                ),
            )


def level_lines(levels: Mapping[str, Mapping[str, int]]) -> Iterator[tuple[str, str]]:
    """Yield (what, words) of whose comparables the rows below the headlines stand on."""
    if any(counts.get(level) for counts in levels.values() for level in ("make", "segment")):
        yield "a label", "too few prices of its own: those of the make or segment named stand in, of so many cars"
    for part, counts in levels.items():
        told = [f"{counts[level]:,} {words}" for level, words in _LEVELS.items() if counts.get(level)]
        yield _PARTS[part], f"{sum(counts.values()):,} rows: {', '.join(told)}"


def valuation_lines(valuation: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (what, words) of what tonight's valuation was fitted on, and how its error compares with other nights'."""
    cars, terms, words = (valuation.get(name) for name in ("priced_cars", "terms", "words"))
    if cars:
        noun = "sales" if valuation.get("basis") == "sold" else "asking prices"
        coefficients = f", {terms:,} coefficients" if terms else ""
        yield "fitted on", f"{cars:,} {noun}{coefficients}{f'; {words}' if words else ''}"
    if error := valuation.get("error"):
        yield "beside other nights", error


def curve_lines(curves: ValuationCurves) -> Iterator[tuple[str, str]]:
    """Yield (what, words) of how to read the curves."""
    noun = "sales" if curves.basis == "sold" else "offers"
    outside, known = (sum(getattr(each, name) for each in curves.curves) for name in ("outside", "known"))
    yield "line and band", f"the value on {curves.as_of} of who knows make, model and year alone, and its interval"
    if known:
        yield (
            "dots",
            f"{noun}, at most {MOST_DOTS} a model; {percent(outside / known)} of all {known:,} lie outside the band",
        )


def trend_rows(found: tuple[NamedTrend, ...]) -> list[tuple[str, str, str, str, str, str]]:
    """Return the largest moves as (car, basis, before, recent, currency, change), largest first."""
    moved = sorted(found, key=lambda each: (-abs(each.trend.change), each.label, each.trend.basis))
    return [
        (
            each.label,
            each.trend.basis,
            number(each.trend.before),
            number(each.trend.recent),
            each.trend.currency,
            change(each.trend.recent, each.trend.before),
        )
        for each in moved[:MOST_TRENDS]
    ]


def _splits(evaluation: PriceEvaluation) -> list[SplitEvaluation]:
    return [split for split in (evaluation.by_vehicle, evaluation.by_time) if split]


def _interval(estimate: Estimate) -> str:
    return f"{percent(estimate.low)} to {percent(estimate.high)}"


def _rest(found: Slices) -> str:
    return f"{found.more:,} more with {found.more_cars:,} cars are not shown" if found.more else ""
