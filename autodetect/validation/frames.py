"""Rows of a table -> the pandas frame a suite judges: only the columns judged, references and gaps worked out."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

SEPARATOR = "\x1f"


def frame_of(rows: pa.Table, columns: Sequence[str], **made: Any) -> pd.DataFrame:
    """Return some columns of `rows` and those that were worked out for them (arrays of as many values)."""
    frame: pd.DataFrame = rows.select(list(columns)).to_pandas(date_as_object=False)
    return frame.assign(**made)


def key_texts(rows: pa.Table, columns: Sequence[str]) -> pa.ChunkedArray | pa.Array:
    """Return one text per row that is equal where all `columns` are; null where one is null."""
    parts = [pc.cast(rows[name], pa.string()) for name in columns]
    return parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, SEPARATOR)


def among(rows: pa.Table, columns: Sequence[str], known: Iterable[pa.Table]) -> NDArray[Any]:
    """Return for each row whether its `columns` are those of some row of `known`; None where one is null."""
    texts = key_texts(rows, columns)
    chunks = [chunk for table in known for chunk in _chunks(key_texts(table, columns))]
    found = pc.is_in(texts, value_set=pa.chunked_array(chunks, pa.string()))
    return _objects(pc.if_else(pc.is_null(texts), None, found))


def first_of(rows: pa.Table, group: str, value: str, known: pa.Table | None = None) -> NDArray[Any]:
    """Return for each row whether all rows of its `group` (of `known` too) have one and the same `value`."""
    both = rows.select([group, value])
    if known is not None:
        both = pa.concat_tables([both, known.select([group, value])])
    counts = both.group_by(group).aggregate([(value, "count_distinct")])
    single = counts.filter(pc.less_equal(counts[f"{value}_count_distinct"], 1))[group]
    return _objects(pc.is_in(rows[group], value_set=single))


def days_after(rows: pa.Table, column: str, night: date) -> NDArray[np.float64]:
    """Return by how many days each date lies after `night`, NaN where there is none."""
    days = pc.cast(pc.cast(rows[column], pa.date32()), pa.int32())
    return np.asarray(pc.cast(days, pa.float64()).to_numpy() - (night - date(1970, 1, 1)).days, dtype=np.float64)


def replaced(known: pa.Table, rows: pa.Table, key: Sequence[str]) -> pa.Table:
    """Return `known` without the rows whose key is among those of `rows`, in the columns both have."""
    names = [name for name in known.column_names if name in rows.column_names]
    old = key_texts(known, key)
    return known.filter(pc.invert(pc.is_in(old, value_set=_flat(key_texts(rows, key))))).select(names)


def _chunks(texts: pa.ChunkedArray | pa.Array) -> list[pa.Array]:
    return texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]


def _flat(texts: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray:
    return pa.chunked_array(_chunks(texts), pa.string())


def _objects(flags: pa.ChunkedArray | pa.Array) -> NDArray[Any]:
    return np.asarray(flags.to_pandas().astype(object).to_numpy())
