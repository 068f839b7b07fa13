"""Run a stage unless its receipt says that it is done: in a child process, with a deadline that ends in SIGKILL."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any

from autodetect import errors
from autodetect.errors import AutoDetectError, StageFailedError, UsageError
from autodetect.lake.lake import Lake
from autodetect.lake.lease import Fence
from autodetect.lake.receipts import BEGIN
from autodetect.records import Receipt, StageRun, canonical_digest
from autodetect.release.keys import KEY_VARIABLE
from autodetect.settings import Settings
from flows.child import LEVEL_MARK, ChildAnswer, ChildRequest
from flows.stages import BY_NAME, Stage

KEPT_LINES = 40  # of a child's output, for the message when it dies
LEVELS = logging.getLevelNamesMapping()
# Libraries that talk too much or call home.
CHILD_ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "GX_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}

Log = logging.Logger | logging.LoggerAdapter[logging.Logger]


@dataclass(frozen=True)
class NightRun:
    """One execution of a night: everything a stage flow needs.

    `given` are receipts of another run that this one builds on: a fine-tune on the train receipt of a night.
    """

    settings: Settings
    lake: Lake
    fence: Fence
    begin: Receipt
    run_id: str
    given: Mapping[str, Receipt] = field(default_factory=dict)

    def receipts(self) -> dict[str, Receipt]:
        """Return tonight's receipts so far, without those whose inputs have since been made anew."""
        valid = dict(self.given)
        found = self.lake.receipts.of_night(self.begin.night, self.begin.kind)
        for name in (BEGIN, *(name for name in BY_NAME if name not in valid)):
            receipt = found.get(name)
            if receipt and all(name in valid and valid[name].digest == made for name, made in receipt.inputs.items()):
                valid[name] = receipt
        return valid

    @property
    def work(self) -> Path:
        """Return this lake's local scratch folder."""
        return work_folder(self.settings)

    @property
    def report_folder(self) -> Path:
        """Return the folder of tonight's report and Data Docs."""
        return report_folder(self.settings, self.begin.night)


def work_folder(settings: Settings) -> Path:
    """Return the local scratch folder of the lake that the settings name."""
    return Path(settings.work) / canonical_digest(settings.lake)[:12]


def report_folder(settings: Settings, night: date) -> Path:
    """Return the folder of a night's report and Data Docs: in a local lake, else in the scratch folder."""
    home = work_folder(settings) if settings.lake.startswith("s3://") else Path(settings.lake)
    return home / "reports" / night.isoformat()


Prepare = Callable[[NightRun], AbstractContextManager[Mapping[str, Any]]]


@contextlib.contextmanager
def no_preparation(night: NightRun) -> Iterator[Mapping[str, Any]]:  # noqa: ARG001 - the signature of `Prepare`
    """Prepare nothing, override nothing."""
    yield {}


@dataclass(frozen=True)
class Outcome:
    """A stage's receipt, and whether it was there already."""

    receipt: Receipt
    skipped: bool


def run_stage(stage: Stage, night: NightRun, log: Log, prepare: Prepare = no_preparation) -> Outcome:
    """Return the stage's receipt, running it in a child process when there is none for the same inputs.

    Args:
        stage: which stage.
        night: the execution it belongs to.
        log: where the child's progress goes.
        prepare: opened only when the stage really runs; gives dotted settings that hold for the child alone.

    Raises:
        UsageError: a stage before it has not run tonight.
        StageFailedError: the child died or ran past its deadline.
        AutoDetectError: what the stage itself raised.
    """
    book, tonight = night.lake.receipts, night.receipts()
    missing = [name for name in stage.inputs if name not in tonight]
    if missing and not stage.partial_inputs:
        raise UsageError(f"{stage.name} needs tonight's {missing[0]} first", f"run `autodetect {missing[0]}`")
    inputs = {name: tonight[name] for name in stage.inputs if name in tonight}
    expectation = stage.expectation(night.settings, inputs)
    done = tonight.get(stage.name)
    if done and not stage.always and all(getattr(done, name) == value for name, value in expectation.items()):
        log.info("%s: done already, with the same inputs, settings and code", stage.name)
        return Outcome(done, skipped=True)
    for folder in (night.work, night.report_folder):
        folder.mkdir(parents=True, exist_ok=True)
    run = StageRun(
        night=night.begin.night,
        kind=night.begin.kind,
        run_id=night.run_id,
        now=datetime.now(UTC),
        inputs=inputs,
        earlier=book.before(night.begin.night),
    )
    withheld = {} if stage.signs else {"release.key": ""}
    with prepare(night) as overrides:
        request = ChildRequest(
            stage=stage.name,
            settings=night.settings.with_values({**overrides, **withheld}).model_dump(mode="json"),
            run=run,
            expectation=expectation,
            arguments={"work": night.work, "docs": night.report_folder / "data_docs", "folder": night.report_folder},
            token=night.fence.token,
            parent=os.getpid(),
        )
        deadlines = night.settings.deadlines
        return Outcome(_ask_child(request, getattr(deadlines, stage.name), deadlines.grace, log), skipped=False)


def _ask_child(request: ChildRequest, deadline_s: float, grace_s: float, log: Log) -> Receipt:
    """Start the stage's process in its own group, pass its progress on, and return its receipt."""
    child = subprocess.Popen(
        [sys.executable, "-m", "flows.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name != KEY_VARIABLE} | CHILD_ENVIRONMENT,
        process_group=0,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    tail: deque[str] = deque(maxlen=KEPT_LINES)
    reader = threading.Thread(target=_pass_on, args=(child.stderr, log, tail), daemon=True)
    reader.start()
    late = threading.Event()

    def end_late() -> None:
        late.set()
        _end_group(child, grace_s)

    timer = threading.Timer(deadline_s, end_late)
    timer.start()
    try:
        with contextlib.suppress(BrokenPipeError):  # a child that died at once is reported below
            child.stdin.write(request.model_dump_json().encode())
            child.stdin.close()
        answered = child.stdout.read()
        code = child.wait()
    finally:
        timer.cancel()
        _end_group(child, grace_s)
        reader.join(timeout=5)
    if late.is_set():
        raise StageFailedError(
            f"{request.stage} ran past its deadline of {deadline_s:.0f} s and was ended",
            f"raise deadlines.{request.stage}, or look for what it waited for; then run it again",
        )
    if not answered:
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        log.error("the last lines of %s:\n%s", request.stage, "\n".join(tail))
        words = f"{request.stage} ended without an answer ({how}): {tail[-1] if tail else 'it said nothing'}"
        raise StageFailedError(words, "its last lines are in the log above; run the night again to go on from there")
    return _receipt(ChildAnswer.model_validate_json(answered))


def _receipt(answer: ChildAnswer) -> Receipt:
    """Return the answer's receipt, or raise the error that the child met, as its own kind."""
    if answer.receipt is not None:
        return answer.receipt
    kind: type[AutoDetectError] = getattr(errors, answer.error, StageFailedError)
    raise kind(answer.what, answer.remedy)


def _pass_on(stream: IO[bytes], log: Log, tail: deque[str]) -> None:
    """Log a child's lines: its own at their level, what libraries print at DEBUG."""
    for raw in stream:
        line = raw.decode(errors="replace").rstrip()
        level, mark, message = line.partition(LEVEL_MARK)
        tail.append(message if mark else line)
        log.log(LEVELS.get(level, logging.INFO) if mark else logging.DEBUG, "%s", message if mark else line)


def _end_group(child: subprocess.Popen[bytes], grace_s: float) -> None:
    """End the child and everything it started: SIGTERM, then SIGKILL after `grace_s`."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if child.poll() is not None:
            break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(grace_s)
