"""Prefect servers of our own, on 127.0.0.1, for runs that talk to one; they end with the test that wanted them."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from flows.private_server import ENVIRONMENT

ROOT = Path(__file__).parents[2]
START_DEADLINE_S = 180


@contextlib.contextmanager
def full_server(home: Path) -> Iterator[str]:
    """Run `prefect server start`, all its services included; yields the address of its API."""
    port = _free_port()
    command = ["prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui"]
    with _running(command, port, home, {"PREFECT_SERVER_ANALYTICS_ENABLED": "false"}) as url:
        yield url


@contextlib.contextmanager
def bare_server(home: Path) -> Iterator[str]:
    """Run what every run without a server starts for itself; yields the address of its API."""
    port = _free_port()
    command = ["flows.private_server", str(port), str(os.getpid())]
    with _running(command, port, home, ENVIRONMENT) as url:
        yield url


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def _running(command: list[str], port: int, home: Path, variables: dict[str, str]) -> Iterator[str]:
    home.mkdir(exist_ok=True)
    log = home / "server.log"
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    with log.open("wb") as written:
        server = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env={**outside, "PREFECT_HOME": str(home), **variables},
            stdout=written,
            stderr=written,
            process_group=0,
        )
        try:
            url = f"http://127.0.0.1:{port}/api"
            if not _answers(server, url):
                raise AssertionError(f"the Prefect server does not start: {log.read_text('utf-8')[-3000:]}")
            yield url
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            server.wait(60)


def _answers(server: "subprocess.Popen[bytes]", url: str) -> bool:
    end = time.monotonic() + START_DEADLINE_S
    while server.poll() is None and time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/health", timeout=5).is_success:
                return True
        time.sleep(0.2)
    return False
