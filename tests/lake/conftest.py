"""A fresh lake, and the receipts that tests put into it."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from autodetect.lake.lake import Lake, open_lake
from autodetect.records import Receipt
from autodetect.settings import Settings


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty sandbox lake in a folder."""
    return open_lake(Settings(lake=str(tmp_path / "lake")), create=True)


def _receipt(day: int, stage: str, **fields: Any) -> Receipt:
    return Receipt(**{"night": date(2026, 11, day), "stage": stage, "run_id": "run", **fields})


@pytest.fixture(scope="session")
def make_receipt() -> Callable[..., Receipt]:
    """Makes a receipt of a stage on a night of November: `make_receipt(day, stage, **fields)`."""
    return _receipt
