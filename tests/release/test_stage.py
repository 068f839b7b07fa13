"""The publish stage holds what is not good enough, also when a person runs the stages one by one."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from autodetect.errors import HeldError
from autodetect.lake.lake import open_lake
from autodetect.lake.lease import Fence
from autodetect.records import Receipt, StageRun
from autodetect.release.stage import publish
from autodetect.settings import Settings


def test_a_crawl_that_saw_too_little_is_not_published_by_hand(tmp_path: Path) -> None:
    settings = Settings(lake=str(tmp_path / "lake"), store=str(tmp_path / "store"))
    lake = open_lake(settings, create=True)
    night = date(2026, 11, 1)
    crawl = Receipt(
        night=night, stage="crawl", run_id="r", counts={"announced": 100, "seen": 50}, facts={"coverage": 0.5}
    )
    run = StageRun(night=night, run_id="r", now=datetime(2026, 11, 1, tzinfo=UTC), inputs={"crawl": crawl})
    with pytest.raises(HeldError, match="50 of 100"):
        publish(settings, lake, run, work=tmp_path, fence=Fence(lake.objects, 1))
    assert not (tmp_path / "store").exists()
