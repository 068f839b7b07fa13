"""An SQLite file laid out in one go from rows in key order: no page is ever read, moved or split.

SQLite inserts a row of a WITHOUT ROWID table in 3 to 5 microseconds, and its version and history show in the file. Here
the b-trees are laid out as the file format says (https://www.sqlite.org/fileformat2.html), each page as full as it
gets: equal rows give equal bytes, whatever library is installed. A tree's leaves come first, from left to right, then
the levels above them, its root last; the schema is on page 1.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from autodetect.prices.sqlite.records import Ints, cells_of, varint

PAGE_SIZE = 8192
_FILE_HEADER, _LEAF_HEADER, _INTERIOR_HEADER = 100, 8, 12  # bytes
_POINTER, _CHILD = 2, 4  # bytes of a cell's place in its page; of a page's number
_PAGES_AT_ONCE = 256
_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR = 13, 10, 2  # kinds of page
_MOST_LOCAL = (
    PAGE_SIZE - 12
) * 64 // 255 - 23  # a record's bytes within a page of an index; a longer one overflows ...
_LEAST_LOCAL = (PAGE_SIZE - 12) * 32 // 255 - 23  # ... and keeps at least so many
_WRITER = 3_008_002  # where SQLite notes its own version: the first that reads WITHOUT ROWID tables


class SqliteFile:
    """A file in the making; `finish` makes it one that SQLite opens."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._count = 0
        self._schema: list[tuple[str, str, str, int, str]] = []
        self._append(bytes(PAGE_SIZE))  # page 1, for the schema

    def add(self, name: str, table: str, sql: str, rows: pa.Table, order: NDArray[np.integer] | None = None) -> None:
        """Add a WITHOUT ROWID table or an index.

        Args:
            name: its name.
            table: the name of the table: its own, or that of the index's.
            sql: the statement that creates it.
            rows: its records, no two with one key. Of a table its columns, the key first; of an index its columns, then
                those of the table's key that are not among them. See `cells_of` for the types.
            order: the numbers of the rows in the order of their key; left out where they lie so.
        """
        cells = self._without_overflow(cells_of(rows))
        kind = "table" if name == table else "index"
        self._schema.append((kind, name, table, self._tree(cells, order), sql))

    def finish(self, *, application_id: int, user_version: int) -> None:
        """Write page 1.

        Raises:
            ValueError: the statements do not fit on it.
        """
        self._file.seek(0)
        self._file.write(self._first_page(application_id, user_version))

    def _append(self, pages: bytes | memoryview) -> int:
        """Write whole pages; return the number of the last."""
        self._file.write(pages)
        self._count += len(pages) // PAGE_SIZE
        return self._count

    def _tree(self, cells: pa.LargeBinaryArray, order: NDArray[np.integer] | None) -> int:
        """Add a b-tree and return the number of its root."""
        lengths = pc.binary_length(cells).to_numpy()
        splits = list(_splits(_costs(lengths if order is None else lengths[order], _POINTER), PAGE_SIZE - _LEAF_HEADER))
        children = list(range(self._count + 1, self._count + len(splits) + 1))
        dividers: list[bytes] = []
        for at in range(0, len(splits), _PAGES_AT_ONCE):
            some = splits[at : at + _PAGES_AT_ONCE]
            first, end = some[0][0], some[-1][1] + 1  # with the divider after the last
            part = cells.slice(first, end - first) if order is None else cells.take(order[first:end])
            self._append(_leaves(part, [(begin - first, until - first) for begin, until in some]))
            dividers += [part[until - first].as_py() for _, until in some if until < len(cells)]
        while dividers:
            costs = _costs(np.array([len(divider) for divider in dividers]), _POINTER + _CHILD)
            parents, above = [], []
            for first, end in _splits(costs, PAGE_SIZE - _INTERIOR_HEADER):
                parents.append(self._append(_interior(children[first : end + 1], dividers[first:end])))
                above += dividers[end : end + 1]
            children, dividers = parents, above
        return children[0]

    def _without_overflow(self, cells: pa.LargeBinaryArray) -> pa.LargeBinaryArray:
        """Move what is too long for a page to pages of its own."""
        long = pc.greater(pc.binary_length(cells), _MOST_LOCAL + len(varint(_MOST_LOCAL)))
        if not pc.any(long).as_py():
            return cells
        cut = [self._cut(cell) for cell in cells.filter(long).to_pylist()]
        return pc.replace_with_mask(cells, long, pa.array(cut, pa.large_binary()))

    def _cut(self, cell: bytes) -> bytes:
        """Return a cell's beginning, after it the number of the first of the pages that hold the rest."""
        before = next(at for at in range(1, 10) if cell[at - 1] < 0x80)  # bytes of the record's length
        size, page = len(cell) - before, PAGE_SIZE - _CHILD
        local = _LEAST_LOCAL + (size - _LEAST_LOCAL) % page
        kept = before + (local if local <= _MOST_LOCAL else _LEAST_LOCAL)
        rest = [cell[at : at + page] for at in range(kept, len(cell), page)]
        first = self._count + 1
        for number, part in enumerate(rest, first + 1):
            after = number if number < first + len(rest) else 0
            self._append((after.to_bytes(_CHILD, "big") + part).ljust(PAGE_SIZE, b"\0"))
        return cell[:kept] + first.to_bytes(_CHILD, "big")

    def _first_page(self, application_id: int, user_version: int) -> bytes:
        columns = zip(*self._schema, strict=True)
        names = ["type", "name", "tbl_name", "rootpage", "sql"]
        cells = []
        for row, cell in enumerate(cells_of(pa.table([pa.array(each) for each in columns], names)).to_pylist(), 1):
            size = 1 + (cell[0] >= 0x80)  # bytes of the record's length
            cells.append(cell[:size] + varint(row) + cell[size:])
        room = PAGE_SIZE - _FILE_HEADER
        header = struct.pack(
            ">16sH6B12I20x2I",
            b"SQLite format 3\0",
            PAGE_SIZE,
            *(1, 1, 0, 64, 32, 32),  # rollback journal, no reserved bytes, fractions that the format fixes
            *(1, self._count, 0, 0),  # change counter, pages, no free ones
            *(1, 4, 0, 0),  # schema cookie, schema format, no cache size asked for, no auto-vacuum
            *(1, user_version, 0, application_id),  # UTF-8
            *(1, _WRITER),  # the change counter for which the page count is valid
        )
        return header + _page(_TABLE_LEAF, b"", cells, room)


def _costs(lengths: Ints, extra: int) -> Ints:
    return np.concatenate([np.zeros(1, np.int64), (lengths + extra).cumsum()])


def _splits(costs: Ints, room: int) -> Iterator[tuple[int, int]]:
    """Yield what goes on each page: first cell and the one after the last, which stands between this page and the next.

    No page is empty, but for the only one of an empty tree.
    """
    count, first = len(costs) - 1, 0
    while True:
        end = int(costs.searchsorted(costs[first] + room, side="right")) - 1
        if end >= count:
            yield first, count
            return
        end = min(end, count - 2)
        yield first, end
        first = end + 1


def _leaves(cells: pa.LargeBinaryArray, splits: Sequence[tuple[int, int]]) -> memoryview:
    """Return the leaves side by side: each its header, where its cells begin, a gap, its cells."""
    _, offsets, content = cells.buffers()
    starts = np.frombuffer(offsets, np.int64)[cells.offset : cells.offset + len(cells) + 1]
    firsts, ends = np.array(splits).T
    counts, begins = ends - firsts, PAGE_SIZE - (starts[ends] - starts[firsts])
    pages = np.zeros((len(splits), PAGE_SIZE), np.uint8)
    pages[:, 0] = _INDEX_LEAF
    pages[:, 3:5] = counts.astype(">u2")[:, None].view(np.uint8)
    pages[:, 5:7] = begins.astype(">u2")[:, None].view(np.uint8)
    page = np.repeat(np.arange(len(splits)), counts)
    within = np.arange(len(page)) - np.repeat(counts.cumsum() - counts, counts)
    places = (begins - starts[firsts])[page] + starts[firsts[page] + within]
    pages.view(">u2")[page, _LEAF_HEADER // _POINTER + within] = places
    for number, (first, end) in enumerate(splits):
        pages[number, begins[number] :] = np.frombuffer(content, np.uint8, starts[end] - starts[first], starts[first])
    return pages.data.cast("B")


def _interior(children: Sequence[int], dividers: Sequence[bytes]) -> bytes:
    cells = [child.to_bytes(_CHILD, "big") + cell for child, cell in zip(children, dividers, strict=False)]
    return _page(_INDEX_INTERIOR, children[-1].to_bytes(_CHILD, "big"), cells, PAGE_SIZE)


def _page(kind: int, rightmost: bytes, cells: Sequence[bytes], room: int) -> bytes:
    """Return a page, but for what stands before its last `room` bytes.

    Raises:
        ValueError: the cells do not fit.
    """
    content = b"".join(cells)
    gap = room - _LEAF_HEADER - len(rightmost) - _POINTER * len(cells) - len(content)
    if gap < 0:
        raise ValueError(f"{len(cells)} cells of {len(content)} bytes do not fit on a page of {room}")
    begins = PAGE_SIZE - len(content) + np.cumsum([0, *(len(cell) for cell in cells)])
    head = struct.pack(">BHHHB", kind, 0, len(cells), begins[0], 0)
    return head + rightmost + begins[:-1].astype(">u2").tobytes() + bytes(gap) + content
