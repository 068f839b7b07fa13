"""A look over a lake names what is broken and changes nothing."""

import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from autodetect.lake.inspection import MOST_NAMED, inspect
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.schemas import LISTING_PHOTOS, SEEN, TABLES
from autodetect.lake.tables import rows_of
from autodetect.records import Receipt
from autodetect.settings import Settings

MakeReceipt = Callable[..., Receipt]
NIGHT = date(2026, 11, 1)


def seen(*items: str) -> pa.Table:
    return rows_of(SEEN, ({"source": "s", "item_id": item, "night": NIGHT} for item in items))


def commit(lake: Lake, receipt: Receipt) -> None:
    lake.receipts.commit(receipt, datetime(2026, 11, 1, tzinfo=UTC))


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_sound_lake_has_a_digest_for_each_table_and_no_problem(
    lake: Lake, make_receipt: MakeReceipt, tmp_path: Path
) -> None:
    commit(lake, make_receipt(1, "crawl", versions={"seen": lake.tables.upsert(SEEN, seen("1", "2"))}))
    before = everything(tmp_path)
    state = inspect(lake)
    assert everything(tmp_path) == before
    assert state.problems == ()
    assert {table.name: table.rows for table in state.tables} == {**dict.fromkeys(TABLES, 0), "seen": 2, "nights": 1}


def test_lakes_with_the_same_rows_have_the_same_digests(lake: Lake, make_receipt: MakeReceipt, tmp_path: Path) -> None:
    other = open_lake(Settings(lake=str(tmp_path / "other")), create=True)
    for each, orders in ((lake, (("1", "2", "3"),)), (other, (("3",), ("2", "1")))):
        for order in orders:
            version = each.tables.append(SEEN, seen(*order))
        commit(each, make_receipt(1, "crawl", versions={"seen": version}, outputs={"seen": "same"}, run_id=each.url))
    assert [t.digest for t in inspect(lake).tables if t.name != "nights"] == [
        t.digest for t in inspect(other).tables if t.name != "nights"
    ]


def test_what_no_receipt_names_is_told_and_not_counted(lake: Lake, make_receipt: MakeReceipt) -> None:
    commit(lake, make_receipt(1, "crawl", versions={"seen": lake.tables.upsert(SEEN, seen("1"))}))
    lake.tables.append(SEEN, seen("2"))
    state = inspect(lake)
    assert state.problems == ("seen: no receipt names version 2; the next run rewinds to 1",)
    assert {t.name: (t.version, t.rows) for t in state.tables}["seen"] == (1, 1)


@pytest.mark.parametrize("damage", [b"", b"not parquet", None])
def test_a_broken_table_is_named_and_the_others_are_still_looked_at(
    lake: Lake, make_receipt: MakeReceipt, damage: bytes | None
) -> None:
    commit(lake, make_receipt(1, "crawl", versions={"seen": lake.tables.upsert(SEEN, seen("1"))}))
    file = next((Path(lake.tables.root) / "seen").glob("*.parquet"))
    file.unlink() if damage is None else file.write_bytes(damage)
    state = inspect(lake)
    assert [problem.partition(":")[0] for problem in state.problems] == ["seen"]
    assert {table.name for table in state.tables} == set(TABLES) - {"seen"}


@pytest.mark.parametrize("missing", [0, 1, MOST_NAMED, MOST_NAMED + 3])
def test_photos_that_are_gone_are_named_up_to_a_limit(lake: Lake, make_receipt: MakeReceipt, missing: int) -> None:
    held = lake.photos.put(b"held")
    rows = [{"source": "s", "item_id": "1", "position": 0, "sha256": held, "night": NIGHT}]
    rows += [{**rows[0], "position": n + 1, "sha256": f"{n:064x}"} for n in range(missing)]
    version = lake.tables.upsert(LISTING_PHOTOS, rows_of(LISTING_PHOTOS, rows))
    commit(lake, make_receipt(1, "crawl", versions={"listing_photos": version}))
    problems = inspect(lake).problems
    assert len([problem for problem in problems if problem.endswith("is missing")]) == min(missing, MOST_NAMED)
    assert problems[MOST_NAMED:] == (() if missing <= MOST_NAMED else ("and 3 more photos are missing",))


@pytest.mark.parametrize(("damage", "word"), [(None, "missing"), (b"short", "damaged"), (b"whole", "")])
def test_a_segment_of_the_hash_index_that_is_gone_or_damaged_is_named(
    lake: Lake, make_receipt: MakeReceipt, damage: bytes | None, word: str
) -> None:
    key = f"index/{hashlib.sha256(b'whole').hexdigest()}.arrow"
    facts = {"index": {"segments": [{"digest": key.removeprefix("index/").removesuffix(".arrow")}]}}
    commit(lake, make_receipt(1, "curate", facts=facts))
    if damage is not None:
        lake.objects.put(key, damage)
    told = inspect(lake).problems
    assert told == ((f"{key} is {word}; the next night builds the index anew",) if word else ())
