"""A night against a real Prefect server: runs and artifacts are there, and the deployment runs on a worker."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.flows.program import Program

pytestmark = [pytest.mark.night, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]
NIGHT = "2026-10-05"  # of no other test: they share the database, and runs that were killed stay in it


@pytest.fixture
def api(prefect_home: Path, tmp_path: Path) -> Iterator[str]:
    """The API address of a Prefect server of our own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (tmp_path / "server.log").open("wb")
    server = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui"],
        env={**os.environ, "PREFECT_HOME": str(prefect_home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"},
        stdout=log,
        stderr=log,
        process_group=0,
    )
    url = f"http://127.0.0.1:{port}/api"
    try:
        for _ in range(240):
            try:
                if httpx.get(f"{url}/health", timeout=2).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.5)
        else:
            pytest.fail((tmp_path / "server.log").read_text("utf-8")[-3000:])
        yield url
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)
        log.close()


def test_night_against_a_server_and_as_a_deployment(program: Program, api: str) -> None:
    program.variables = {"PREFECT_API_URL": api}
    night = program.run("nightly", "--night", NIGHT, "--json")
    assert night.code == 0, night.err[-3000:]

    runs = httpx.post(f"{api}/flow_runs/filter", json={"sort": "START_TIME_DESC", "limit": 50}).json()
    names = {run["name"]: run["state_name"] for run in runs}
    assert names[f"nightly-{NIGHT}"] == "Published"
    stages = ("crawl", "curate", "train", "export", "price", "publish", "report")
    assert {f"{stage}-{NIGHT}" for stage in stages} <= set(names)
    artifacts = httpx.post(f"{api}/artifacts/filter", json={"limit": 50}).json()
    keys = {artifact["key"] for artifact in artifacts}
    assert {"night", "receipt-crawl", "receipt-train", "receipt-publish"} <= keys

    environment = {**program.environment, "AUTODETECT_HOME": str(program.folder), "PYTHONPATH": str(ROOT)}
    del environment["AUTODETECT_SANDBOX__MARKETPLACE"]
    options = f'{{"night": "{NIGHT}", "marketplace": "{program.marketplace}"}}'

    def prefect(*arguments: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
            cwd=ROOT,
            env=environment,
            check=True,
            timeout=300,
            stdout=subprocess.DEVNULL,
        )

    prefect("work-pool", "create", "autodetect", "--type", "process")
    prefect("deploy", "--all", "--prefect-file", "deployments/prefect.yaml")
    prefect("deployment", "run", "nightly/nightly", "--param", f"options={options}")
    prefect("worker", "start", "--pool", "autodetect", "--run-once")
    deployed = httpx.post(
        f"{api}/flow_runs/filter",
        json={"flow_runs": {"deployment_id": {"is_null_": False}}, "sort": "START_TIME_DESC", "limit": 50},
    ).json()
    assert [run["state_name"] for run in deployed if run["state_type"] != "SCHEDULED"] == ["Skipped"]
