"""Plots: drawn when there is something to see, never stopped by a label."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from autodetect.classifier.evaluation import evaluate
from autodetect.report.cards import tonight
from autodetect.report.facts import Epoch
from autodetect.report.map_plot import draw_map
from autodetect.report.plots import MOST_INTERVALS, draw_evaluation, draw_plots
from autodetect.report.price_plots import draw_prices
from autodetect.report.priced import PricedReport, PriceLine


def drawn(report, folder):
    folder.mkdir(exist_ok=True)
    return draw_plots(report, tonight(report), folder)


def test_every_plot_has_a_light_and_a_dark_version_in_its_colours(full_report, tmp_path):
    plots = drawn(full_report(), tmp_path / "plots")
    assert sorted(plots) == ["classes", "prices", "training", "trend"]
    for plot in plots.values():
        with Image.open(tmp_path / plot.light) as light, Image.open(tmp_path / plot.dark) as dark:
            assert light.size == dark.size
            assert abs(light.width / light.height - plot.width / plot.height) < 0.02
            assert light.convert("RGB").getpixel((0, 0)) == (0xFF, 0xFF, 0xFF)
            assert dark.convert("RGB").getpixel((0, 0)) == (0x17, 0x1C, 0x24)


@pytest.mark.parametrize("label", ["$\\frac{$", "車 🚗", "x" * 400, "", "a\nb\x07"])
def test_no_label_stops_a_plot(full_report, tmp_path, label):
    assert set(drawn(full_report(label), tmp_path / "plots")) == {"classes", "prices", "training", "trend"}


def test_nothing_is_drawn_of_nothing(full_report, tmp_path):
    report = full_report(epochs=(Epoch(loss=1.0),), history=(), classes=(), prices=(PriceLine(label="A"),))
    assert drawn(report, tmp_path / "plots") == {}
    assert not list((tmp_path / "plots").iterdir())


def test_a_training_that_diverged_is_still_drawn(full_report, tmp_path):
    epochs = tuple(Epoch(loss=loss, val_loss=loss) for loss in (1.0, float("nan"), float("inf")))
    assert "training" in drawn(full_report(epochs=epochs), tmp_path / "plots")


def test_a_price_plot_has_one_currency(full_report, tmp_path, monkeypatch):
    from autodetect.report import plots

    shown = []
    monkeypatch.setattr(plots, "_prices", lambda figure, theme, lines: shown.extend(lines))
    figures = {"count": 9, "median": 2.0, "q1": 1.0, "q3": 3.0}
    lines = tuple(PriceLine(label=c, currency=c, **figures) for c in ("USD", "EUR", "USD"))
    drawn(full_report(prices=lines), tmp_path / "plots")
    assert {line.currency for line in shown} == {"USD"}


def evaluated(names, photos=400):
    """Return the evaluation of a model that is right more often the later the class."""
    rng = np.random.default_rng(1)
    truth = np.arange(photos) % len(names)
    logits = rng.normal(size=(photos, len(names))) + np.eye(len(names))[truth] * truth[:, None] / len(names) * 8
    answers = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return evaluate(answers, truth, np.arange(photos).astype(str), names)


@pytest.mark.parametrize("label", ["Ford Mustang", "$\\frac{$", "車 🚗", "x" * 400, ""])
def test_an_evaluation_is_drawn_whatever_its_classes_are_called(tmp_path, label):
    (tmp_path / "plots").mkdir()
    plots = draw_evaluation(evaluated([f"{label}{i}" for i in range(4)]), tmp_path / "plots")
    assert sorted(plots) == ["intervals", "reliability"]
    for plot in plots.values():
        with Image.open(tmp_path / plot.light) as light, Image.open(tmp_path / plot.dark) as dark:
            assert light.size == dark.size
            assert abs(light.width / light.height - plot.width / plot.height) < 0.02


def test_of_many_classes_the_weakest_are_drawn(tmp_path, monkeypatch):
    from autodetect.report import plots

    shown = []
    monkeypatch.setattr(plots, "_intervals", lambda figure, theme, scored: shown.append(scored))
    (tmp_path / "plots").mkdir()
    evaluation = evaluated([str(i) for i in range(40)], photos=800)
    assert f"{MOST_INTERVALS} weakest" in draw_evaluation(evaluation, tmp_path / "plots")["intervals"].alt
    drawn_ends = [each.vehicle_top1_interval[1] for each in shown[0]]
    assert drawn_ends == sorted(drawn_ends)
    left_out = {score.name for score in evaluation.per_class} - {each.name for each in shown[0]}
    ends = {score.name: score.vehicle_top1_interval[1] for score in evaluation.per_class}
    assert min(ends[name] for name in left_out) >= drawn_ends[-1]


def test_an_evaluation_of_an_earlier_version_draws_nothing(tmp_path):
    now = evaluated(["a", "b"])
    old = now.model_copy(update={"by_photo": None, "by_vehicle": None, "per_class": ()})
    assert draw_evaluation(old, tmp_path) == {}
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("label", ["Ford Mustang", "$\\frac{$", "車 🚗", "x" * 400, "", "_hidden"])
def test_the_map_is_drawn_whatever_its_classes_are_called(full_report, tmp_path, label):
    plots = draw_map(full_report(label).judged.map, tmp_path)
    assert plots["map"].alt == "Map of 40 of 1,234 test vehicles of 4 classes by likeness of their photos"
    with (
        Image.open(tmp_path.parent / plots["map"].light) as light,
        Image.open(tmp_path.parent / plots["map"].dark) as dark,
    ):
        assert light.size == dark.size


def test_no_map_is_drawn_of_nothing(tmp_path):
    assert draw_map(None, tmp_path) == {}
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("label", ["Ford Mustang", "$\\frac{$", "車 🚗", "x" * 400, "", "_hidden"])
def test_curves_and_medians_are_drawn_whatever_a_model_is_called(full_report, tmp_path, label):
    plots = draw_prices(full_report(label).priced, tmp_path)
    assert sorted(plots) == ["curve-1", "curve-2", "median-1", "median-2"]
    for plot in plots.values():
        with Image.open(tmp_path.parent / plot.light) as light, Image.open(tmp_path.parent / plot.dark) as dark:
            assert light.size == dark.size


def test_a_curve_of_one_age_or_without_sales_is_still_drawn(full_report, tmp_path):
    priced = full_report().priced
    one = {"ages": (3,), "value": (9e3,), "low": (5e3,), "high": (2e4,)}
    curves = [priced.curves.curves[0].model_copy(update=each) for each in (one, {"dots": ()}, one | {"dots": ()})]
    priced = PricedReport(curves=priced.curves.model_copy(update={"curves": tuple(curves)}))
    assert sorted(draw_prices(priced, tmp_path)) == ["curve-1", "curve-2", "curve-3"]


def test_no_prices_draw_nothing(tmp_path):
    assert draw_prices(PricedReport(), tmp_path) == {}
    assert not list(tmp_path.iterdir())


def test_importing_the_report_loads_no_plotting_library():
    code = "import sys, autodetect.report.page; print([n for n in ('matplotlib', 'jinja2') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
