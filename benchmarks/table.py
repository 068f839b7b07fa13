"""One benchmark's result: what was measured, beside what, with which spread, on which versions."""

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Literal

Role = Literal["ours", "peer", "limit"]
COLUMNS = ("what", "role", "median", "min to max", "ours / this")


@dataclass(frozen=True)
class Row:
    """One case: `seconds` holds one figure per repeat."""

    what: str
    role: Role
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Return the middle figure, seconds."""
        return median(self.seconds)


@dataclass(frozen=True)
class Table:
    """What a benchmark found.

    Attributes:
        name: the module, as in `python -m benchmarks.<name>`.
        claim: one sentence that the figures bear out or not.
        rows: exactly one of role `ours`, and what it is measured beside.
        goal_s: the claim's bound on our median, seconds; None where the claim is a ratio or only told.
        notes: what a reader must know to judge the figures.
        packages: names whose versions the figures depend on.
    """

    name: str
    claim: str
    rows: Sequence[Row]
    goal_s: float | None = None
    notes: Sequence[str] = ()
    packages: Sequence[str] = ()

    @property
    def ours(self) -> Row:
        """Return our own row."""
        (row,) = [row for row in self.rows if row.role == "ours"]
        return row

    @property
    def verdict(self) -> str:
        """Return goal against time in words; empty without a goal."""
        if self.goal_s is None:
            return ""
        ratio = self.goal_s / self.ours.median
        word = "kept" if ratio >= 1 else "NOT kept"
        return f"goal {_time(self.goal_s)}, ours {_time(self.ours.median)}: goal / ours = {ratio:.2f}, {word}"

    def as_text(self) -> str:
        """Return the table for a terminal."""
        lines = list(self._cells())
        widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS))]
        shown = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
        return "\n".join([self.claim, "", *(line.rstrip() for line in shown), "", *self._remarks()])

    def as_markdown(self) -> str:
        """Return the table as a section of a Markdown page."""
        head, *body = (f"| {' | '.join(line)} |" for line in self._cells())
        remarks = [f"- {remark}" for remark in self._remarks()]
        return "\n".join(
            [f"## {self.name}", "", self.claim, "", head, "| --- " * len(COLUMNS) + "|", *body, "", *remarks]
        )

    def _cells(self) -> Iterator[tuple[str, ...]]:
        yield COLUMNS
        for row in self.rows:
            spread = f"{_time(min(row.seconds))} to {_time(max(row.seconds))}"
            ratio = "1" if row.role == "ours" else f"{self.ours.median / row.median:.2f}"
            yield row.what, row.role, _time(row.median), spread, ratio

    def _remarks(self) -> Iterator[str]:
        if self.verdict:
            yield self.verdict
        yield f"{len(self.ours.seconds)} repeats, taken in turns"
        yield from self.notes
        if self.packages:
            yield "versions: " + ", ".join(f"{name} {version(name)}" for name in self.packages)


def machine() -> str:
    """Return what the figures were taken on, with how busy it was: other work widens the spread."""
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores ({_processor()}), {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, load average {load:.1f} at the end"
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
