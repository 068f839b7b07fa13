"""A small marketplace, the program run as a person runs it, and a first night that many tests go on from."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawlers.sandbox.making.generate import generate
from tests.flows.made_once import made_once
from tests.flows.prefect_servers import bare_server
from tests.flows.program import NIGHTS, TOLD, Program


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test run see."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def marketplace(shared: Path) -> Path:
    """Five models of twenty vehicles over three nights, two of them new on the second: small, but it has classes."""
    return made_once(shared / "marketplace", lambda folder: generate(folder, seed=3, models=5, vehicles=20, nights=3))


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One Prefect home for all runs: migrating a fresh database takes longer than a night's stages."""
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture
def program(tmp_path: Path, marketplace: Path, prefect_home: Path) -> Program:
    """The program in a folder of its own, over the small marketplace; every run starts a private Prefect server."""
    return Program(tmp_path, marketplace, prefect_home)


@pytest.fixture(scope="session")
def lasting_api(prefect_home: Path) -> Iterator[str]:
    """The address of one Prefect server for all runs that need none of their own: starting one takes seconds."""
    with bare_server(prefect_home) as url:
        yield url


@pytest.fixture
def served(program: Program, lasting_api: str) -> Program:
    """The program, whose runs talk to the lasting server."""
    program.api = lasting_api
    return program


@pytest.fixture(scope="session")
def first_night(shared: Path, marketplace: Path, prefect_home: Path) -> Program:
    """The program after one undisturbed night; what it wrote is only read, and `copied_to` where a test goes on."""

    def run_it(folder: Path) -> None:
        folder.mkdir()
        night = Program(folder, marketplace, prefect_home).run("nightly", "--night", NIGHTS[0], "--json")
        assert night.code == 0, night.err[-3000:]
        assert night.json()["verdict"] == "published"
        (folder / TOLD).write_text(night.out, "utf-8")

    return Program(made_once(shared / "first-night", run_it), marketplace, prefect_home)
