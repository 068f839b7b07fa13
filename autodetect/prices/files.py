"""The price files of a release: `prices.parquet`, `offers.parquet` and `autodetect.sqlite`, the same bytes every time.

`docs/prices-format.md` describes them. All three name the night, the digest of the class map that they belong to, and
the version of their schema: Parquet as key-value metadata of the file, SQLite in its table `meta`.
"""

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from autodetect.lake.schemas import OFFERS, PRICES, SCHEMA_VERSION, Table
from autodetect.prices.key_order import in_key_order, typed
from autodetect.prices.parquet import write_parquet
from autodetect.prices.sqlite.database import write_database
from autodetect.prices.sqlite.schema import SQLITE_SCHEMA_VERSION
from autodetect.prices.valuation.stored import StoredTable
from autodetect.records import Record

_text, _day = pa.string(), pa.date32()
# What `write_price_files` takes besides the tables of the lake.
SALES = pa.schema(
    {
        "make_model_id": _text,
        "source": _text,
        "item_id": _text,
        "sold_on": _day,
        "sold_precision": _text,
        "price": pa.float64(),
        "currency": _text,
        "year": pa.int16(),
        "mileage": pa.int32(),
        "trim": _text,
        "region": _text,
    }
)
HISTORY = pa.schema(
    {
        "make_model_id": _text,
        "basis": _text,
        "night": _day,
        "currency": _text,
        "count": pa.int32(),
        "median": pa.float64(),
    }
)


PRICE_FILES = ("prices.parquet", "offers.parquet", "autodetect.sqlite")


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
    sales: pa.Table | None = None,
    history: pa.Table | None = None,
    valuation: Mapping[str, StoredTable] | None = None,
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
        sales: the columns of `SALES`, for a phone to compare a car with.
        history: the columns of `HISTORY`, of models over the nights.
        valuation: `ValuationModel.tables()`; none where nothing is valued.

    Raises:
        UsageError: a table lacks a column or a value; files of an earlier run stay.
        CorruptError: two rows have one key; likewise.
    """
    folder.mkdir(parents=True, exist_ok=True)
    prices, offers = _tonight(prices, PRICES, night), _tonight(offers, OFFERS, night)
    facts = {"night": night.isoformat(), "class_map_digest": class_map_digest}
    prices_at, offers_at, sqlite_at = (folder / name for name in PRICE_FILES)
    files = PriceFiles(prices=prices_at, offers=offers_at, sqlite=sqlite_at)
    parts = {path: path.with_name(f".{path.name}.part") for _, path in files}
    lake = facts | {"schema_version": str(SCHEMA_VERSION)}
    try:
        with ThreadPoolExecutor(1) as beside:  # Arrow compresses without the interpreter's lock
            written = [
                beside.submit(write_parquet, parts[files.prices], prices, lake),
                beside.submit(write_parquet, parts[files.offers], offers, lake),
            ]
            write_database(
                parts[files.sqlite],
                make_models=make_models,
                classes=classes,
                prices=prices,
                offers=offers,
                sales=SALES.empty_table() if sales is None else typed(sales, SALES, name="sales"),
                history=HISTORY.empty_table() if history is None else typed(history, HISTORY, name="history"),
                valuation=valuation or {},
                meta=facts | {"currency": main_currency(prices, offers), "schema_version": str(SQLITE_SCHEMA_VERSION)},
            )
        for each in written:
            each.result()
        for path, part in parts.items():  # unsynced: the lake takes copies of them and syncs those
            part.replace(path)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
    return files


def main_currency(prices: pa.Table, offers: pa.Table) -> str:
    """Return the commonest currency of the sold prices, else of all prices, else of the offers, else an empty text."""
    sold = prices.filter(pc.equal(prices["basis"], "sold"))
    for rows in (sold, prices, offers):
        votes = Counter({each["values"]: each["counts"] for each in pc.value_counts(rows["currency"]).to_pylist()})
        votes.pop(None, None)
        if votes:
            return min(votes, key=lambda currency: (-votes[currency], currency))
    return ""


def _tonight(rows: pa.Table, table: Table, night: date) -> pa.Table:
    needed = pa.schema([field.with_nullable(field.name not in table.key) for field in table.schema])
    rows = typed(rows, needed, name=table.name).cast(table.schema)
    tonight = pc.equal(rows["night"], pa.scalar(night, pa.date32()))
    if pc.all(tonight).as_py() is False:  # mostly all are: filtering copies every row
        rows = rows.filter(tonight)
    return in_key_order(rows, table.key, name=table.name)
