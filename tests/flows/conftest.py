"""A small marketplace, and the program run as a person runs it."""

from pathlib import Path

import pytest

from crawlers.sandbox.making.generate import generate
from tests.flows.program import Program


@pytest.fixture(scope="session")
def marketplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five models of twenty vehicles over three nights, two of them new on the second: small, but it has classes."""
    folder = tmp_path_factory.mktemp("sandbox") / "marketplace"
    generate(folder, seed=3, models=5, vehicles=20, nights=3)
    return folder


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One Prefect home for all runs: migrating a fresh database takes longer than a night's stages."""
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture
def program(tmp_path: Path, marketplace: Path, prefect_home: Path) -> Program:
    """The program in a folder of its own, over the small marketplace."""
    return Program(tmp_path, marketplace, prefect_home)
