"""A night of the source `folder`, tried again: what counts is what the folder holds then."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.nights import begin
from autodetect.lake.schemas import SIGHTINGS
from autodetect.records import Receipt, StageRun
from autodetect.settings import Settings
from crawlers.crawl import crawl
from tests.crawlers.folder.cars import write_photos

NIGHT = date(2026, 11, 1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A folder of two cars as the source."""
    write_photos(tmp_path / "cars", "ford/ka/1.jpg", "audi/a4/2.jpg")
    path = {"folder.path": str(tmp_path / "cars"), "folder.licence": "own"}
    return Settings().with_values({"lake": str(tmp_path / "lake"), "source": "folder", **path})


@pytest.fixture
def lake(settings: Settings) -> Lake:
    """A new lake for it."""
    return open_lake(settings, create=True)


def look(settings: Settings, lake: Lake, work: Path, run_id: str) -> Receipt:
    opened = begin(settings, lake, NIGHT, "nightly", "first")
    run = StageRun(night=NIGHT, run_id=run_id, now=datetime(2026, 11, 1, tzinfo=UTC), inputs={"begin": opened})
    return crawl(settings, lake, run, work=work)


def test_another_run_of_the_night_gives_an_equal_receipt(settings: Settings, lake: Lake, tmp_path: Path) -> None:
    first = look(settings, lake, tmp_path / "work", "first")
    assert (first.counts["photos_fetched"], first.counts["photos_held"]) == (2, 0)
    assert look(settings, lake, tmp_path / "work", "first").digest == first.digest
    assert look(settings, lake, tmp_path / "work", "second").digest == first.digest


def test_what_was_taken_out_of_the_folder_does_not_stay(settings: Settings, lake: Lake, tmp_path: Path) -> None:
    look(settings, lake, tmp_path / "work", "first")
    lake.tables.rewind(SIGHTINGS, 0)  # as before every attempt
    shutil.rmtree(tmp_path / "cars/audi")
    second = look(settings, lake, tmp_path / "work", "second")
    assert (second.counts["seen"], second.counts["listings_new"]) == (1, 1)
    assert lake.tables.read(SIGHTINGS)["make"].to_pylist() == ["Ford"]
