"""Everything that a night can tell of prices, invented."""

from datetime import date, timedelta
from typing import Any

from autodetect.prices.curves import Curve, ValuationCurves
from autodetect.prices.history import PriceDrop, Trend
from autodetect.prices.judged.figures import Estimate, MethodFigures, PriceEvaluation, Slice, Slices, SplitEvaluation
from autodetect.report.priced import BandedModel, BandLine, MediansByNight, NamedTrend, PricedReport, PriceLine

NIGHT = date(2026, 3, 14)
FIGURES = {"median": 9e3, "median_low": 8.8e3, "median_high": 9.3e3, "q1": 8e3, "q3": 1e4, "trimmed_mean": 9e3}


def headlines(text: str) -> tuple[PriceLine, ...]:
    """Return three priced cars and one without enough comparables."""
    priced = (PriceLine(label=f"{text} {i}", count=9 + i, sellers=8, currency="USD", **FIGURES) for i in range(3))
    return (*priced, PriceLine(label=text, basis="asking", count=1, reason=text))


def errors(split: str, text: str, **changes: Any) -> SplitEvaluation:
    """Return how a valuation does on one split; a make that nobody could value is among the slices."""
    ours = MethodFigures(method="valuation", cars=3_312, unvalued=7, median_ape=0.3184, within_20=0.347, coverage=0.798)
    mean = MethodFigures(method="mean per model", cars=3_312, unvalued=7, median_ape=0.603, within_20=0.161)
    unknown = Slice(
        name=text, cars=4, valued=0, median_ape=None, within_20=None, coverage=None, by_mean=None, by_median=None
    )
    known = unknown.model_copy(update={"median_ape": 0.29, "valued": 4, "by_mean": 0.61, "within_20": 0.36})
    slices = Slices(told=(known, unknown), more=3, more_cars=17)
    figures: dict[str, Any] = {
        "training": 13_250,
        "tested": 3_319,
        "methods": (ours.model_copy(update={"interval_ratio": 4.21}), mean),
        "median_ape": Estimate(value=0.3184, low=0.301, high=0.333),
        "ratio": Estimate(value=0.528, low=0.497, high=0.561),
        "by_price": slices,
        "by_make": slices,
        "by_model": slices,
    }
    return SplitEvaluation(split=split, **(figures | changes))


def priced(text: str) -> PricedReport:
    """Return everything that a night tells of prices."""
    by_time = errors("time", text, cut=date(2020, 1, 1), left_out=12, ratio=None, median_ape=None)
    ages, value = tuple(range(30)), tuple(40_000 * 0.93**age for age in range(30))
    curve = Curve(
        make_model_id=text,
        name=text,
        sales=900,
        known=880,
        outside=190,
        ages=ages,
        value=value,
        low=tuple(0.5 * each for each in value),
        high=tuple(1.9 * each for each in value),
        dots=tuple((age, each * (0.4 + age % 7 / 4)) for age, each in zip(ages, value, strict=True)),
    )
    rolled = {"level": "segment", "level_name": text, "level_count": 321, "median": 7e3, "q1": 5e3, "q3": 8e3}
    counts = {"candidates": 1_000, "deposit": 12, text: 3, "salvage": 0, "outlier": 85, "used": 900}
    trend = Trend(make_model_id=text, basis="sold", currency="USD", nights=7, recent=9_450.0, before=9_000.0)
    item = {"source": text, "item_id": text, "make_model_id": text, "currency": "USD", "title": text, "url": text}
    return PricedReport(
        evaluation=PriceEvaluation(
            as_of=NIGHT,
            basis="sold",
            currency="USD",
            sales=16_569,
            by_vehicle=errors("vehicle", text),
            by_time=by_time,
            words=("not judged by colour: nobody asked", text),
        ),
        valuation={"basis": "sold", "priced_cars": 16_569, "terms": 8_412, "words": text, "error": text},
        funnel={"sold": counts, "asking": counts | {"candidates": 0, "auction_running": 44}},
        levels={"year_band": {"model": 4_200, "make": 310, "": 12}, "region": {"segment": 9}},
        curves=ValuationCurves(as_of=NIGHT, basis="sold", currency="USD", curves=(curve, curve)),
        bands=(
            BandedModel(
                label=text,
                basis="sold",
                currency="USD",
                bands=(
                    BandLine(year_band="before 1950", count=2, **rolled),
                    BandLine(year_band="1950-1959", count=1, reason=text),
                    BandLine(year_band="2000-2004", count=212, **(rolled | {"level": "model"})),
                ),
            ),
        ),
        histories=tuple(
            MediansByNight(
                label=text,
                currency="USD",
                sold=tuple((str(NIGHT - timedelta(20 - n)), 9e3 + n * 31) for n in range(nights)),
                asking=((str(NIGHT), 9_900.0),),
            )
            for nights in (21, 0)
        ),
        trends=(NamedTrend(label=text, trend=trend),),
        drops=(PriceDrop(before=12_900.0, price=9_950.0, **item),),
    )
