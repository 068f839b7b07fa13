"""The sandbox as a process: it announces itself, dies with its parent, and says plainly why it cannot start."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from autodetect.errors import UsageError
from crawlers.sandbox.process import sandbox_process

ROOT = Path(__file__).parents[3]


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/robots.txt", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def gone_within(url: str, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not answers(url):
            return True
        time.sleep(0.05)
    return False


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "crawlers.sandbox", str(folder), *options]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - a background shell ignores it
    )


def test_the_server_lives_as_long_as_the_context(tiny: Path) -> None:
    with sandbox_process(tiny, 1) as url:
        assert answers(url)
    assert not answers(url)


def test_the_server_is_stopped_when_the_body_fails(tiny: Path) -> None:
    with pytest.raises(RuntimeError) as failure, sandbox_process(tiny, 1) as url:
        raise RuntimeError(url)
    assert not answers(str(failure.value))


def test_a_relative_folder_is_found(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny.parent)
    with sandbox_process(Path(tiny.name), 1) as url:
        assert answers(url)


def test_one_line_announces_address_night_and_listings(tiny: Path) -> None:
    server = start(tiny, "--night-index", "2")
    assert server.stdout is not None
    ready = json.loads(server.stdout.readline())
    assert answers(ready["sandbox"])
    assert (ready["night_index"], ready["listings"]) == (2, 6)
    server.terminate()
    rest, complaints = server.communicate(timeout=10)
    assert (rest, complaints) == ("", "")


def test_an_interrupt_ends_it_quietly(tiny: Path) -> None:
    server = start(tiny)
    assert server.stdout is not None
    server.stdout.readline()
    server.send_signal(signal.SIGINT)
    _, complaints = server.communicate(timeout=10)
    assert "Traceback" not in complaints


@pytest.mark.parametrize("options", [(), ("--night-index", "0")])
def test_wrong_usage_is_told_without_a_traceback(tmp_path: Path, tiny: Path, options: tuple[str, ...]) -> None:
    server = start(tiny if options else tmp_path / "nowhere", *options)
    said, complaints = server.communicate(timeout=60)
    assert server.returncode == 2
    assert said == ""
    assert "  -> " in complaints
    assert "Traceback" not in complaints


def test_a_refusal_reaches_the_parent_with_both_halves(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder") as refusal, sandbox_process(tmp_path / "nowhere", 1):
        pytest.fail("it started")
    assert "autodetect sandbox generate" in refusal.value.remedy


def test_a_taken_port_is_told(tiny: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(UsageError, match="cannot listen"), sandbox_process(tiny, 1, options=("--port", port)):
            pytest.fail("it started")


def test_the_server_dies_with_its_killed_parent(tiny: Path) -> None:
    code = (
        "import sys, pathlib, time; from crawlers.sandbox.process import sandbox_process\n"
        "with sandbox_process(pathlib.Path(sys.argv[1]), 1) as url:\n"
        "    print(url, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tiny)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    url = parent.stdout.readline().strip()
    assert answers(url)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert gone_within(url, 5)


def test_the_server_outlives_the_thread_that_started_it(tiny: Path) -> None:
    """The kernel's parent-death signal comes for threads too; only the parent process's end may count."""
    code = (
        "import sys, pathlib, threading, time; from crawlers.sandbox.process import sandbox_process\n"
        "context = sandbox_process(pathlib.Path(sys.argv[1]), 1)\n"
        "thread = threading.Thread(target=lambda: print(context.__enter__(), flush=True))\n"
        "thread.start(); thread.join()\n"
        "time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tiny)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    url = parent.stdout.readline().strip()
    assert not gone_within(url, 1)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert gone_within(url, 5)


def test_a_stranger_as_parent_ends_it_at_once(tiny: Path) -> None:
    server = start(tiny, "--with-parent", "1")
    server.communicate(timeout=60)
    assert server.returncode == 1
