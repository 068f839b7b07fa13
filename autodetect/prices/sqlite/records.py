"""Rows of Arrow columns as SQLite's records, whole columns at a time.

SQLite's file format (https://www.sqlite.org/fileformat2.html, "Record Format"): a record is the length of its header, a
serial type per column, then the values. A cell of an index b-tree, which a WITHOUT ROWID table is, is the record's
length and the record. A number takes as few bytes as the format allows, as SQLite itself would write it: a REAL without
a fraction is stored as an integer.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

_BATCH_ROWS = 65_536
_VALUE_BYTES = np.array([0, 1, 2, 3, 4, 6, 8, 8, 0, 0], np.int64)  # by serial type
_INTEGER_LIMITS = (1 << 7, 1 << 15, 1 << 23, 1 << 31, 1 << 47)  # serial types 1 to 5 hold what is less, by either sign
_REAL, _ZERO, _EMPTY_TEXT = 7, 8, 13  # serial types: eight bytes of IEEE 754; the integer 0, then 1; text of no length
_WHOLE = 2.0**53  # a REAL of a larger size is left as it is


@dataclass(frozen=True)
class _Numbers:
    """One number per row, big end first: the last `widths[i]` bytes of row i of `content` are its own."""

    content: Bytes
    widths: Ints

    @property
    def own(self) -> NDArray[np.bool_]:
        """Return which bytes those are."""
        most = self.content.shape[1]
        return np.tri(most + 1, most, -1, dtype=np.bool_)[:, ::-1][self.widths]


def cells_of(rows: pa.Table) -> pa.LargeBinaryArray:
    """Return each row as a cell of an index b-tree.

    Args:
        rows: two or more columns of int64, float64 (finite) and string; nulls allowed.
    """
    with ThreadPoolExecutor() as threads:  # most of the work is done without the interpreter's lock
        batches = rows.combine_chunks().to_batches(max_chunksize=_BATCH_ROWS)
        return pa.concat_arrays([pa.array([], pa.large_binary()), *threads.map(_cells, batches)])


def varint(number: int) -> bytes:
    """Return a number below 2**56 in SQLite's variable length: seven bits a byte, all but the last marked."""
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(number & 0x7F | 0x80)
    return bytes(reversed(digits))


def _cells(rows: pa.RecordBatch) -> pa.LargeBinaryArray:
    types: list[_Numbers] = []
    values: list[_Numbers | pa.LargeBinaryArray] = []
    sizes = np.zeros(rows.num_rows, np.int64)
    for column in rows.columns:
        if pa.types.is_string(column.type):
            lengths = pc.binary_length(column).fill_null(0).to_numpy().astype(np.int64)
            serial = np.where(_nulls(column), 0, 2 * lengths + _EMPTY_TEXT)
            values.append(column.cast(pa.large_binary()).fill_null(b""))
        else:
            serial, number = _number(column)
            values.append(number)
            lengths = number.widths
        types.append(_varints(serial))
        sizes += lengths + types[-1].widths
    header = np.sum([serial.widths for serial in types], axis=0) + 1
    assert header.max(initial=0) < 128, "its own length in one byte: columns are few"
    return _concatenated([_varints(sizes + 1), _varints(header), *types, *values])


def _number(column: pa.Array) -> tuple[Ints, _Numbers]:
    """Return serial types and values."""
    plain = column.fill_null(0).to_numpy()
    if pa.types.is_floating(column.type):
        whole = (np.abs(plain) < _WHOLE) & (plain == np.trunc(plain))
        numbers = np.where(whole, plain, 0).astype(np.int64)
        serial = np.where(whole, _integer_types(numbers), _REAL)
        numbers = np.where(whole, numbers, plain.view(np.int64))
    else:
        numbers, serial = plain, _integer_types(plain)
    serial = np.where(_nulls(column), 0, serial)
    return serial, _big_end_first(numbers, _VALUE_BYTES[serial])


def _integer_types(numbers: Ints) -> Ints:
    sizes = np.where(numbers < 0, ~numbers, numbers)
    serial = np.ones(len(numbers), np.int64)
    for limit in _INTEGER_LIMITS[: np.searchsorted(_INTEGER_LIMITS, sizes.max(initial=0), side="right")]:
        serial += sizes >= limit
    return np.where(sizes <= 1, np.where(numbers >= 0, _ZERO + numbers, serial), serial)


def _varints(numbers: Ints) -> _Numbers:
    most = len(varint(int(numbers.max(initial=0))))
    if most == 1:
        return _Numbers(numbers.astype(np.uint8)[:, None], np.ones_like(numbers))
    places = 7 * np.arange(most - 1, -1, -1)
    digits = (numbers[:, None] >> places) & 0x7F
    digits[:, :-1] |= 0x80
    widths = 1 + sum(((numbers >> place > 0).astype(np.int64) for place in places[:-1]), np.zeros_like(numbers))
    return _Numbers(digits.astype(np.uint8), widths)


def _big_end_first(numbers: Ints, widths: Ints) -> _Numbers:
    content = numbers.astype(">i8").view(np.uint8).reshape(-1, 8)
    return _Numbers(content[:, 8 - widths.max(initial=0) :], widths)


def _concatenated(columns: Sequence[_Numbers | pa.LargeBinaryArray]) -> pa.LargeBinaryArray:
    """Return, row by row, what the columns hold."""
    joined = []
    for numbers, group in groupby(columns, lambda column: isinstance(column, _Numbers)):
        some = list(group)
        joined += [_side_by_side(some)] if numbers else some
    return pc.binary_join_element_wise(*joined, pa.scalar(b"", pa.large_binary()))


def _side_by_side(numbers: Sequence[Any]) -> pa.LargeBinaryArray:
    own = np.concatenate([each.own for each in numbers], axis=1)
    content = np.concatenate([each.content for each in numbers], axis=1)[own]
    starts = np.concatenate([[0], np.sum([each.widths for each in numbers], axis=0).cumsum()])
    return pa.Array.from_buffers(pa.large_binary(), len(own), [None, pa.py_buffer(starts), pa.py_buffer(content)])


def _nulls(column: pa.Array) -> NDArray[np.bool_] | np.bool_:
    """Return which values are null."""
    if not column.null_count:
        return np.False_
    return column.is_null().to_numpy(zero_copy_only=False)
