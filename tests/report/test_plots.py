"""Plots: drawn when there is something to see, never stopped by a label."""

import subprocess
import sys

import pytest
from PIL import Image

from autodetect.report.cards import tonight
from autodetect.report.facts import Epoch, PriceLine
from autodetect.report.plots import draw_plots


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


def test_importing_the_report_loads_no_plotting_library():
    code = "import sys, autodetect.report.page; print([n for n in ('matplotlib', 'jinja2') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
