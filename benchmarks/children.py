"""Runs a module of this package in a fresh process: a reactor starts once, and peak memory is a process's own."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def answer_of(module: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `python -m benchmarks.<module>` answers to a request (JSON on stdin and stdout).

    Raises:
        RuntimeError: it failed; its complaints are the message.
    """
    child = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    if child.returncode:
        raise RuntimeError(f"benchmarks.{module} failed:\n{child.stderr}")
    answer: dict[str, Any] = json.loads(child.stdout)
    return answer
