"""How commands speak: results on stdout, as text or as JSON; progress and logs on stderr."""

import contextlib
import json
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Annotated, Any

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
LakeOption = Annotated[
    str | None, typer.Option("--lake", metavar="URL", help="Folder or s3://bucket/prefix of the lake.")
]
StoreOption = Annotated[
    str | None, typer.Option("--store", metavar="URL", help="Folder or s3://bucket/prefix of the releases.")
]


def show(value: Any, text: str, *, as_json: bool) -> None:
    """Print a result: `value` (a JSON-able thing) or `text`."""
    print(json.dumps(value, indent=2, default=str, ensure_ascii=False) if as_json else text)


def aligned(rows: Iterable[Sequence[str]], numbers: Collection[int] = ()) -> list[str]:
    """Return rows of equally many cells as lines of aligned columns; those of `numbers` end at one place."""
    found = list(rows)
    widths = [max(map(len, column)) for column in zip(*found, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place in numbers else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in found
    ]


@contextlib.contextmanager
def telling_interrupts() -> Iterator[None]:
    """Say what an interrupted run leaves behind, and exit 130."""
    try:
        yield
    except KeyboardInterrupt:
        print("autodetect: interrupted; the next run goes on from here", file=sys.stderr)
        sys.exit(130)


@contextlib.contextmanager
def native_silence() -> Iterator[None]:
    """Keep from a person what native libraries write to stderr while they are loaded (notes on the CPU)."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def quiet_prefect() -> None:
    """Let Prefect's console speak like a person: time and message, on stderr, without its own chatter.

    Called before Prefect is imported; whatever the environment already says stays.
    """
    for logger in ("FLOW_RUN", "TASK_RUN"):
        os.environ.setdefault(f"PREFECT_LOGGING_FORMATTERS_STANDARD_{logger}_FMT", "%(asctime)s  %(message)s")
    os.environ.setdefault("PREFECT_LOGGING_FORMATTERS_STANDARD_DATEFMT", "%H:%M:%S")
    os.environ.setdefault("PREFECT_LOGGING_COLORS", str(sys.stderr.isatty()).lower())
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "INFO")
