"""`autodetect.sqlite`, the file that a phone opens: its rows, numbered and in order (see `schema`)."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from autodetect.prices.key_order import in_key_order, typed
from autodetect.prices.sqlite import schema as sql
from autodetect.prices.sqlite.cells import cells_of
from autodetect.prices.sqlite.pages import SqliteFile
from autodetect.prices.sqlite.schema import SqlTable, SqlType
from autodetect.prices.valuation.stored import StoredTable

Ints = NDArray[np.int64]

_ARROW: dict[SqlType, pa.DataType] = {"INTEGER": pa.int64(), "REAL": pa.float64(), "TEXT": pa.string()}
_PLACE = ("postal_code", "country", "region", "latitude", "longitude", "place_precision")
_ASKED = 1000  # offers of a source that are asked how its addresses are made


def write_database(
    path: Path,
    *,
    make_models: pa.Table,
    classes: pa.Table,
    prices: pa.Table,
    offers: pa.Table,
    sales: pa.Table,
    history: pa.Table,
    valuation: Mapping[str, StoredTable],
    meta: Mapping[str, str],
) -> None:
    """Write the file. The order of the rows does not matter, but for that of the offers.

    Args:
        path: where to.
        make_models: make_model_id, make, model.
        classes: class_id, make_model_id, label.
        prices: the `prices` schema, of one night.
        offers: the `offers` schema, of one night, sorted by source and item id, no two with one key.
        sales: make_model_id, and the columns of `schema.SALES` (source by its name).
        history: make_model_id, and the columns of `schema.HISTORY`.
        valuation: the valuation's stored tables by name; empty where nothing is valued.
        meta: facts about the file.

    Raises:
        UsageError: a table lacks a column or a value.
        CorruptError: two rows have one key.
    """
    ids = _every("make_model_id", [make_models, classes, prices, offers, sales, history])
    sources = _every("source", [offers, sales])

    def numbered(rows: pa.Table) -> pa.Table:
        rows = rows.append_column("make_model", _numbers(rows["make_model_id"], ids))
        if "source" in rows.column_names:
            rows = _with(rows, "source", _numbers(rows["source"], sources))
        return rows

    places, place = _places(offers)
    order = np.lexsort((_narrow(place), _narrow(_numbers(offers["make_model_id"], ids).to_numpy())))
    urls = [_url_of(offers, source) for source in sources]
    tables = [
        (sql.MAKE_MODELS, _named(make_models, ids)),
        (sql.CLASSES, numbered(classes)),
        (sql.PRICES, numbered(prices)),
        (sql.SOURCES, pa.table({"source": _counting(sources), "name": sources, "url": pa.array(urls, pa.string())})),
        (sql.PLACES, places),
        (sql.OFFERS, _offers(offers, numbered, place, pa.array(urls, pa.string()))),
        (sql.SALES, numbered(sales)),
        (sql.HISTORY, numbered(history)),
        *(
            (table, valuation[table.name].rows if valuation else _schema(table).empty_table())
            for table in sql.VALUATION
        ),
        (sql.META, pa.table({"key": list(meta), "value": list(meta.values())})),
    ]
    with path.open("wb") as pages:
        file = SqliteFile(pages)
        for table, rows in tables:
            _add(file, table, rows, order if table is sql.OFFERS else None)
        file.finish(application_id=sql.APPLICATION_ID, user_version=sql.SQLITE_SCHEMA_VERSION)


def _schema(table: SqlTable) -> pa.Schema:
    return pa.schema([pa.field(each.name, _ARROW[each.type], nullable=bool(each.null)) for each in table.columns])


def _add(file: SqliteFile, table: SqlTable, rows: pa.Table, order: Ints | None) -> None:
    """Add a table and its indices.

    Args:
        file: where to.
        table: what it is to be.
        rows: its columns and perhaps others.
        order: the numbers of the rows in the order of their key, for who knows it.
    """
    rows = typed(_with_days(rows), _schema(table), name=table.name)
    if order is None:
        rows = in_key_order(rows, table.key, name=table.name)
    for name, statement in table.statements.items():
        if name == table.name:
            file.add(name, table.name, statement, rows, order)
            continue
        columns = [*table.indices[name], *(key for key in table.key if key not in table.indices[name])]
        file.add(name, table.name, statement, _sorted(rows.select(columns)))


def _named(make_models: pa.Table, ids: pa.Array) -> pa.Table:
    """Return the makes and models with their numbers; one that the catalogue does not have is nameless."""
    known = in_key_order(make_models, ("make_model_id",), name="make_models")
    named = known.take(pc.index_in(ids, value_set=known["make_model_id"]))
    return pa.table(
        {"make_model": _counting(ids), "make_model_id": ids, "make": named["make"], "model": named["model"]}
    )


def _places(offers: pa.Table) -> tuple[pa.Table, Ints]:
    """Return the different places of offers, and the number of each offer's place."""
    columns = offers.select(_PLACE).combine_chunks()
    codes, firsts = _different(columns)
    found = columns.take(firsts)
    found = found.append_column("cell", cells_of(found["latitude"], found["longitude"]))
    found = found.rename_columns({"place_precision": "precision"}).append_column(
        "code", pa.array(np.arange(len(firsts)))
    )
    nowhere = np.logical_and.reduce([found[name].is_null().to_numpy() for name in found.column_names[:-1]])
    found = _sorted(
        found.select(["cell", "latitude", "longitude", "postal_code", "country", "region", "precision", "code"]).filter(
            pa.array(~nowhere)
        )
    )
    numbers = np.full(len(firsts), sql.NO_PLACE)
    numbers[found["code"].to_numpy()] = np.arange(1, len(found) + 1)
    return found.append_column("place", pa.array(np.arange(1, len(found) + 1))), numbers[codes]


def _different(columns: pa.Table) -> tuple[Ints, Ints]:
    """Return a code per row, equal for equal rows, and the first row of each code.

    One column mostly settles the others (a postal code its position): then they are only compared.
    """
    codes, firsts = np.zeros(len(columns), np.int64), np.zeros(min(len(columns), 1), np.int64)
    for column in columns.columns:
        if column.equals(column.take(firsts[codes])):
            continue
        value = _codes(column.combine_chunks())
        codes = _codes(pa.array(codes * (value.max() + 1) + value))
        firsts = np.empty(codes.max() + 1, np.int64)
        firsts[codes[::-1]] = np.arange(len(codes))[::-1]  # where several are written to one place, the last one stays
    return codes, firsts


def _codes(values: pa.Array) -> Ints:
    encoded: Ints = values.dictionary_encode(null_encoding="encode").indices.to_numpy().astype(np.int64)
    return encoded


def _offers(offers: pa.Table, numbered: Callable[[pa.Table], pa.Table], place: Ints, urls: pa.Array) -> pa.Table:
    """Return the offers with the columns that the file has.

    Args:
        offers: the `offers` schema.
        numbered: gives make and model and source their numbers.
        place: the number of each offer's place.
        urls: what stands before the item ids of each source.
    """
    rows = numbered(offers).append_column("place", pa.array(place))
    rows = _with(rows, "url", _unlike(offers, urls.take(pc.subtract(rows["source"], 1))))
    unchanged = pc.equal(offers["first_price"], offers["price"])
    return _with(rows, "first_price", _where_not(unchanged, offers["first_price"]))


def _url_of(offers: pa.Table, source: pa.Scalar) -> str | None:
    """Return what stands before the item id in most addresses of a source; None where addresses are not made so."""
    asked = np.flatnonzero(pc.equal(offers["source"], source))[:_ASKED]
    rows = offers.select(["url", "item_id"]).take(asked).to_pylist()
    made = Counter(
        row["url"].removesuffix(row["item_id"]) for row in rows if (row["url"] or "").endswith(row["item_id"])
    )
    return min(made, key=lambda url: (-made[url], url)) if made else None


def _unlike(offers: pa.Table, before: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the addresses that are not `before` and the item id; empty where there is none."""
    made = pc.binary_join_element_wise(before, offers["item_id"], "")
    none = pc.and_(pc.is_null(offers["url"]), pc.is_valid(before))
    return _where_not(pc.equal(offers["url"], made), pc.if_else(none, "", offers["url"]))


def _where_not(left_out: pa.ChunkedArray, column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.fill_null(left_out, fill_value=False), pa.scalar(None, column.type), column)


def _every(column: str, tables: Sequence[pa.Table]) -> pa.Array:
    """Return the different values of a column, sorted."""
    found = pa.chunked_array([pc.unique(table[column]).cast(pa.string()) for table in tables], pa.string())
    values = pc.drop_null(pc.unique(found))
    return values.take(pc.array_sort_indices(values))


def _numbers(column: pa.ChunkedArray, of: pa.Array) -> pa.ChunkedArray:
    return pc.add(pc.index_in(column, value_set=of).cast(pa.int64()), 1)


def _counting(values: pa.Array) -> pa.Array:
    return pa.array(np.arange(1, len(values) + 1))


def _narrow(numbers: Ints) -> NDArray[np.integer]:
    """Return the numbers (from 0) in the fewest bytes: 16 bits are sorted by counting, in a fifth of the time."""
    return numbers.astype(np.min_scalar_type(numbers.max(initial=0)))


def _sorted(rows: pa.Table) -> pa.Table:
    """Return rows sorted by all their columns; first those that lack a value in the first, as SQLite sorts."""
    rows = rows.sort_by([(name, "ascending") for name in rows.column_names])
    known = len(rows) - rows.column(0).null_count
    return pa.concat_tables([rows.slice(known), rows.slice(0, known)])


def _with(rows: pa.Table, name: str, column: pa.ChunkedArray) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), name, column)


def _with_days(rows: pa.Table) -> pa.Table:
    """Return the rows with dates as whole days since 1970-01-01."""
    for field in rows.schema:
        if pa.types.is_date32(field.type):
            rows = _with(rows, field.name, rows[field.name].cast(pa.int32()))
    return rows
