"""A benchmark's result that is no table of times: lines of named figures, as text and as a section of a page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version


@dataclass(frozen=True)
class Grid:
    """What a benchmark found.

    Attributes:
        name: the module, as in `python -m benchmarks.<name>`.
        claim: one sentence that the figures bear out or not.
        columns: their heads.
        lines: the cells, one for every column.
        notes: the verdict first, then what a reader must know to judge the figures.
        packages: names whose versions the figures depend on.
    """

    name: str
    claim: str
    columns: Sequence[str]
    lines: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    packages: Sequence[str] = ()

    def as_text(self) -> str:
        """Return the grid for a terminal."""
        lines = [self.columns, *self.lines]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        shown = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
        return "\n".join([self.claim, "", *(line.rstrip() for line in shown), "", *self._remarks()])

    def as_markdown(self) -> str:
        """Return the grid as a section of a Markdown page."""
        head, *body = (f"| {' | '.join(line)} |" for line in [self.columns, *self.lines])
        remarks = [f"- {remark}" for remark in self._remarks()]
        rule = "| --- " * len(self.columns) + "|"
        return "\n".join([f"## {self.name}", "", self.claim, "", head, rule, *body, "", *remarks])

    def _remarks(self) -> Iterator[str]:
        yield from self.notes
        if self.packages:
            yield "versions: " + ", ".join(f"{name} {version(name)}" for name in self.packages)
