"""Columns of a frame of listings as arrays: texts for Arrow's kernels, numbers and days for numpy.

A value that cannot be right (null, infinity, text where a number belongs) becomes 'none', for a rule to refuse; a
column that is absent or of another kind altogether is an error that names it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from autodetect.errors import UsageError

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NO_DAY = int(np.iinfo(np.int64).min)  # what numpy makes of NaT
_REMEDY = "give the columns of the lake's `listings` (autodetect/lake/schemas.py)"


def texts(frame: pd.DataFrame, name: str, *, optional: bool = False) -> pa.Array:
    """Return a column of text; nulls stay. An optional column that is absent is all null.

    Raises:
        UsageError: there is no such column, or it holds something else than text.
    """
    if optional and name not in frame:
        return pa.nulls(len(frame), pa.large_string())
    column = _column(frame, name)
    try:
        found = pa.array(column, from_pandas=True)
        if found.null_count == len(found):
            return pa.nulls(len(frame), pa.large_string())
        if pa.types.is_dictionary(found.type):
            found = found.dictionary_decode()
        if not pa.types.is_large_string(found.type) and not pa.types.is_string(found.type):
            raise pa.ArrowTypeError(f"it is of type {found.type}")
    except pa.ArrowException as error:
        raise _wrong(name, "text", error) from error
    found = pc.cast(found, pa.large_string())
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def numbers(frame: pd.DataFrame, name: str) -> Floats:
    """Return a column as float64; null, infinities and what is no number are NaN.

    Raises:
        UsageError: there is no such column, or it holds dates.
    """
    return finite(_column(frame, name), name)


def finite(values: pd.Series, name: str = "price") -> Floats:
    """Return a series as float64; null, infinities and what is no number are NaN.

    Raises:
        UsageError: it holds dates.
    """
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        raise _wrong(name, "numbers", f"it is of type {values.dtype}")
    found = pd.to_numeric(values, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    return np.where(np.isfinite(found), found, np.nan)


def days(frame: pd.DataFrame, name: str) -> Ints:
    """Return a column of dates as days since 1970; `NO_DAY` where there is none.

    Raises:
        UsageError: there is no such column, or it holds something else than dates.
    """
    column = _column(frame, name)
    try:
        if not pd.api.types.is_datetime64_dtype(column.dtype):
            return _days(pa.array(column, pa.date32(), from_pandas=True))
    except pa.ArrowException as error:
        raise _wrong(name, "dates", error) from error
    return np.asarray(column.to_numpy().astype("datetime64[D]").astype(np.int64))


def each_once(values: pa.Array, meaning: Callable[[pa.Array], Bools]) -> Bools:
    """Return what texts mean, of a column with few different ones; null is False.

    Args:
        values: text, (n,).
        meaning: asked about the different texts.
    """
    encoded = values.dictionary_encode()
    meanings = np.append(meaning(encoded.dictionary), False)
    found: Bools = meanings[encoded.indices.fill_null(len(meanings) - 1).to_numpy()]
    return found


def codes(values: pa.Array, known: pa.Array) -> Ints:
    """Return the place of each text among `known`; -1 for others and for nulls."""
    found: Ints = pc.fill_null(pc.index_in(values, value_set=known), -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return found


def mask(flags: pa.Array) -> Bools:
    """Return Arrow booleans as numpy's; null is False."""
    found: Bools = pc.fill_null(flags, fill_value=False).to_numpy(zero_copy_only=False, writable=True)
    return found


def _days(dates: pa.Array) -> Ints:
    found: Ints = pc.cast(dates, pa.int32()).to_numpy(zero_copy_only=False, writable=False)
    none = mask(pc.is_null(dates))
    return np.where(none, NO_DAY, np.where(none, 0, found).astype(np.int64))


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    if name not in frame:
        raise UsageError(f"the listings to price have no column '{name}'", _REMEDY)
    return frame[name]


def _wrong(name: str, wanted: str, found: Any) -> UsageError:
    return UsageError(f"the column '{name}' of the listings to price should hold {wanted}: {found}", _REMEDY)
