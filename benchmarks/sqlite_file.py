"""Claim: laying out the pages of an SQLite file takes a fraction of the time of inserting its rows."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from autodetect.lake.schemas import PRICES
from autodetect.prices.files import HISTORY, SALES
from autodetect.prices.offers import offers_table
from autodetect.prices.places import located
from autodetect.prices.sqlite.database import write_database
from autodetect.prices.sqlite.pages import PAGE_SIZE
from autodetect.prices.sqlite.schema import OFFERS, TABLES
from benchmarks.invented_market import NIGHT, market
from benchmarks.rounds import Case, timed
from benchmarks.table import Table

LISTINGS = 300_000
CHANGED = 0.02
ROUNDS = 3

Rows = Sequence[tuple[Any, ...]]
Columns = Sequence[pa.Array]


def run() -> Table:
    """Write the same offers by either way, and bring a file up to date; all start with Arrow columns."""
    offers, make_models = _offers()
    with tempfile.TemporaryDirectory(prefix="sqlite-file-") as name:
        folder = Path(name)
        ours = folder / "ours.sqlite"
        _write(ours, offers, make_models)
        tables = {name: _columns(rows) for name, rows in _tables(ours).items()}
        changed = [column[:: round(1 / CHANGED)] for column in tables["offers"]]
        rows = timed(
            (
                Case("pages laid out, from Arrow", "ours", lambda: _write(ours, offers, make_models)),
                Case("sqlite3.executemany in key order, no journal", "peer", lambda: _insert(folder / "a", tables)),
                Case(
                    f"last night's file copied, {CHANGED:.0%} of the offers replaced, VACUUM INTO",
                    "peer",
                    lambda: _update(folder / "a", folder / "b", changed),
                ),
            ),
            rounds=ROUNDS,
        )
        sizes = [path.stat().st_size / offers.num_rows for path in (ours, folder / "a")]
        same = _tables(ours) == _tables(folder / "a")
    return Table(
        name="sqlite_file",
        claim=f"Laying out the pages of {offers.num_rows:,} offers takes {rows[0].median / rows[1].median:.2f} of the "
        f"time of inserting them, {rows[0].median / rows[2].median:.2f} of replacing {CHANGED:.0%} of them.",
        rows=rows,
        notes=(
            f"both files hold the same rows: {same}; {sizes[0]:.0f} bytes an offer, inserted {sizes[1]:.0f}",
            "the replaced rows are known beforehand: finding them is not counted",
            f"SQLite {sqlite3.sqlite_version}",
        ),
        packages=("pyarrow", "numpy"),
    )


def _offers() -> tuple[pa.Table, pa.Table]:
    tonight = market(LISTINGS)
    listings = tonight.listings[tonight.listings["status"].eq("active") & tonight.listings["make_model_id"].notna()]
    listings = listings[listings["asking_price"] > 1]
    value = (listings["asking_price"] * 1.05).round()
    values = pd.DataFrame({"value": value, "low": value - 1000, "high": value + 1000, "rating": "fair"})
    placed = listings.join(located(listings["postal_code"], listings["country"]))
    return offers_table(placed, values, night=NIGHT), tonight.make_models


def _write(path: Path, offers: pa.Table, make_models: pa.Table) -> None:
    write_database(
        path,
        make_models=make_models,
        classes=pa.table({"class_id": np.array([1]), "make_model_id": ["make-0-model-0"], "label": ["Make 0 Model 0"]}),
        prices=PRICES.schema.empty_table(),
        offers=offers,
        sales=SALES.empty_table(),
        history=HISTORY.empty_table(),
        valuation={},
        meta={"night": NIGHT.isoformat()},
    )


def _tables(path: Path) -> dict[str, Rows]:
    with closing(sqlite3.connect(path)) as database:
        return {table.name: database.execute(f"SELECT * FROM {table.name}").fetchall() for table in TABLES}  # noqa: S608


def _columns(rows: Rows) -> Columns:
    return [pa.array(column) for column in zip(*rows, strict=True)]


def _rows(columns: Columns) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in columns), strict=True)


def _opened(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    for setting in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE", "cache_size = -262144"):
        database.execute(f"PRAGMA {setting}")
    return database


def _insert(path: Path, tables: dict[str, Columns]) -> None:
    path.unlink(missing_ok=True)
    with closing(_opened(path)) as database:
        database.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        database.execute("BEGIN")
        for table in TABLES:
            create, *indices = table.statements.values()
            database.execute(create)
            places = ", ".join("?" * len(table.columns))
            database.executemany(f"INSERT INTO {table.name} VALUES ({places})", _rows(tables[table.name]))  # noqa: S608
            for index in indices:
                database.execute(index)
        database.execute("COMMIT")


def _update(before: Path, after: Path, changed: Columns) -> None:
    copy = after.with_suffix(".copy")
    shutil.copyfile(before, copy)
    after.unlink(missing_ok=True)
    with closing(_opened(copy)) as database:
        database.execute("BEGIN")
        places = ", ".join("?" * len(OFFERS.columns))
        database.executemany(f"REPLACE INTO offers VALUES ({places})", _rows(changed))  # noqa: S608
        database.execute("COMMIT")
        database.execute("VACUUM INTO ?", (str(after),))  # what makes the bytes independent of the past


if __name__ == "__main__":
    print(run().as_text())
