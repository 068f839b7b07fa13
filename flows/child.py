"""A stage's own process: `python -m flows.child`, request on stdin, answer on stdout, progress on stderr.

The request comes by stdin, not by a file or an argument: settings may hold secrets. The child rewinds the tables it
owns to the last receipt, runs the stage, syncs what it wrote, checks the fence and commits the receipt. Whatever kills
it before that line leaves a night that runs again as if it had not been started.
"""

import inspect
import logging
import os
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from autodetect.errors import AutoDetectError, LeaseHeldError
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.lease import Fence
from autodetect.lake.schemas import TABLES
from autodetect.records import Receipt, StageRun
from autodetect.settings import Settings
from crawlers.parent import exit_with_parent
from flows.stages import BY_NAME

MAXRSS_PER_MB = 1024 if sys.platform == "linux" else 1024 * 1024  # getrusage(2): kilobytes on Linux, bytes on macOS
OUR_PACKAGES = ("autodetect", "crawlers")
LEVEL_MARK = "\x1f"  # tells our own log lines from what native libraries print


class ChildRequest(BaseModel):
    """What the parent asks for. `arguments` are folders by the names of the stage's keyword parameters."""

    stage: str
    settings: dict[str, Any]
    run: StageRun
    expectation: dict[str, Any]
    arguments: dict[str, Path]
    token: int
    parent: int


class ChildAnswer(BaseModel):
    """The receipt, or the error that a person is told."""

    receipt: Receipt | None = None
    error: str = ""
    what: str = ""
    remedy: str = ""


def main() -> int:
    """Serve one request; the exit code is that of the error, if any."""
    request = ChildRequest.model_validate_json(sys.stdin.buffer.read())
    exit_with_parent(request.parent)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print to stdout is progress, not the answer
    _log_to_stderr()
    try:
        answer, code = ChildAnswer(receipt=perform(request)), 0
    except AutoDetectError as error:
        answer = ChildAnswer(error=type(error).__name__, what=error.what, remedy=error.remedy)
        code = error.exit_code
    answers.write(answer.model_dump_json())
    answers.close()
    return code


def perform(request: ChildRequest) -> Receipt:
    """Run the stage and commit its receipt."""
    stage = BY_NAME[request.stage]
    settings = Settings(**request.settings)
    lake = open_lake(settings)
    fence = Fence(lake.objects, request.token)
    fence.check()
    baseline = lake.receipts.baseline(request.run.night, stage.name)
    for name in stage.owns:
        lake.tables.rewind(TABLES[name], baseline[name])
    start = {name: lake.tables.version(table) for name, table in TABLES.items()}

    started = time.monotonic()
    function = stage.load()
    wanted = inspect.signature(function).parameters
    offered: dict[str, Any] = {**request.arguments, "fence": fence}
    receipt = function(settings, lake, request.run, **{name: offered[name] for name in wanted if name in offered})
    receipt = receipt.model_copy(
        update={
            **request.expectation,
            "run": {
                **receipt.run,
                "seconds": round(time.monotonic() - started, 3),
                "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MAXRSS_PER_MB, 1),
            },
        }
    )
    for name, version in receipt.versions.items():
        if version - start[name] > 1:  # a stage writes a table once, in one commit
            raise LeaseHeldError(f"another process wrote {name} meanwhile", "look for a second run; then run again")
    _commit(lake, receipt, baseline, fence)
    return receipt


def _commit(lake: Lake, receipt: Receipt, baseline: dict[str, int], fence: Fence) -> None:
    for name in receipt.versions:
        lake.tables.sync(TABLES[name], since=baseline[name])
    fence.check()
    lake.receipts.commit(receipt, datetime.now(UTC))


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"%(levelname)s{LEVEL_MARK}%(message)s"))
    handler.addFilter(_worth_telling)
    logging.basicConfig(handlers=[handler], level=logging.INFO)


def _worth_telling(record: logging.LogRecord) -> bool:
    """Let our own progress through, and of libraries what is at least a warning (they set their levels as they like).

    coremltools must fail to be heard: it warns of versions that `tests/coreml` shows to work, and of a library that
    exists on a Mac only.
    """
    room = record.name.partition(".")[0]
    if room in OUR_PACKAGES:
        return record.levelno >= logging.INFO
    return record.levelno >= (logging.ERROR if room == "coremltools" else logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
