"""docs/prices-format.md shows the files as they are: every column, type and statement."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest

from autodetect.lake.schemas import OFFERS, PRICES, SCHEMA_VERSION
from autodetect.prices.sqlite import lookup, near
from autodetect.prices.sqlite.pages import PAGE_SIZE
from autodetect.prices.sqlite.schema import (
    APPLICATION_ID,
    SQLITE_SCHEMA_VERSION,
    TABLES,
    VALUATION_META,
    VALUATION_TERMS,
    SqlTable,
)
from autodetect.prices.valuation.stored import META, TERMS

PAGE = (Path(__file__).parents[2] / "docs" / "prices-format.md").read_text("utf-8")
ARROW_TYPES = {
    pa.string(): "string",
    pa.float64(): "double",
    pa.date32(): "date32",
    pa.int32(): "int32",
    pa.int16(): "int16",
}


def section(title: str) -> str:
    """Return what the page says below a heading, up to the next one."""
    [found] = re.findall(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", PAGE, re.DOTALL | re.MULTILINE)
    return found


def described(table: SqlTable) -> str:
    """Return a table of the SQLite file as the page shows it."""
    indices = "".join(f" Index `{name}`: {', '.join(columns)}." for name, columns in table.indices.items())
    rows = [f"| `{c.name}` | {c.type} | {c.meaning} | {c.null or 'never'} |" for c in table.columns]
    head = ["| column | type | meaning | NULL |", "| --- | --- | --- | --- |"]
    sentence = table.meaning[0].upper() + table.meaning[1:]
    return "\n".join([f"{sentence}. Key: {', '.join(table.key)}.{indices}", "", *head, *rows])


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_page_describes_every_table_of_the_sqlite_file(table):
    assert section(f"`{table.name}`").strip() == described(table)


@pytest.mark.parametrize(("name", "table"), [("prices.parquet", PRICES), ("offers.parquet", OFFERS)])
def test_the_page_describes_every_column_of_the_parquet_files(name, table):
    shown = re.findall(r"^\| `(\w+)` \| (\w+) \|", section(f"`{name}`"), re.MULTILINE)
    assert shown == [(field.name, ARROW_TYPES[field.type]) for field in table.schema]


def test_the_page_names_the_marks_of_the_files():
    assert f"`application_id` | 0x{APPLICATION_ID:X}" in PAGE
    assert f"`user_version` | {SQLITE_SCHEMA_VERSION} |" in PAGE
    assert f"`page_size` | {PAGE_SIZE} |" in PAGE
    assert f"`schema_version` | `{SCHEMA_VERSION}`" in PAGE


STATEMENTS = {
    f"{module.__name__}.{name}": value
    for module in (lookup, near)
    for name, value in vars(module).items()
    if name.endswith("_SQL")
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_the_page_quotes_the_statements_of_the_reading_side(statement):
    assert f"{statement.strip()}\n" in PAGE


def test_the_valuations_tables_are_those_that_it_stores():
    for table, stored in ((VALUATION_TERMS, TERMS), (VALUATION_META, META)):
        assert [column.name for column in table.columns] == stored.names
        kinds = {"TEXT": pa.types.is_string, "INTEGER": pa.types.is_integer, "REAL": pa.types.is_floating}
        assert all(kinds[column.type](stored.field(column.name).type) for column in table.columns)


def test_sqlite_makes_the_declared_tables_of_the_statements():
    with closing(sqlite3.connect(":memory:")) as database:
        for table in TABLES:
            for statement in table.statements.values():
                database.execute(statement)
            info = database.execute(f"PRAGMA table_info({table.name})").fetchall()
            assert [(c[1], c[2], bool(c[3])) for c in info] == [(c.name, c.type, not c.null) for c in table.columns]
            assert [c[1] for c in sorted(info, key=lambda c: c[5]) if c[5]] == list(table.key)
            assert not any(c.null for c in table.columns[: table.keys])
