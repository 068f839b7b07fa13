"""Plots of prices: what the most sold models are worth by age, and how their medians moved over the nights.

A small plot for each model: they stand side by side on a desk and below each other on a phone.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from autodetect.prices.curves import Curve, ValuationCurves
from autodetect.report.drawing import Plot, Theme, axes_of, draw_line, name_axes, save
from autodetect.report.priced import MediansByNight, PricedReport
from autodetect.report.words import number

SIZE = (3.6, 2.8)
_TICKS_ACROSS = 5
_LEAST_SPAN = 0.05  # so that a median that hardly moves looks like one
_TICKS = (100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000)


def draw_prices(priced: PricedReport, folder: Path) -> dict[str, Plot]:
    """Draw what there are facts for into `folder`, which exists.

    Returns plots by name: curve-1, curve-2, ... in the order of the curves, median-1, ... in that of the histories.

    Args:
        priced: the night's prices.
        folder: where the PNG files go; links are relative to its parent.
    """
    wanted: list[tuple[str, str, Callable[[Any, Theme], None]]] = []
    curves = priced.curves
    for place, curve in enumerate(curves.curves if curves else (), 1):
        assert curves is not None
        wanted.append((f"curve-{place}", _curve_alt(curve), _drawing_curve(curves, curve)))
    for place, history in enumerate(priced.histories, 1):
        alt = f"Median price of {history.label} over {len(history.nights)} nights"
        wanted.append((f"median-{place}", alt, _drawing_history(history)))
    return {name: save(folder, name, alt, SIZE, draw) for name, alt, draw in wanted}


def _curve_alt(curve: Curve) -> str:
    return f"Price of {curve.name} by age: the valuation with its interval, and {len(curve.dots)} sales"


def _drawing_curve(curves: ValuationCurves, curve: Curve) -> Callable[[Any, Theme], None]:
    return lambda figure, theme: _draw_curve(figure, theme, curves, curve)


def _drawing_history(history: MediansByNight) -> Callable[[Any, Theme], None]:
    return lambda figure, theme: _draw_history(figure, theme, history)


def _draw_curve(figure: Any, theme: Theme, curves: ValuationCurves, curve: Curve) -> None:
    [axes] = axes_of(figure, theme)
    ages, prices = zip(*curve.dots, strict=True) if curve.dots else ((), ())
    axes.scatter(ages, prices, s=11, color=theme.muted, alpha=0.5, linewidths=0)
    axes.fill_between(curve.ages, curve.low, curve.high, color=theme.accent, alpha=0.16, linewidth=0)
    marker = "o" if len(curve.ages) == 1 else ""
    axes.plot(curve.ages, curve.value, color=theme.accent, linewidth=2, marker=marker)
    axes.set_yscale("log")
    low, high = _range([*prices, *curve.low, *curve.high])
    axes.set_ylim(low, high)
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    axes.set_yticks(ticks, [number(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_title(_clipped(curve.name), loc="left", color=theme.ink, fontsize=9.5, parse_math=False)
    axes.xaxis.get_major_locator().set_params(integer=True, nbins=_TICKS_ACROSS)
    year = curves.as_of.year
    axes.xaxis.set_major_formatter(lambda age, _: f"{age:.0f}\n{year - age:.0f}")
    name_axes(axes, theme, "age in years, model year below", f"{curves.basis} price ({curves.currency})")


def _draw_history(figure: Any, theme: Theme, history: MediansByNight) -> None:
    [axes] = axes_of(figure, theme)
    nights = history.nights
    places = range(len(nights))
    names = [night[5:] for night in nights]
    for basis, found in (("sold", dict(history.sold)), ("asking", dict(history.asking))):
        medians = [found.get(night, math.nan) for night in nights]
        draw_line(axes, theme, places, medians, basis, strong=basis == "sold")
    every_median = [median for _, median in (*history.sold, *history.asking)]
    axes.set_ylim(min(every_median) * (1 - _LEAST_SPAN), max(every_median) * (1 + _LEAST_SPAN))
    every = max(1, -(-len(names) // _TICKS_ACROSS))
    shown = [place for place in places if (len(names) - 1 - place) % every == 0]
    axes.set_xticks(shown, [names[place] for place in shown])
    axes.yaxis.set_major_formatter(lambda value, _: number(value))
    axes.set_title(_clipped(history.label), loc="left", color=theme.ink, fontsize=9.5, parse_math=False)
    name_axes(axes, theme, "night", f"median price ({history.currency})")


def _range(prices: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the axis: what is shown and a little more, however far a single price lies off."""
    ordered = sorted(price for price in prices if price > 0)
    return (ordered[0] * 0.85, ordered[-1] * 1.18) if ordered else (1.0, 10.0)


def _clipped(label: str) -> str:
    return label if len(label) <= 40 else label[:39] + "…"
