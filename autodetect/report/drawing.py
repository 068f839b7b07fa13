"""What all plots of the report share: two themes, plain axes. matplotlib is imported when the first one is drawn.

Text in a plot may come from strangers: it is never parsed as mathematics.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DPI = 160


@dataclass(frozen=True)
class Theme:
    """Colours of one version of a plot; the same as the page's."""

    name: str
    surface: str
    ink: str
    muted: str
    grid: str
    accent: str


THEMES = (
    Theme("light", surface="#ffffff", ink="#1c2430", muted="#6a7585", grid="#e6e9ee", accent="#1f6feb"),
    Theme("dark", surface="#171c24", ink="#e4e9f0", muted="#93a0b2", grid="#2a323d", accent="#62a0ff"),
)


@dataclass(frozen=True)
class Plot:
    """A drawn plot: links relative to the page, and what it shows for those who cannot see it."""

    light: str
    dark: str
    alt: str
    width: int
    height: int


def save(folder: Path, name: str, alt: str, size: tuple[float, float], draw: Callable[[Any, Theme], None]) -> Plot:
    """Draw a plot of `size` inches in both themes into `folder`, which exists; links are relative to its parent."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    links = []
    for theme in THEMES:
        figure = Figure(figsize=size, dpi=DPI, facecolor=theme.surface, layout="constrained")
        canvas = FigureCanvasAgg(figure)
        draw(figure, theme)
        path = folder / f"{name}-{theme.name}.png"
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing")  # a box stands for a script without a font
            canvas.print_png(path, metadata={"Software": None})
        links.append(f"{folder.name}/{path.name}")
    return Plot(links[0], links[1], alt, width=round(size[0] * 100), height=round(size[1] * 100))


def axes_of(figure: Any, theme: Theme, columns: int = 1) -> list[Any]:
    """Return a row of plain axes in the theme's colours."""
    found = figure.subplots(1, columns, squeeze=False)[0]
    for axes in found:
        axes.set_facecolor(theme.surface)
        axes.tick_params(colors=theme.muted, labelsize=8, length=0)
        axes.grid(visible=True, color=theme.grid, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.margins(x=0.03)
        for spine in axes.spines.values():
            spine.set_visible(False)
    return list(found)


def name_axes(axes: Any, theme: Theme, x: str, y: str) -> None:
    """Say what the axes show; what was drawn with a label gets a legend."""
    axes.set_xlabel(x, color=theme.muted, fontsize=8.5, parse_math=False)
    axes.set_ylabel(y, color=theme.muted, fontsize=8.5, parse_math=False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, labelcolor=theme.ink, fontsize=8, loc="best")


def draw_line(axes: Any, theme: Theme, x: Sequence[Any], y: Sequence[float], label: str, *, strong: bool) -> None:
    """Draw values over `x`: strong ones in the accent, others muted and dashed; nothing where none is known."""
    if any(math.isfinite(value) for value in y):
        colour, style, width = (theme.accent, "-", 2.0) if strong else (theme.muted, "--", 1.5)
        marker = "o" if len(y) <= 20 else ""
        axes.plot(x, y, style, color=colour, linewidth=width, marker=marker, markersize=3.5, label=label)
