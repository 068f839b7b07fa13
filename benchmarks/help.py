"""Claim: `autodetect --help` answers in under half a second.

Every command imports what `--help` imports, so this is what a person waits before anything happens at all.
"""

import subprocess
import sys
from pathlib import Path

from benchmarks.rounds import Case, timed
from benchmarks.table import Table

GOAL_S = 0.5
ROUNDS = 11
BIN = Path(sys.executable).parent
TYPER_PROGRAM = """
import typer
app = typer.Typer(rich_markup_mode="rich", add_completion=False)

@app.callback()
def root():
    "A program with two commands."

@app.command()
def one(name: str = "x"):
    "The first command."

@app.command()
def two(name: str = "x"):
    "The second command."

app()
"""


def run() -> Table:
    """Start each program afresh, as a person does, and wait for its end."""
    cases = (
        Case("autodetect --help", "ours", lambda: _start(str(BIN / "autodetect"), "--help")),
        Case("a Typer program of two commands, --help", "peer", lambda: _python(TYPER_PROGRAM, "--help")),
        Case("prefect --help", "peer", lambda: _start(str(BIN / "prefect"), "--help")),
        Case("python -c pass", "limit", lambda: _python("pass")),
    )
    return Table(
        name="help",
        claim="`autodetect --help` answers in under half a second.",
        rows=timed(cases, rounds=ROUNDS),
        goal_s=GOAL_S,
        notes=("wall time from start to exit of a fresh process, byte code compiled, output discarded",),
        packages=("typer", "rich", "pydantic", "prefect"),
    )


def _python(program: str, *arguments: str) -> None:
    _start(sys.executable, "-c", program, *arguments)


def _start(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    print(run().as_text())
