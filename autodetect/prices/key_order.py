"""Rows with the declared columns, in the order of their key, no two of them with one key."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from autodetect.errors import CorruptError, UsageError

_REMEDY = "give the columns that autodetect/prices/sqlite/schema.py and autodetect/lake/schemas.py declare"


def typed(rows: pa.Table, schema: pa.Schema, *, name: str) -> pa.Table:
    """Return the columns of `schema`, in its types; other columns are left out.

    Args:
        rows: what somebody handed over.
        schema: what is wanted; a field that is not nullable must have a value in every row.
        name: what the rows are called, for who reads the error.

    Raises:
        UsageError: a column is missing, holds what its type cannot (a NaN or an infinity too), or lacks a value.
    """
    columns = []
    for field in schema:
        if field.name not in rows.column_names:
            there = ", ".join(rows.column_names) or "none at all"
            raise UsageError(f"{name} has no column {field.name}; it has {there}", _REMEDY)
        try:
            column = rows[field.name].cast(field.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            what = f"{name}.{field.name} is of type {rows[field.name].type}, not {field.type}: {error}"
            raise UsageError(what, _REMEDY) from error
        if not field.nullable:
            _none(pc.is_null(column), f"{name}.{field.name} has no value")
        if pa.types.is_floating(field.type):
            _none(pc.invert(pc.is_finite(column)), f"{name}.{field.name} is no finite number")
        columns.append(column)
    return pa.Table.from_arrays(columns, schema=schema)


def in_key_order(rows: pa.Table, key: Sequence[str], *, name: str) -> pa.Table:
    """Return the rows sorted by their key, in one chunk.

    Raises:
        CorruptError: two rows have one key.
    """
    rows = rows.combine_chunks()
    if pc.all(_ascending(rows, key)).as_py() is False:  # most often they are in order: comparing is cheap, sorting not
        rows = rows.sort_by([(column, "ascending") for column in key]).combine_chunks()
        if doubled := pc.index(_ascending(rows, key), value=False).as_py() + 1:
            shown = ", ".join(f"{column} {rows[column][doubled].as_py()!r}" for column in key)
            raise CorruptError(f"{name} has two rows of one key: {shown}", "run `autodetect lake check`")
    return rows


def _ascending(rows: pa.Table, key: Sequence[str]) -> pa.ChunkedArray:
    """Return for each row but the first whether its key is above that of the row before."""
    above = pa.scalar(value=False)
    for column in reversed(key):
        before, after = rows[column].slice(0, max(len(rows) - 1, 0)), rows[column].slice(1)
        above = pc.or_(pc.greater(after, before), pc.and_(pc.equal(after, before), above))
    return above


def _none(wrong: pa.ChunkedArray, complaint: str) -> None:
    row = pc.index(wrong, value=True).as_py()
    if row >= 0:
        raise UsageError(f"{complaint} in row {row}", _REMEDY)
