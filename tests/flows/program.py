"""Runs `autodetect` in a child process, as a person would, and reads what it left."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

# A background shell hands SIGINT down ignored; a person's terminal does not.
ENTRY = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from flows.cli import main; main()"
NIGHT_DEADLINE_S = 400
NIGHTS = ("2026-11-01", "2026-11-02")
TOLD = "told.json"  # beside a recorded night: what it printed
TWO_VARIANTS = '["fp16", "palette6"]'


@dataclass
class Ended:
    """A finished run."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """What it printed with --json."""
        return json.loads(self.out)


@dataclass
class Program:
    """`autodetect` with a folder to run in; lake, store and work lie below it.

    The backbone is a tiny one unless a test asks for the real one: what is on trial is mostly the machinery around it.
    Only the real one is exported in two variants. Runs start a private Prefect server unless the address of an `api` is
    given.
    """

    folder: Path
    marketplace: Path
    prefect_home: Path
    variables: dict[str, str] = field(default_factory=dict)
    architecture: str = "tiny"
    api: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """Everything a run sees: nothing of ours from outside, small training, random weights."""
        outside = {
            name: value for name, value in os.environ.items() if not name.startswith(("AUTODETECT_", "PREFECT_"))
        }
        return outside | {
            "PREFECT_HOME": str(self.prefect_home),
            "AUTODETECT_BACKBONE__WEIGHTS": "random",
            "AUTODETECT_BACKBONE__ARCHITECTURE": self.architecture,
            "AUTODETECT_BACKBONE__INPUT_SIZE": "96",
            "AUTODETECT_CLASSIFIER__EPOCHS": "20",
            # The night's machinery is on trial here, not what random weights make of a dozen test vehicles.
            "AUTODETECT_CLASSIFIER__MIN_LIFT_OVER_CHANCE": "0",
            "AUTODETECT_COREML__VARIANTS": '["fp16"]' if self.architecture == "tiny" else TWO_VARIANTS,
            "AUTODETECT_COREML__PARITY_PHOTOS": "32",
            "AUTODETECT_SANDBOX__MARKETPLACE": str(self.marketplace),
            **({"PREFECT_API_URL": self.api} if self.api else {}),
            **self.variables,
        }

    def copied_to(self, folder: Path, api: str | None = None) -> "Program":
        """Return the program over a copy of this one's lake, releases and keys."""
        shutil.copytree(self.folder / "var", folder / "var", ignore=shutil.ignore_patterns("work"))
        return replace(self, folder=folder, api=self.api if api is None else api, variables=dict(self.variables))

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a run without waiting for it."""
        return subprocess.Popen(
            [sys.executable, "-c", ENTRY, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def run(self, *arguments: str, deadline_s: float = NIGHT_DEADLINE_S) -> Ended:
        """Run to the end."""
        child = self.start(*arguments)
        try:
            out, err = child.communicate(timeout=deadline_s)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            raise
        return Ended(child.returncode, out, err)

    def at_terminal(self, typed: bytes, prompt: str, *arguments: str) -> Ended:
        """Run at a terminal and type something at the prompt; `out` is all that the terminal shows."""
        screen, line = os.openpty()
        child = subprocess.Popen(
            [sys.executable, "-c", ENTRY, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=line,
            stdout=line,
            stderr=line,
            process_group=0,
        )
        os.close(line)
        shown = b""
        while more := _read(screen):
            asked_before = prompt.encode() in shown
            shown += more
            if prompt.encode() in shown and not asked_before:
                os.write(screen, typed)
        os.close(screen)
        return Ended(child.wait(60), shown.decode(), "")

    def signal_when(self, seen: Callable[[str], bool], *arguments: str, number: int = signal.SIGKILL) -> Ended:
        """Start a run and send it a signal (the program alone, not its children) when a line of its log is `seen`.

        Returns:
            How it ended, with its whole log; fails when it ends before.
        """
        child = self.start(*arguments)
        assert child.stderr is not None
        assert child.stdout is not None
        threading.Thread(target=child.stdout.read, daemon=True).start()
        log: list[str] = []
        for line in child.stderr:
            log.append(line)
            if seen(line):
                os.kill(child.pid, number)
                log += child.stderr.readlines() if number != signal.SIGKILL else []
                return Ended(child.wait(60), "", "".join(log))
        child.wait(60)
        raise AssertionError("the run ended before the moment to kill it:\n" + "".join(log)[-3000:])

    def digests(self) -> dict[str, str]:
        """The canonical digests of all tables, as `autodetect lake check` tells them."""
        checked = self.run("lake", "check", "--json")
        assert checked.code == 0, checked.err
        return {table["name"]: table["digest"] for table in checked.json()["tables"]}

    def release_id(self) -> str:
        """The id of the newest release."""
        history = self.run("release", "list", "--json")
        assert history.code == 0, history.err
        return str(history.json()[-1]["release_id"])


def _read(screen: int) -> bytes:
    """Return what a terminal shows next, nothing once nobody writes to it any more (EIO)."""
    try:
        return os.read(screen, 65_536)
    except OSError:
        return b""
