"""The map of the test vehicles: a point each, coloured by make or lookalikes, the largest classes named."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from autodetect.classifier.embedding_map import EmbeddingMap
from autodetect.report.drawing import Plot, Theme, axes_of, save

# Apart from each other on white and on near-black; the ninth group and all after it share the muted colour.
COLOURS = ("#1f7ae0", "#e07b00", "#2a9d4a", "#d1495b", "#8a5cd6", "#00919b", "#c9a200", "#d957b0")
MOST_LABELS = 16
_NEAR_X, _NEAR_Y = 0.13, 0.045  # of the plane: labels closer than this would lie on each other
_LONGEST = 24


def draw_map(found: EmbeddingMap | None, folder: Path) -> dict[str, Plot]:
    """Draw the map into `folder`, which exists, as plot `map`; nothing without one.

    Args:
        found: the map of tonight's test vehicles.
        folder: where the PNG files go; links are relative to its parent.
    """
    if found is None or not found.x:
        return {}
    alt = (
        f"Map of {len(found.x):,} of {found.vehicles:,} test vehicles of {len(found.labels)} classes by likeness of "
        f"their photos"
    )
    return {"map": save(folder, "map", alt, (9.6, 6.4), lambda figure, theme: _map(figure, theme, found))}


def _map(figure: Any, theme: Theme, found: EmbeddingMap) -> None:
    [axes] = axes_of(figure, theme)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.margins(x=0.09, y=0.06)
    x, y, classes = np.array(found.x), np.array(found.y), np.array(found.classes)
    group = np.array(found.groups, object)[classes]
    counts = Counter(group.tolist())
    named = sorted(counts, key=lambda name: (-counts[name], name))[: len(COLOURS)]
    rest = ~np.isin(group, named)
    handles = []
    if rest.any():
        axes.scatter(x[rest], y[rest], s=13, color=theme.muted, alpha=0.45, linewidths=0)
    for name, colour in zip(named, COLOURS, strict=False):
        mine = group == name
        handles.append(axes.scatter(x[mine], y[mine], s=15, color=colour, alpha=0.8, linewidths=0))
    words = [f"{_short(name.lstrip('_'))} {counts[name]}" for name in named]
    legend = axes.legend(
        handles, words, frameon=False, labelcolor=theme.ink, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5)
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    _name_classes(axes, theme, found, x, y)


def _name_classes(axes: Any, theme: Theme, found: EmbeddingMap, x: Any, y: Any) -> None:
    """Write the names of the largest classes where most of their vehicles lie, as far as they do not overlap."""
    from matplotlib.patheffects import withStroke

    classes = np.array(found.classes)
    width, height = float(np.ptp(x)) or 1.0, float(np.ptp(y)) or 1.0
    written: list[tuple[float, float]] = []
    for place, _ in sorted(Counter(found.classes).items(), key=lambda each: (-each[1], each[0])):
        mine = classes == place
        across, up = float(np.median(x[mine])), float(np.median(y[mine]))
        if any(abs(across - a) < _NEAR_X * width and abs(up - b) < _NEAR_Y * height for a, b in written):
            continue
        written.append((across, up))
        axes.annotate(
            _short(found.labels[place]),
            (across, up),
            xytext=(0, 5),
            textcoords="offset points",
            color=theme.ink,
            fontsize=7.5,
            ha="center",
            va="bottom",
            parse_math=False,
            path_effects=[withStroke(linewidth=2.5, foreground=theme.surface)],
        )
        if len(written) == MOST_LABELS:
            return


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…"
