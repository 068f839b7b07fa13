"""Tables: what was written can be read at every version, and a digest depends on nothing but the rows."""

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.errors import CorruptError
from autodetect.lake import tables as tables_module
from autodetect.lake.lake import Lake
from autodetect.lake.schemas import EMBEDDINGS, LISTINGS, NIGHTS, PHOTOS, QUARANTINE, SEEN, TABLES, Table
from autodetect.lake.tables import rows_of, table_digest

NIGHT = date(2026, 11, 1)
VALUES: dict[pa.DataType, Any] = {
    pa.string(): "é 'quoted' \\ \"text\"",
    pa.date32(): NIGHT,
    pa.int16(): -(2**15),
    pa.int32(): 2**31 - 1,
    pa.int64(): -(2**63),
    pa.float64(): 0.1,
    pa.bool_(): True,
    pa.binary(): bytes(range(256)),
    pa.list_(pa.string()): ["a", ""],
    pa.list_(pa.int64()): [2**63 - 1, 0],
    pa.timestamp("us", tz="UTC"): datetime(2026, 11, 1, 1, 2, 3, 456789, tzinfo=UTC),
}


def seen(*rows: tuple[str, int]) -> pa.Table:
    return rows_of(SEEN, ({"source": "s", "item_id": i, "night": date(2026, 11, day)} for i, day in rows))


def items(rows: pa.Table) -> list[str]:
    return sorted(rows["item_id"].to_pylist())


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_column_of_every_table_comes_back_as_it_was_written(lake: Lake, table: Table) -> None:
    full = {column.name: VALUES[column.type] for column in table.schema}
    sparse = {name: full[name] for name in table.key}
    sparse[table.key[-1]] = date(2020, 1, 1) if table.key[-1] in {"night", "observed_on"} else 7
    if isinstance(full[table.key[-1]], str):
        sparse[table.key[-1]] = "another key"
    rows = rows_of(table, [full, sparse])
    for version in (lake.tables.upsert(table, rows), lake.tables.upsert(table, rows)):
        found = lake.tables.read(table, version=version)
        assert found.schema == table.schema
        assert table_digest(table, found) == table_digest(table, rows)
        assert sorted(map(str, found.to_pylist())) == sorted(map(str, rows.to_pylist()))


def test_upsert_replaces_by_key_and_adds_the_rest(lake: Lake) -> None:
    def listing(item_id: str, **facts: Any) -> dict[str, Any]:
        return {"source": "s", "item_id": item_id, "night": NIGHT, **facts}

    lake.tables.upsert(LISTINGS, rows_of(LISTINGS, [listing("1", mileage=1, trim="GT"), listing("2", mileage=2)]))
    lake.tables.upsert(LISTINGS, rows_of(LISTINGS, [listing("2", mileage=22), listing("3")]))
    found = {row["item_id"]: (row["mileage"], row["trim"]) for row in lake.tables.read(LISTINGS).to_pylist()}
    assert found == {"1": (1, "GT"), "2": (22, None), "3": (None, None)}


def test_writing_the_same_rows_again_changes_nothing(lake: Lake) -> None:
    first = lake.tables.read(SEEN, version=lake.tables.upsert(SEEN, seen(("1", 1), ("2", 1))))
    again = lake.tables.read(SEEN, version=lake.tables.upsert(SEEN, seen(("2", 1), ("1", 1))))
    assert table_digest(SEEN, first) == table_digest(SEEN, again)
    assert again.num_rows == 2


def test_nothing_to_write_makes_no_version(lake: Lake) -> None:
    assert lake.tables.upsert(SEEN, seen()) == lake.tables.append(SEEN, seen()) == lake.tables.version(SEEN) == 0


def test_replace_exchanges_exactly_the_rows_named(lake: Lake) -> None:
    lake.tables.append(SEEN, seen(("1", 1), ("2", 1), ("3", 2)))
    lake.tables.replace(SEEN, seen(("4", 1)), "night = '2026-11-01'")
    assert items(lake.tables.read(SEEN)) == ["3", "4"]
    lake.tables.replace(SEEN, seen(), "night = '2026-11-02'")
    assert items(lake.tables.read(SEEN)) == ["4"]


def test_each_version_stays_readable_as_it_was(lake: Lake) -> None:
    versions = [lake.tables.append(SEEN, seen((str(n), n))) for n in (1, 2, 3)]
    assert [items(lake.tables.read(SEEN, version=version)) for version in (0, *versions)] == [
        [],
        ["1"],
        ["1", "2"],
        ["1", "2", "3"],
    ]
    with pytest.raises(CorruptError, match="seen at version 99") as refusal:
        lake.tables.read(SEEN, version=99)
    assert "doctor" in refusal.value.remedy


def test_a_read_can_be_narrowed_to_columns_and_rows(lake: Lake) -> None:
    lake.tables.append(SEEN, seen(("1", 1), ("2", 2), ("3", 2)))
    found = lake.tables.read(SEEN, columns=["item_id"], where=pc.field("night") == date(2026, 11, 2))
    assert (found.schema.names, items(found)) == (["item_id"], ["2", "3"])


def test_rewind_brings_a_version_back_and_keeps_the_newer_ones(lake: Lake) -> None:
    kept = lake.tables.append(SEEN, seen(("1", 1)))
    undone = lake.tables.append(SEEN, seen(("2", 1)))
    lake.tables.rewind(SEEN, kept)
    assert items(lake.tables.read(SEEN)) == ["1"]
    assert items(lake.tables.read(SEEN, version=undone)) == ["1", "2"]
    newest = lake.tables.version(SEEN)
    lake.tables.rewind(SEEN, newest)
    assert lake.tables.version(SEEN) == newest
    lake.tables.append(SEEN, seen(("3", 1)))
    lake.tables.rewind(SEEN, 0)
    assert items(lake.tables.read(SEEN)) == []


def test_creating_tables_again_keeps_what_they_hold(lake: Lake) -> None:
    lake.tables.append(SEEN, seen(("1", 1)))
    lake.tables.create()
    assert items(lake.tables.read(SEEN)) == ["1"]


ROWS = st.lists(
    st.builds(
        lambda item_id, mileage, price, trim: {
            "source": "s",
            "item_id": item_id,
            "night": NIGHT,
            "mileage": mileage,
            "asking_price": price,
            "trim": trim,
        },
        st.text("abc", min_size=1, max_size=3),
        st.none() | st.integers(0, 9),
        st.none() | st.floats(allow_nan=False),
        st.none() | st.text(max_size=2),
    ),
    unique_by=lambda row: row["item_id"],
    max_size=12,
)


@settings(deadline=None)
@given(ROWS, st.randoms(), st.integers(1, 4))
def test_a_digest_does_not_depend_on_order_chunks_or_schema_notes(
    rows: list[dict[str, Any]], rng: Any, size: int
) -> None:
    first = rows_of(LISTINGS, rows)
    rng.shuffle(rows)
    parts = [rows_of(LISTINGS, rows[start : start + size]) for start in range(0, len(rows), size)]
    other = pa.concat_tables([LISTINGS.schema.empty_table(), *parts])
    noted = other.replace_schema_metadata({"pandas": "whatever"})
    turned = noted.select(sorted(noted.schema.names))
    widened = turned.set_column(turned.schema.get_field_index("trim"), "trim", turned["trim"].cast(pa.large_string()))
    assert table_digest(LISTINGS, first) == table_digest(LISTINGS, other) == table_digest(LISTINGS, widened)


@settings(deadline=None)
@given(ROWS, ROWS)
def test_different_rows_have_different_digests(one: list[dict[str, Any]], two: list[dict[str, Any]]) -> None:
    def content(rows: list[dict[str, Any]]) -> list[str]:
        return sorted(map(repr, rows))

    equal = table_digest(LISTINGS, rows_of(LISTINGS, one)) == table_digest(LISTINGS, rows_of(LISTINGS, two))
    assert equal == (content(one) == content(two))


def test_a_digest_does_not_depend_on_how_the_rows_lie_in_files(lake: Lake, tmp_path: Path) -> None:
    for n in range(1, 6):
        lake.tables.append(SEEN, seen((str(n), 1)))
    lake.tables.upsert(SEEN, seen(("3", 1), ("9", 1)))
    rows = lake.tables.read(SEEN)
    assert len(list((tmp_path / "lake" / "tables" / "seen").glob("*.parquet"))) > 4
    assert table_digest(SEEN, rows) == table_digest(SEEN, seen(*((n, 1) for n in "931245")))


def receipts(*rows: tuple[str, str, str]) -> pa.Table:
    """Rows of `nights`: (stage, run id, digest)."""
    return rows_of(
        NIGHTS,
        (
            {
                "night": NIGHT,
                "kind": "nightly",
                "stage": stage,
                "run_id": run_id,
                "digest": digest,
                "receipt": run_id,
                "finished_at": datetime(2026, 11, 1, tzinfo=UTC),
            }
            for stage, run_id, digest in rows
        ),
    )


def test_run_metadata_does_not_count_in_a_digest() -> None:
    once = table_digest(NIGHTS, receipts(("crawl", "a", "x")))
    assert once == table_digest(NIGHTS, receipts(("crawl", "b", "x")))
    assert once == table_digest(NIGHTS, receipts(("crawl", "b", "x"), ("crawl", "c", "x")))
    assert once != table_digest(NIGHTS, receipts(("crawl", "a", "y")))


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("rst"), st.sampled_from("xyz")), max_size=8),
    st.randoms(),
)
def test_a_stage_that_ran_twice_counts_in_any_order(rows: list[tuple[str, str, str]], rng: Any) -> None:
    first = table_digest(NIGHTS, receipts(*rows))
    rng.shuffle(rows)
    assert table_digest(NIGHTS, receipts(*rows)) == first


def test_sync_flushes_every_file_that_the_new_versions_brought(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.tables.append(SEEN, seen(("old", 1)))
    folder = Path(lake.tables.root) / "seen"
    before = set(folder.rglob("*"))
    since = lake.tables.version(SEEN)
    lake.tables.append(SEEN, seen(("1", 1)))
    lake.tables.upsert(SEEN, seen(("2", 1)))
    flushed: list[Path] = []
    monkeypatch.setattr(tables_module, "sync_path", flushed.append)
    lake.tables.sync(SEEN, since=since)
    assert {*folder.rglob("*")} - before <= set(flushed)
    assert {folder, folder / "_delta_log"} <= set(flushed)
    flushed.clear()
    lake.tables.sync(SEEN, since=lake.tables.version(SEEN))
    assert not [path for path in flushed if path.is_file()]


def test_sync_tells_a_log_entry_that_is_gone(lake: Lake) -> None:
    lake.tables.append(SEEN, seen(("1", 1)))
    lake.tables.append(SEEN, seen(("2", 1)))
    (Path(lake.tables.root) / "seen" / "_delta_log" / f"{1:020d}.json").unlink()
    with pytest.raises(CorruptError, match="seen"):
        lake.tables.sync(SEEN, since=0)


def damage_log(folder: Path) -> None:
    (folder / "_delta_log" / f"{1:020d}.json").write_bytes(b'{"add": ')


def drop_log(folder: Path) -> None:
    for path in (folder / "_delta_log").iterdir():
        path.unlink()


def empty_file(folder: Path) -> None:
    next(folder.glob("*.parquet")).write_bytes(b"")


def cut_file(folder: Path) -> None:
    path = next(folder.glob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-20])


def drop_file(folder: Path) -> None:
    next(folder.glob("*.parquet")).unlink()


@pytest.mark.parametrize("damage", [damage_log, drop_log, empty_file, cut_file, drop_file])
def test_a_damaged_table_is_told_by_name(lake: Lake, damage: Any) -> None:
    lake.tables.append(QUARANTINE, rows_of(QUARANTINE, [{"table": "t", "key": "k", "rule": "r", "night": NIGHT}]))
    damage(Path(lake.tables.root) / "quarantine")
    with pytest.raises(CorruptError, match="quarantine") as told:
        lake.tables.read(QUARANTINE)
    assert "doctor" in told.value.remedy


def test_rows_are_found_by_text_also_in_files_that_a_merge_wrote(lake: Lake) -> None:
    """delta-rs writes merged files with string views, which pyarrow cannot compare with their bounds."""

    def seen(night: int, source: str) -> pa.Table:
        rows = [{"source": source, "item_id": str(i), "night": date(2026, 1, night), "slice": "all"} for i in range(5)]
        return rows_of(SEEN, rows)

    for rows in (seen(1, "a"), pa.concat_tables([seen(1, "b"), seen(2, "a")]), seen(1, "a")):
        lake.tables.upsert(SEEN, rows)
    wanted = (pc.field("source") == "a") & (pc.field("item_id") != "3")
    found = lake.tables.read(SEEN, columns=["item_id"], where=wanted)
    assert sorted(found["item_id"].to_pylist()) == sorted("0124" * 2)
    whole = lake.tables.read(SEEN)
    assert lake.tables.read(SEEN, where=wanted).equals(whole.filter(wanted))
    assert lake.tables.read(SEEN, where=pc.field("item_id") == "nobody").equals(SEEN.schema.empty_table())


def photos_of_a_merge(lake: Lake, count: int) -> pa.Table:
    """Photos as a merge writes them, every other one refused, with 2 kB of thumbnail each."""
    random = np.random.default_rng(0)
    rows = [
        {
            "sha256": f"{number:064x}",
            "night": NIGHT,
            "verdict": "photo.blank" if number % 2 else "ok",
            "phash_entries": [number, -number],
            "thumbnail": random.bytes(2_000),
        }
        for number in range(count)
    ]
    lake.tables.upsert(PHOTOS, rows_of(PHOTOS, rows))
    return lake.tables.read(PHOTOS)


def test_lists_and_bytes_come_along_with_rows_found_by_text(lake: Lake) -> None:
    photos = photos_of_a_merge(lake, 30)
    wanted = (pc.field("verdict") != "ok") & (pc.field("night") <= NIGHT)
    for columns in (["phash_entries", "thumbnail"], ["thumbnail", "verdict"], PHOTOS.schema.names):
        found = lake.tables.read(PHOTOS, columns=columns, where=wanted)
        assert found.equals(photos.filter(wanted).select(columns))


# In a process of its own: how much Arrow ever held at once is known of a whole process.
READ_BY_TEXT = """
import sys
import pyarrow as pa
import pyarrow.compute as pc
from autodetect.lake.lake import open_lake
from autodetect.lake.schemas import PHOTOS
from autodetect.settings import Settings
tables = open_lake(Settings(lake=sys.argv[1])).tables
found = tables.read(PHOTOS, columns=["night"], where=pc.field("verdict") != "ok")
print(found.num_rows, pa.default_memory_pool().max_memory())
"""


def test_rows_found_by_text_need_memory_for_the_columns_asked_for_alone(lake: Lake, tmp_path: Path) -> None:
    photos = photos_of_a_merge(lake, 6_000)
    told = subprocess.run(
        [sys.executable, "-c", READ_BY_TEXT, str(tmp_path / "lake")], capture_output=True, text=True, check=True
    )
    rows, most = map(int, told.stdout.split())
    assert rows == 3_000
    assert most < photos["thumbnail"].nbytes / 4


@pytest.mark.parametrize("damage", [empty_file, cut_file, drop_file])
def test_a_damaged_file_that_a_merge_wrote_is_told_when_rows_are_found_by_text(lake: Lake, damage: Any) -> None:
    lake.tables.upsert(SEEN, seen(("1", 1), ("2", 2)))
    damage(Path(lake.tables.root) / "seen")
    with pytest.raises(CorruptError, match="seen"):
        lake.tables.read(SEEN, columns=["night"], where=pc.field("item_id") != "1")


def test_a_digest_is_the_same_where_a_column_holds_more_bytes_than_short_offsets_can_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = {"backbone": "b", "preprocessing": "p", "engine": "e", "view": "plain"}
    rows = rows_of(EMBEDDINGS, [{**row, "sha256": name, "vector": name.encode() * 8} for name in "cab"])
    short = table_digest(EMBEDDINGS, rows)
    monkeypatch.setattr("autodetect.lake.tables._MANY_BYTES", 0)
    assert table_digest(EMBEDDINGS, rows) == short
