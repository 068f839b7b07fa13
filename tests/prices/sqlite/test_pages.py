"""SQLite files laid out by hand: SQLite itself reads them, finds nothing wrong, and finds what was put in."""

import io
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.prices.sqlite.pages import PAGE_SIZE, SqliteFile

INTEGERS = st.one_of(
    st.sampled_from([0, 1, -1, 127, 128, -128, -129, 2**15, -(2**15), 2**23, 2**31, 2**47, 2**63 - 1, -(2**63)]),
    st.integers(-(2**63), 2**63 - 1),
)
REALS = st.one_of(st.sampled_from([0.0, 1.0, 19347.0, 2.0**53, -(2.0**60), 1e300]), st.floats(allow_nan=False))
TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
    st.sampled_from(["x" * 57, "x" * 58, "é" * 1009, "y" * (PAGE_SIZE // 4), "z" * (3 * PAGE_SIZE)]),
)
COLUMNS = "number INTEGER NOT NULL, name TEXT NOT NULL, amount REAL, other INTEGER, note TEXT"
TABLE = f"CREATE TABLE things ({COLUMNS}, PRIMARY KEY (number, name)) WITHOUT ROWID"
INDEX = "CREATE INDEX by_note ON things (note)"
SCHEMA = pa.schema(
    {"number": pa.int64(), "name": pa.string(), "amount": pa.float64(), "other": pa.int64(), "note": pa.string()}
)


def written(rows, path: Path) -> bytes:
    """Write rows (tuples of the columns, any order) with SqliteFile; return the bytes."""
    rows = sorted(rows, key=lambda row: (row[0], row[1].encode()))
    table = pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA)
    index = sorted(
        ((r[4], r[0], r[1]) for r in rows), key=lambda r: (r[0] is not None, (r[0] or "").encode(), r[1], r[2].encode())
    )
    columns = zip(*index, strict=True) if index else ([], [], [])
    entries = pa.table(
        [pa.array(c, t) for c, t in zip(columns, (pa.string(), pa.int64(), pa.string()), strict=True)], ["a", "b", "c"]
    )
    file = io.BytesIO()
    pages = SqliteFile(file)
    pages.add("things", "things", TABLE, table)
    pages.add("by_note", "things", INDEX, entries)
    pages.finish(application_id=77, user_version=3)
    path.write_bytes(file.getvalue())
    return file.getvalue()


def check(rows, path: Path) -> None:
    written(rows, path)
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = database.execute("SELECT * FROM things").fetchall()
        expected = sorted(rows, key=lambda row: (row[0], row[1].encode()))
        assert found == expected
        assert [[type(value) for value in row] for row in found] == [[type(value) for value in row] for row in expected]
        for note in {row[4] for row in rows[:20]}:
            where = "IS NULL" if note is None else "= ?"
            query = f"SELECT count(*) FROM things INDEXED BY by_note WHERE note {where}"
            asked = () if note is None else (note,)
            assert database.execute(query, asked).fetchone() == (sum(row[4] == note for row in rows),)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(INTEGERS, TEXTS, REALS | st.none(), INTEGERS | st.none(), TEXTS | st.none()),
        unique_by=lambda row: row[:2],
        max_size=60,
    )
)
def test_sqlite_reads_back_what_was_written(tmp_path_factory, rows):
    check(rows, tmp_path_factory.mktemp("sqlite") / "file.sqlite")


@pytest.mark.parametrize("count", [0, 1, 2, 70, 71, 72, 73, 140, 141, 142, 143, 144, 145, 5_000, 60_000])
def test_every_number_of_rows_makes_sound_trees(tmp_path, count):
    check(
        [(number // 3, str(number), number * 0.37, None, f"note {number % 50:090d}") for number in range(count)],
        tmp_path / "f",
    )


@pytest.mark.parametrize("length", range(2_000, 2_090))
def test_a_record_at_the_edge_of_a_page_overflows_as_sqlite_expects(tmp_path, length):
    check([(number, "n", 0.5, number, chr(97 + number) * length) for number in range(9)], tmp_path / "f")


def test_sqlite_may_change_the_file_and_finds_its_page_count(tmp_path):
    path = tmp_path / "file.sqlite"
    data = written([(number, "n", 1.0, None, None) for number in range(2_000)], path)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA page_count").fetchone()[0] * PAGE_SIZE == len(data)
        assert database.execute("PRAGMA application_id").fetchone() == (77,)
        assert database.execute("PRAGMA user_version").fetchone() == (3,)
        assert database.execute("PRAGMA freelist_count").fetchone() == (0,)
        database.execute("DELETE FROM things WHERE number % 7 = 0")
        database.execute("INSERT INTO things VALUES (-5, 'new', 2.5, 1, 'note')")
        database.commit()
        database.execute("VACUUM")
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("SELECT count(*) FROM things").fetchone() == (2_000 - 286 + 1,)


def test_more_statements_than_page_1_holds_are_an_error():
    pages = SqliteFile(io.BytesIO())
    for number in range(9):
        sql = f"CREATE TABLE t{number} (a INTEGER NOT NULL, b TEXT, {'c' * 900} TEXT, PRIMARY KEY (a)) WITHOUT ROWID"
        pages.add(f"t{number}", f"t{number}", sql, SCHEMA.empty_table())
    with pytest.raises(ValueError, match=r"9 cells of .* do not fit on a page"):
        pages.finish(application_id=0, user_version=0)
