"""The price files of a release: `prices.parquet`, `offers.parquet` and `autodetect.sqlite`, the same bytes every time.

The SQLite file is what a phone or `autodetect identify` opens (see `lookup`). Its tables:

make_models    make_model_id, make, model
classes        class_id, make_model_id, label: the class map of the model that the release carries
prices         the `prices` schema without the night, by make_model_id and basis
offers         the `offers` schema without the night, by source and item id
meta           key, value (text): night, class_map_digest, currency, schema_version

Dates are ISO 8601 text, prices REAL in the row's currency. Equal input gives equal bytes with one SQLite and one Arrow
library: both write their own version into the file.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from autodetect.lake.objects.durable import sync_path
from autodetect.lake.schemas import OFFERS, PRICES, Table
from autodetect.prices.lookup import APPLICATION_ID, SQLITE_SCHEMA_VERSION
from autodetect.records import Record

PAGE_SIZE = 4096
_SQL_TYPES = {
    pa.string(): "TEXT",
    pa.date32(): "TEXT",
    pa.int16(): "INTEGER",
    pa.int32(): "INTEGER",
    pa.float64(): "REAL",
}
_MAKE_MODELS = pa.schema([(name, pa.string()) for name in ("make_model_id", "make", "model")])
_CLASSES = pa.schema([("class_id", pa.int32()), ("make_model_id", pa.string()), ("label", pa.string())])
_META = pa.schema([("key", pa.string()), ("value", pa.string())])


class PriceFiles(Record):
    """Where the three files lie."""

    prices: Path
    offers: Path
    sqlite: Path


def write_price_files(
    folder: Path,
    *,
    night: date,
    prices: pa.Table,
    offers: pa.Table,
    make_models: pa.Table,
    classes: pa.Table,
    class_map_digest: str,
) -> PriceFiles:
    """Write the three files; each appears whole or not at all, and the order of the input rows does not matter.

    Args:
        folder: where to write; created when absent. Files of an earlier run are replaced.
        night: the night of the prices and offers; rows of other nights are left out.
        prices: the `prices` schema.
        offers: the `offers` schema.
        make_models: at least make_model_id, make, model.
        classes: at least class_id, make_model_id, label, of the classes that the release's model answers.
        class_map_digest: SHA-256 (hex) of the release's class map.

    Raises:
        sqlite3.IntegrityError: two rows with one key.
    """
    folder.mkdir(parents=True, exist_ok=True)
    prices, offers = _tonight(prices, PRICES, night), _tonight(offers, OFFERS, night)
    files = PriceFiles(
        prices=folder / "prices.parquet", offers=folder / "offers.parquet", sqlite=folder / "autodetect.sqlite"
    )
    _write_parquet(prices, files.prices)
    _write_parquet(offers, files.offers)
    meta = {
        "night": night.isoformat(),
        "class_map_digest": class_map_digest,
        "currency": main_currency(prices, offers),
        "schema_version": str(SQLITE_SCHEMA_VERSION),
    }
    _write_sqlite(
        files.sqlite,
        {
            "make_models": (_MAKE_MODELS, ("make_model_id",), make_models),
            "classes": (_CLASSES, ("class_id",), classes),
            "prices": (PRICES.schema, ("make_model_id", "basis"), prices),
            "offers": (OFFERS.schema, ("source", "item_id"), offers),
            "meta": (_META, ("key",), pa.table({"key": list(meta), "value": list(meta.values())}, schema=_META)),
        },
    )
    sync_path(folder)
    return files


def main_currency(prices: pa.Table, offers: pa.Table) -> str:
    """Return the commonest currency of the sold prices, else of all prices, else of the offers, else an empty text."""
    by_basis = list(zip(prices["basis"].to_pylist(), prices["currency"].to_pylist(), strict=True))
    sold = [currency for basis, currency in by_basis if basis == "sold"]
    for votes in (sold, [currency for _, currency in by_basis], offers["currency"].to_pylist()):
        if counted := Counter(filter(None, votes)):
            return min(counted, key=lambda currency: (-counted[currency], currency))
    return ""


def _tonight(rows: pa.Table, table: Table, night: date) -> pa.Table:
    rows = rows.select(table.schema.names).cast(table.schema)
    rows = rows.filter(pc.equal(rows["night"], pa.scalar(night, pa.date32())))
    return rows.sort_by([(name, "ascending") for name in table.key]).combine_chunks()


def _write_parquet(rows: pa.Table, path: Path) -> None:
    temporary = path.with_name(f".{path.name}.part")
    pq.write_table(rows, temporary, compression="zstd", use_dictionary=True, store_schema=False)
    _publish(temporary, path)


def _write_sqlite(path: Path, tables: dict[str, tuple[pa.Schema, tuple[str, ...], pa.Table]]) -> None:
    temporary = path.with_name(f".{path.name}.part")
    temporary.unlink(missing_ok=True)
    with closing(sqlite3.connect(temporary, isolation_level=None)) as database:
        database.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA encoding = 'UTF-8'")
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {SQLITE_SCHEMA_VERSION}")
        database.execute("BEGIN")
        for name, (schema, key, rows) in tables.items():
            _fill(database, name, schema, key, rows)
        database.execute("CREATE INDEX classes_by_make_model ON classes (make_model_id)")
        database.execute("CREATE INDEX offers_by_make_model ON offers (make_model_id, currency, price)")
        database.execute("COMMIT")
        database.execute("VACUUM")
    _publish(temporary, path)


def _fill(database: sqlite3.Connection, name: str, schema: pa.Schema, key: tuple[str, ...], rows: pa.Table) -> None:
    """Create a table, clustered by its key (which for `prices` begins with make_model_id), and insert its rows.

    The order of the rows does not matter: VACUUM lays them out by key.
    """
    fields = [field for field in schema if field.name != "night"]
    columns = ", ".join(
        f"{field.name} {_SQL_TYPES[field.type]}{' NOT NULL' if field.name in key else ''}" for field in fields
    )
    database.execute(f"CREATE TABLE {name} ({columns}, PRIMARY KEY ({', '.join(key)})) WITHOUT ROWID")
    values = rows.select([field.name for field in fields]).cast(pa.schema(fields))
    places = ", ".join("?" * len(fields))
    database.executemany(f"INSERT INTO {name} VALUES ({places})", _as_sql(values))  # noqa: S608 - names are ours


def _as_sql(rows: pa.Table) -> Iterable[tuple[Any, ...]]:
    columns = [
        (column.cast(pa.string()) if pa.types.is_date(column.type) else column).to_pylist() for column in rows.columns
    ]
    return zip(*columns, strict=True)


def _publish(temporary: Path, path: Path) -> None:
    sync_path(temporary)
    temporary.replace(path)
