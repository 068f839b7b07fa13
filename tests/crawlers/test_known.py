"""What a new ledger is told of earlier nights: all of it or nothing, and once."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.schemas import SIGHTINGS, SLICES, Table
from autodetect.lake.tables import TableSet
from autodetect.records import Receipt, Sighting, StageRun
from autodetect.settings import Settings
from crawlers.harvest import batches_of, concatenated, sighting_row
from crawlers.known import remember
from crawlers.ledger import SALES_READ_TO, Ledger

NIGHT, BEFORE = date(2026, 11, 2), date(2026, 11, 1)
IDENTITY = {"night": NIGHT.isoformat()}


class KilledError(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake with one listing and one sale."""
    lake = open_lake(Settings().with_values({"lake": str(tmp_path / "lake")}), create=True)
    found = [
        Sighting(source="sandbox", item_id="1", kind="asking", observed_on=BEFORE),
        Sighting(source="sandbox", item_id="2", kind="sold", observed_on=BEFORE),
    ]
    lake.tables.upsert(SIGHTINGS, concatenated(batches_of(SIGHTINGS, (sighting_row(one, BEFORE) for one in found))))
    return lake


@pytest.fixture
def run(lake: Lake) -> StageRun:
    """The night after."""
    crawl = Receipt(
        night=BEFORE,
        stage="crawl",
        run_id="run",
        versions={SIGHTINGS.name: lake.tables.version(SIGHTINGS)},
        facts={"sales_read_to": "2026-10-30"},
    )
    return StageRun(night=NIGHT, run_id="run", now=datetime(2026, 11, 2, tzinfo=UTC), earlier={"crawl": crawl})


def told(folder: Path, lake: Lake, run: StageRun) -> tuple[int, int, str]:
    """Open tonight's ledger and remember; return how many listings and sales it knows, and until when all sales."""
    with Ledger(folder, NIGHT, IDENTITY) as ledger:
        remember(ledger, lake, run, "sandbox", max_photos=12, max_tries=3)
        listings, sales = (ledger.value(f"SELECT count(*) FROM known_{name}") for name in ("listings", "sales"))
        return listings, sales, ledger.noted(SALES_READ_TO)


def test_a_kill_while_it_is_told_leaves_nothing_that_looks_like_all(
    tmp_path: Path, lake: Lake, run: StageRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = TableSet.read

    def killed(tables: TableSet, table: Table, **options: Any) -> pa.Table:
        if table is SLICES:
            raise KilledError
        return read(tables, table, **options)

    with monkeypatch.context() as patch:
        patch.setattr(TableSet, "read", killed)
        with pytest.raises(KilledError):
            told(tmp_path, lake, run)
    assert told(tmp_path, lake, run) == (1, 1, "2026-10-30")


def test_what_tonight_found_is_not_told_anew(tmp_path: Path, lake: Lake, run: StageRun) -> None:
    assert told(tmp_path, lake, run) == (1, 1, "2026-10-30")
    assert told(tmp_path, lake, run.model_copy(update={"earlier": {}})) == (1, 1, "2026-10-30")
