"""Runs a sandbox as a child process in its own process group."""

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autodetect.errors import UsageError

START_DEADLINE_S = 60.0
STOP_GRACE_S = 5.0
_ROOT = Path(__file__).resolve().parents[2]  # where `python -m crawlers.sandbox` finds the packages


@contextmanager
def sandbox_process(folder: Path, night_index: int = 1, *, options: tuple[str, ...] = ()) -> Iterator[str]:
    """A sandbox that serves `folder` as of `night_index` while the context is open.

    Args:
        folder: the marketplace folder.
        night_index: the night, from 1.
        options: further options of `python -m crawlers.sandbox`.

    Yields:
        The base URL, such as `http://127.0.0.1:40123`.

    Raises:
        UsageError: the sandbox refused the folder, or did not answer in time.
    """
    command = [sys.executable, "-m", "crawlers.sandbox", str(folder.absolute()), "--night-index", str(night_index)]
    command += ["--port", "0", "--with-parent", str(os.getpid()), *options]
    with tempfile.TemporaryFile() as complaints:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, stdout=subprocess.PIPE, stderr=complaints, cwd=_ROOT, process_group=0
        )
        try:
            line = _first_line(child, START_DEADLINE_S)
            if not line:
                _stop(child)
                complaints.seek(0)
                raise _refusal(complaints.read().decode(errors="replace").strip(), folder)
            yield str(json.loads(line)["sandbox"])
        finally:
            _stop(child)


def _first_line(child: subprocess.Popen[bytes], deadline_s: float) -> bytes:
    """The child's first line of output; empty when it ended or stayed silent."""
    assert child.stdout is not None
    end, line = time.monotonic() + deadline_s, b""
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not selector.select(max(0.0, end - time.monotonic())):
                return b""
            part = os.read(child.stdout.fileno(), 4096)
            if not part:
                return b""
            line += part
    return line


def _refusal(complaint: str, folder: Path) -> UsageError:
    """The child's own message, or what can be said without one."""
    what, _, remedy = complaint.partition("\n  -> ")
    if not what:
        what = f"the sandbox for {folder} did not start within {START_DEADLINE_S:.0f} s"
    return UsageError(what, remedy or f"try it by hand: python -m crawlers.sandbox {folder}")


def _stop(child: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the whole group, then SIGKILL."""
    assert child.stdout is not None
    child.stdout.close()
    for number in (signal.SIGTERM, signal.SIGKILL):
        if child.poll() is not None:
            return
        os.killpg(child.pid, number)
        try:
            child.wait(STOP_GRACE_S)
        except subprocess.TimeoutExpired:
            continue
