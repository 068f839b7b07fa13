"""Receipts are ordered as they were committed, whatever the clocks say."""

from datetime import UTC, date, datetime
from pathlib import Path

from autodetect.lake.lake import open_lake
from autodetect.records import Receipt, Verdict
from autodetect.settings import Settings

NIGHT = date(2026, 11, 1)


def receipt(stage: str, **facts: str) -> Receipt:
    return Receipt(night=NIGHT, stage=stage, run_id="r", facts=facts)


def test_a_clock_that_is_set_back_does_not_hide_a_receipt(tmp_path: Path) -> None:
    book = open_lake(Settings(lake=str(tmp_path / "lake")), create=True).receipts
    late, early = datetime(2026, 11, 1, 5, tzinfo=UTC), datetime(2026, 11, 1, 4, tzinfo=UTC)
    book.commit(receipt("begin"), late)
    book.commit(receipt("end", verdict=Verdict.HELD, reason="too little"), late)
    assert set(book.of_night(NIGHT)) == {"begin"}
    book.commit(receipt("crawl"), early)
    assert set(book.of_night(NIGHT)) == {"begin", "crawl"}
    assert book.unfinished_night() == NIGHT


def test_another_kind_of_run_does_not_reopen_a_night(tmp_path: Path) -> None:
    book = open_lake(Settings(lake=str(tmp_path / "lake")), create=True).receipts
    at = datetime(2026, 11, 1, 5, tzinfo=UTC)
    book.commit(receipt("begin"), at)
    book.commit(receipt("end", verdict=Verdict.PUBLISHED, reason=""), at)
    book.commit(receipt("price").model_copy(update={"kind": "prices"}), at)
    assert book.unfinished_night() is None
