"""What the interpreter covers, operation by operation, as the tables of docs/interpreter.md."""

import inspect
import sys
from itertools import groupby

from autodetect.coreml.interpreter.registry import Known, known

HEAD = ("operation", "MIL reference", "gives", "limits", "rows stay apart", "tested against")
# The others are tested against TensorFlow, many of them against a formula as well.
BY_FORMULA = frozenset(
    {
        "clamped_relu",
        "classify",
        "crop",
        "elu",
        "expand_dims",
        "flatten2d",
        "gather_along_axis",
        "l2_norm",
        "l2_pool",
        "leaky_relu",
        "linear_activation",
        "pad",
        "pixel_shuffle",
        "pixel_unshuffle",
        "prelu",
        "scaled_tanh",
        "sigmoid_hard",
        "slice_by_index",
        "softplus_parametric",
        "squeeze",
        "threshold",
        "clip",
        "thresholded_relu",
    }
)


def tables() -> str:
    """Return one Markdown table per family of operations, each under a heading."""
    entries = sorted(known().values(), key=lambda entry: (entry.builder.__module__, entry.kind))
    families = groupby(entries, key=lambda entry: entry.builder.__module__)
    return "\n\n".join(_table(module, list(family)) for module, family in families) + "\n"


def _table(module: str, family: list[Known]) -> str:
    title = (sys.modules[module].__doc__ or "").strip().partition("\n")[0].rstrip(".")
    rows = [HEAD, ("---",) * len(HEAD), *map(_row, family)]
    return "\n".join([f"### {title}", "", *(f"| {' | '.join(row)} |" for row in rows)])


def _row(entry: Known) -> tuple[str, ...]:
    gives, limits = _parts(inspect.getdoc(entry.builder) or "")
    against = "formula in NumPy" if entry.kind in BY_FORMULA else "TensorFlow"
    cells = (gives, limits, _apart(entry), against)
    return (f"`{entry.kind}`", f"`{entry.reference}`", *(cell.translate(_ESCAPED) for cell in cells))


def _parts(text: str) -> tuple[str, str]:
    """Return what an operation gives, and its limits, as its docstring says them."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    limits = [paragraph.removeprefix("Limits: ") for paragraph in paragraphs if paragraph.startswith("Limits: ")]
    return " ".join(paragraph for paragraph in paragraphs if not paragraph.startswith("Limits: ")), " ".join(limits)


def _apart(entry: Known) -> str:
    """Return when rows stay apart, as the docstring of the condition says it, without its first word."""
    said = " ".join((inspect.getdoc(entry.rows_apart) or "Apart always.").split())
    return said.partition(" ")[2].rstrip(".")


_ESCAPED = str.maketrans({"|": "\\|", "*": "\\*", "<": "\\<"})
