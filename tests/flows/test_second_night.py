"""The night after the first, against a real Prefect server: it learns what is new, and the server shows its runs.

The deployment of `deployments/prefect.yaml` then runs on a worker, and finds the night done.
"""

import json
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from tests.flows.prefect_servers import ROOT, full_server
from tests.flows.program import NIGHTS, TOLD, Ended, Program

pytestmark = [pytest.mark.night, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API address of a Prefect server that has seen no other run."""
    with full_server(tmp_path_factory.mktemp("prefect")) as url:
        yield url


@pytest.fixture(scope="module")
def second(first_night: Program, tmp_path_factory: pytest.TempPathFactory, api: str) -> tuple[Program, Ended]:
    """The program after the second night, and what that said."""
    program = first_night.copied_to(tmp_path_factory.mktemp("second"), api)
    said = program.run("nightly", "--night", NIGHTS[1], "--json")
    assert said.code == 0, said.err[-3000:]
    return program, said


def test_second_night_learns_only_what_is_new(second: tuple[Program, Ended], first_night: Program) -> None:
    first = json.loads((first_night.folder / TOLD).read_text("utf-8"))["figures"]
    figures = second[1].json()["figures"]
    assert figures["crawl"]["counts"]["listings_new"] > 0
    assert figures["crawl"]["counts"]["listings_new"] < first["crawl"]["counts"]["listings_new"]
    assert figures["crawl"]["counts"]["sales_new"] == 0
    assert figures["curate"]["counts"]["photos_new"] < first["curate"]["counts"]["photos_new"]
    assert figures["curate"]["counts"]["listings_missing"] > 0
    assert figures["curate"]["counts"]["listings_ended"] == 0  # a listing must have been missing for two nights
    assert figures["curate"]["counts"]["embeddings_new"] <= figures["curate"]["counts"]["photos_new"]


def test_same_night_again_has_nothing_to_do(second: tuple[Program, Ended]) -> None:
    program, _ = second
    before = program.digests()
    again = program.run("nightly", "--night", NIGHTS[1], "--json")
    assert again.code == 0
    assert again.json()["verdict"] == "skipped"
    earlier = program.run("nightly", "--night", NIGHTS[0], "--json")
    assert earlier.json()["verdict"] == "skipped"
    assert program.digests() == before


def test_the_server_shows_runs_and_artifacts(second: tuple[Program, Ended], api: str) -> None:
    verdict = second[1].json()["verdict"]
    runs = httpx.post(f"{api}/flow_runs/filter", json={"sort": "START_TIME_ASC", "limit": 50}).json()
    names = {run["name"]: run["state_name"] for run in reversed(runs)}  # of runs with one name, the first
    assert names[f"nightly-{NIGHTS[1]}"] == verdict.capitalize()
    stages = ("crawl", "curate", "train", "export", "price", "publish", "report")
    assert {f"{stage}-{NIGHTS[1]}" for stage in stages} <= set(names)
    artifacts = httpx.post(f"{api}/artifacts/filter", json={"limit": 50}).json()
    keys = {artifact["key"] for artifact in artifacts}
    assert {"night", "receipt-crawl", "receipt-train", "receipt-publish"} <= keys


def test_the_deployment_runs_on_a_worker(second: tuple[Program, Ended], api: str) -> None:
    program, _ = second
    environment = {**program.environment, "AUTODETECT_HOME": str(program.folder), "PYTHONPATH": str(ROOT)}
    del environment["AUTODETECT_SANDBOX__MARKETPLACE"]
    options = f'{{"night": "{NIGHTS[1]}", "marketplace": "{program.marketplace}"}}'

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
