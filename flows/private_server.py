"""A Prefect server for the time of one run, when none is configured.

Prefect can start one by itself, but that one outlives a run that is killed, and goes on forever. Ours ends with the
process that wanted it, however that one ends.
"""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

from autodetect.errors import StageFailedError
from autodetect.release.keys import KEY_VARIABLE
from crawlers.parent import exit_with_parent

START_DEADLINE_S = 180.0  # a fresh database takes some 20 s of migrations, more on a busy machine
STOP_GRACE_S = 10.0
FLUSH_S = 5.0
# What Prefect sets for its own temporary server: no user interface, no services that only a lasting server needs.
ENVIRONMENT = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}


@contextlib.contextmanager
def prefect_api() -> Iterator[None]:
    """Let flows reach an API: the configured one (`PREFECT_API_URL`, a profile), else a private server's.

    The private server's address stays in the environment: this is for a process whose whole work the run is.

    Raises:
        StageFailedError: the private server does not start.
    """
    from prefect.context import refresh_global_settings_context
    from prefect.settings import PREFECT_API_URL

    if PREFECT_API_URL.value():
        yield
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "flows.private_server", str(port), str(os.getpid())],
        env={name: value for name, value in os.environ.items() if name != KEY_VARIABLE} | ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        process_group=0,  # Ctrl-C must reach the run, which still has something to tell the server
    )
    url = f"http://127.0.0.1:{port}/api"
    try:
        _wait_until_healthy(child, url)
        # Not Prefect's temporary_settings: its background threads would not see them, and start a server of their own.
        os.environ["PREFECT_API_URL"] = url
        refresh_global_settings_context()
        logging.getLogger("prefect.flow_runs").addFilter(_no_links)
        yield
    finally:
        _send_what_is_queued()
        _stop(child)


def _send_what_is_queued() -> None:
    """Let Prefect's background senders finish: once the server is gone they would only complain."""
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=FLUSH_S)


def _no_links(record: logging.LogRecord) -> bool:
    """Drop links into the user interface: a private server has none."""
    return not record.getMessage().startswith("View at ")


def _wait_until_healthy(child: subprocess.Popen[bytes], url: str) -> None:
    import httpx

    end = time.monotonic() + START_DEADLINE_S
    while child.poll() is None and time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/health", timeout=5).is_success:
                return
        time.sleep(0.1)
    raise StageFailedError(
        f"the private Prefect server did not start (exit code {child.poll()})",
        "look at its output above; or start a server and set PREFECT_API_URL",
    )


def _stop(child: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if child.poll() is None:
            child.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(STOP_GRACE_S)


def main() -> None:
    """Serve Prefect's API on the port given, until the parent given is gone."""
    port, parent = (int(argument) for argument in sys.argv[1:3])
    exit_with_parent(parent)
    import uvicorn

    uvicorn.run(
        "prefect.server.api.server:create_app",
        factory=True,
        host="127.0.0.1",
        port=port,
        log_level="error",
        lifespan="on",
    )


if __name__ == "__main__":
    main()
