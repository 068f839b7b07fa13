"""The report's plots of a night and of an evaluation, each in a light and a dark version."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from autodetect.classifier.accuracy import ClassScore
from autodetect.classifier.calibration import Calibration
from autodetect.classifier.evaluation import Evaluation
from autodetect.report.drawing import Plot, Theme, axes_of, draw_line, name_axes, save
from autodetect.report.facts import ClassFacts, Epoch, NightReport, PastNight
from autodetect.report.priced import PriceLine

MOST_PRICES = 15
MOST_INTERVALS = 30
MOST_NIGHTS = 60


def draw_plots(report: NightReport, tonight: PastNight, folder: Path) -> dict[str, Plot]:
    """Draw what there are facts for into `folder`, which exists.

    Returns plots by name: training, trend, classes, prices.

    Args:
        report: the night's facts.
        tonight: tonight as the last point of the trend.
        folder: where the PNG files go; links are relative to its parent.
    """
    nights = (*report.history, tonight)[-MOST_NIGHTS:]
    scored = [each for each in report.classes if _known(each.top1)]
    lines = _plottable(report.prices)
    wanted: list[tuple[str, str, tuple[float, float], bool, Callable[[Any, Theme], None]]] = [
        (
            "training",
            f"Loss and accuracy over {len(report.epochs)} epochs of training",
            (9.6, 3.1),
            len(report.epochs) > 1,
            lambda figure, theme: _training(figure, theme, report.epochs),
        ),
        (
            "trend",
            f"Accuracy and listings over the last {len(nights)} nights",
            (9.6, 3.1),
            len(nights) > 1,
            lambda figure, theme: _trend(figure, theme, nights),
        ),
        (
            "classes",
            f"Top-1 accuracy of {len(scored)} classes against their training vehicles",
            (9.6, 3.3),
            len(scored) > 1,
            lambda figure, theme: _classes(figure, theme, scored),
        ),
        (
            "prices",
            f"Median and middle half of prices of the {len(lines)} cars with most comparables",
            (9.6, 0.9 + 0.29 * len(lines)),
            bool(lines),
            lambda figure, theme: _prices(figure, theme, lines),
        ),
    ]
    return {name: save(folder, name, alt, size, draw) for name, alt, size, worth, draw in wanted if worth}


def draw_evaluation(evaluation: Evaluation, folder: Path) -> dict[str, Plot]:
    """Draw what an evaluation holds into `folder`, which exists.

    Returns plots by name: reliability (by photo and by vehicle), intervals (the weakest classes).

    Args:
        evaluation: a model on a test set; one of an earlier version holds neither.
        folder: where the PNG files go; links are relative to its parent.
    """
    photo, vehicle, scored = evaluation.by_photo, evaluation.by_vehicle, _weakest(evaluation.per_class)
    found = {}
    if photo and vehicle:
        found["reliability"] = save(
            folder,
            "reliability",
            f"Share of right answers against confidence: calibration error {photo.calibration.ece:.1%} by photo, "
            f"{vehicle.calibration.ece:.1%} by vehicle",
            (9.6, 4.2),
            lambda figure, theme: _reliability(figure, theme, photo.calibration, vehicle.calibration),
        )
    if scored:
        found["intervals"] = save(
            folder,
            "intervals",
            f"Top-1 accuracy by vehicle with 95 % intervals of the {len(scored)} weakest classes",
            (9.6, 0.9 + 0.24 * len(scored)),
            lambda figure, theme: _intervals(figure, theme, scored),
        )
    return found


def _training(figure: Any, theme: Theme, epochs: Sequence[Epoch]) -> None:
    left, right = axes_of(figure, theme, 2)
    count = range(1, len(epochs) + 1)
    draw_line(left, theme, count, [_number(each.val_loss) for each in epochs], "validation", strong=True)
    draw_line(left, theme, count, [_number(each.loss) for each in epochs], "training", strong=False)
    draw_line(right, theme, count, [_percent(each.val_accuracy) for each in epochs], "validation", strong=True)
    draw_line(right, theme, count, [_percent(each.accuracy) for each in epochs], "training", strong=False)
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
    name_axes(left, theme, "epoch", "loss (cross-entropy)")
    name_axes(right, theme, "epoch", "accuracy (%)")


def _trend(figure: Any, theme: Theme, nights: Sequence[PastNight]) -> None:
    left, right = axes_of(figure, theme, 2)
    names = [each.night.strftime("%d %b") for each in nights]
    places = range(len(nights))
    draw_line(left, theme, places, [_percent(each.top1) for each in nights], "top-1", strong=True)
    draw_line(left, theme, places, [_percent(each.top3) for each in nights], "top-3", strong=False)
    right.bar(places, [each.listings or 0 for each in nights], color=theme.accent, width=0.62)
    right.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    right.grid(visible=False, axis="x")
    every = max(1, math.ceil(len(nights) / 8))
    shown = [place for place in places if (len(nights) - 1 - place) % every == 0]
    for axes in (left, right):
        axes.set_xticks(shown, [names[place] for place in shown])
    name_axes(left, theme, "night", "accuracy by vehicle (%)")
    name_axes(right, theme, "night", "listings seen")


def _classes(figure: Any, theme: Theme, scored: Sequence[ClassFacts]) -> None:
    [axes] = axes_of(figure, theme)
    for is_new, colour, label in ((False, theme.muted, "known classes"), (True, theme.accent, "new tonight")):
        mine = [each for each in scored if each.is_new is is_new]
        if mine:
            x, y = [each.train_vehicles for each in mine], [_percent(each.top1) for each in mine]
            axes.scatter(x, y, s=30, color=colour, alpha=0.75, linewidths=0, label=label)
    axes.set_ylim(-4, 104)
    axes.xaxis.get_major_locator().set_params(integer=True)
    name_axes(axes, theme, "training vehicles", "top-1 by vehicle (%)")


def _reliability(figure: Any, theme: Theme, photo: Calibration, vehicle: Calibration) -> None:
    for axes, unit, shown in zip(axes_of(figure, theme, 2), ("photo", "vehicle"), (photo, vehicle), strict=True):
        x = [100 * each.confidence for each in shown.bins]
        axes.plot([0, 100], [0, 100], "--", color=theme.muted, linewidth=1.2, label="as often right as sure")
        axes.vlines(
            x,
            [100 * each.right.low for each in shown.bins],
            [100 * each.right.high for each in shown.bins],
            color=theme.accent,
            alpha=0.45,
            linewidth=2.5,
        )
        label = f"bins of equal mass, error {shown.ece:.1%} ({shown.ece_low:.1%} to {shown.ece_high:.1%})"
        axes.plot(x, [100 * each.right.share for each in shown.bins], "o", color=theme.accent, label=label)
        axes.set_xlim(-2, 102)
        axes.set_ylim(-2, 102)
        name_axes(axes, theme, f"confidence by {unit} (%), temperature {shown.temperature:.2f}", "right (%)")


def _weakest(scores: Sequence[ClassScore]) -> list[ClassScore]:
    """Return the classes that are most surely weak, by the upper end of their interval, weakest first."""
    known = [(*each.vehicle_top1_interval, each) for each in scores if each.vehicle_top1_interval]
    known.sort(key=lambda line: (line[1], line[0], line[2].name))
    return [each for _, _, each in known[:MOST_INTERVALS]]


def _intervals(figure: Any, theme: Theme, scored: Sequence[ClassScore]) -> None:
    [axes] = axes_of(figure, theme)
    places = range(len(scored) - 1, -1, -1)
    low, high = zip(*(each.vehicle_top1_interval or (0.0, 1.0) for each in scored), strict=True)
    ends = [_percent(each) for each in low], [_percent(each) for each in high]
    axes.hlines(places, *ends, color=theme.accent, alpha=0.35, linewidth=6, label="95 % interval")
    top1 = [_percent(each.vehicle_top1) for each in scored]
    axes.plot(top1, places, "o", color=theme.accent, markersize=5, label="top-1 by vehicle")
    names = [f"{_short(each.name)} ({each.vehicles})" for each in scored]
    axes.set_yticks(places, names, parse_math=False, color=theme.ink)
    axes.set_xlim(-2, 102)
    axes.set_ylim(-0.6, len(scored) - 0.4)
    axes.grid(visible=False, axis="y")
    name_axes(axes, theme, "top-1 by vehicle (%); test vehicles in brackets", "")


def _plottable(prices: Sequence[PriceLine]) -> list[PriceLine]:
    """Return the lines with most comparables, of one basis and currency: an axis has one unit."""
    known = [each for each in prices if all(map(_known, (each.median, each.q1, each.q3)))]
    units = [(each.basis, each.currency) for each in known]
    unit = max(sorted(set(units), key=str), key=units.count, default=None)
    same = [each for each in known if (each.basis, each.currency) == unit]
    return sorted(same, key=lambda each: (-each.count, each.label))[:MOST_PRICES]


def _prices(figure: Any, theme: Theme, lines: Sequence[PriceLine]) -> None:
    [axes] = axes_of(figure, theme)
    places = range(len(lines) - 1, -1, -1)
    axes.hlines(
        places,
        [_number(each.q1) for each in lines],
        [_number(each.q3) for each in lines],
        color=theme.accent,
        alpha=0.35,
        linewidth=7,
        label="middle half",
    )
    axes.plot([_number(each.median) for each in lines], places, "o", color=theme.accent, markersize=6, label="median")
    names = [_short(each.label) for each in lines]
    axes.set_yticks(places, names, parse_math=False, color=theme.ink)
    axes.set_ylim(-0.6, len(lines) - 0.4)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    name_axes(axes, theme, f"{lines[0].basis} price ({lines[0].currency or 'unknown currency'})", "")


def _short(label: str) -> str:
    return label if len(label) <= 32 else label[:31] + "…"


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _number(value: float | None) -> float:
    return math.nan if value is None or not math.isfinite(value) else value


def _percent(value: float | None) -> float:
    return 100 * _number(value)
