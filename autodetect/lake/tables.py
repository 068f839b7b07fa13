"""Reading and writing the Delta tables. All reads go through `TableSet.read`, all writes through three verbs.

Reads use a native pyarrow filesystem: `DeltaTable.to_pyarrow_table()` without one can abort the interpreter at exit.
"""

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import fs

from autodetect.errors import CorruptError
from autodetect.lake.objects.durable import sync_path
from autodetect.lake.schemas import TABLES, Table

# How the rows of a filter are read: few at a time and few ahead, so that a read needs memory for what it keeps and not
# for what it looks through. The defaults hold whole row groups, thumbnails and embeddings among them.
_FEW_AT_ONCE = {"batch_size": 4_096, "batch_readahead": 2, "fragment_readahead": 1}
_MANY_BYTES = 2**30


class TableSet:
    """The Delta tables below one root, a local folder or an `s3://` URL.

    Args:
        root: URL or folder that holds one Delta table per name in `schemas.TABLES`.
        storage_options: for delta-rs, when the root is on S3.
        filesystem: a pyarrow filesystem rooted at `root`.
    """

    def __init__(self, root: str, storage_options: Mapping[str, str], filesystem: fs.FileSystem) -> None:
        self.root = root
        self._options = dict(storage_options)
        self._filesystem = filesystem

    @property
    def local(self) -> Path | None:
        """Return the folder of the tables when they are on a local disk."""
        return None if self.root.startswith("s3://") else Path(self.root)

    def create(self) -> None:
        """Create every table that is missing, empty, as its version 0. Safe to repeat."""
        from deltalake import DeltaTable

        if self.local is not None:
            self.local.mkdir(parents=True, exist_ok=True)
        for table in TABLES.values():
            DeltaTable.create(self._uri(table), table.schema, mode="ignore", storage_options=self._options)
            self.sync(table, since=-1)

    def version(self, table: Table) -> int:
        """Return the newest version, whether or not a receipt names it."""
        return int(self._open(table).version())

    def read(
        self, table: Table, *, version: int | None = None, columns: list[str] | None = None, where: Any = None
    ) -> pa.Table:
        """Return the rows of `table` in its declared types.

        Args:
            table: which table.
            version: the version a receipt names; the newest when left out.
            columns: a subset of columns.
            where: a `pyarrow.compute` expression that is pushed down to the files.

        Raises:
            CorruptError: the table, that version or one of its files is missing or damaged.
        """
        subtree = fs.SubTreeFileSystem(table.name, self._filesystem)
        dataset = self._open(table, version).to_pyarrow_dataset(filesystem=subtree)
        schema = table.schema if columns is None else pa.schema([table.schema.field(name) for name in columns])
        try:
            if where is None:
                return dataset.to_table(columns=schema.names).cast(schema)
            try:
                return dataset.to_table(columns=schema.names, filter=where, **_FEW_AT_ONCE).cast(schema)
            except pa.ArrowNotImplementedError:
                # A merge of delta-rs writes text as string views, which pyarrow cannot compare with a file's bounds.
                return _looked_through(dataset, table.schema, schema.names, where).cast(schema)
        except (pa.ArrowInvalid, FileNotFoundError) as error:
            raise self._corrupt(table, version, "read", error) from error

    def upsert(self, table: Table, rows: pa.Table) -> int:
        """Insert rows whose key is new and replace those whose key is there; return the version that holds them."""
        if rows.num_rows:
            on = " AND ".join(f"old.`{name}` = new.`{name}`" for name in table.key)
            merge = self._open(table).merge(_typed(table, rows), predicate=on, source_alias="new", target_alias="old")
            merge.when_matched_update_all().when_not_matched_insert_all().execute()
        return self.version(table)

    def append(self, table: Table, rows: pa.Table) -> int:
        """Add rows whose keys are known to be new; return the version that holds them."""
        from deltalake import write_deltalake

        if rows.num_rows:
            write_deltalake(self._uri(table), _typed(table, rows), mode="append", storage_options=self._options)
        return self.version(table)

    def replace(self, table: Table, rows: pa.Table, predicate: str) -> int:
        """Replace the rows that match an SQL predicate (such as one night's) by `rows`, in one commit."""
        from deltalake import write_deltalake

        typed = _typed(table, rows)
        write_deltalake(self._uri(table), typed, mode="overwrite", predicate=predicate, storage_options=self._options)
        return self.version(table)

    def rewind(self, table: Table, version: int) -> None:
        """Bring the table back to `version` (a new commit; nothing is deleted): undoes what no receipt names."""
        handle = self._open(table)
        if handle.version() != version:
            handle.restore(version)

    def sync(self, table: Table, since: int) -> None:
        """Flush to disk what the versions after `since` added: delta-rs does not. S3 is durable by itself."""
        if self.local is None:
            return
        folder = self.local / table.name
        log = folder / "_delta_log"
        for version in range(since + 1, self.version(table) + 1):
            entry = log / f"{version:020d}.json"
            if not entry.is_file():
                raise CorruptError(f"{entry} is missing", "run `autodetect doctor`; it finds a broken tail")
            for line in entry.read_text("utf-8").splitlines():
                added = json.loads(line).get("add")
                if added:
                    sync_path(folder / added["path"])
            sync_path(entry)
        for checkpoint in (*log.glob("*.checkpoint*.parquet"), *log.glob("_last_checkpoint")):
            sync_path(checkpoint)
        for place in (log, folder, self.local):
            sync_path(place)

    def _uri(self, table: Table) -> str:
        return f"{self.root}/{table.name}"

    def _open(self, table: Table, version: int | None = None) -> Any:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError, TableNotFoundError

        try:
            return DeltaTable(self._uri(table), version=version, storage_options=self._options)
        except (TableNotFoundError, DeltaError) as error:
            raise self._corrupt(table, version, "opened", error) from error

    def _corrupt(self, table: Table, version: int | None, done: str, error: Exception) -> CorruptError:
        wanted = "" if version is None else f" at version {version}"
        return CorruptError(
            f"table {table.name}{wanted} in {self.root} cannot be {done}: {error}",
            "run `autodetect doctor`: it compares the tables with the receipts",
        )


def upsert_all(tables: TableSet, written: Mapping[Table, pa.Table]) -> tuple[dict[str, int], dict[str, str]]:
    """Upsert a stage's rows; return the versions that hold them and their canonical digests, by table name."""
    versions = {table.name: tables.upsert(table, rows) for table, rows in written.items()}
    return versions, {table.name: table_digest(table, rows) for table, rows in written.items()}


def rows_of(table: Table, records: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Return records (mappings by column name; a missing column is null) as rows of `table`."""
    return pa.Table.from_pylist([dict(record) for record in records], schema=table.schema)


def table_digest(table: Table, rows: pa.Table) -> str:
    """Return the canonical digest of rows: sorted by key, run metadata left out, independent of files and chunks.

    The digest is the SHA-256 of an uncompressed, undictionaried Parquet image of the sorted rows.
    """
    columns = [name for name in table.schema.names if name not in table.metadata]
    kept = _sortable(_typed(table, rows).select(columns))
    order = [name for name in table.key if name in columns]
    if table.metadata:  # without it the key may repeat
        order += [name for name in columns if name not in order]
    kept = kept.sort_by([(name, "ascending") for name in order])
    if table.metadata:  # rows that differ in run metadata only count once
        kept = kept.group_by(columns, use_threads=False).aggregate([])
    sink = _HashingSink()
    pq.write_table(kept.combine_chunks(), sink, compression="none", use_dictionary=False, store_schema=False)
    return sink.hexdigest()


def _sortable(rows: pa.Table) -> pa.Table:
    """Return rows that can be sorted however many bytes a column holds; they make the same Parquet image.

    Offsets of 32 bits end at 2 GB: half a million embeddings.
    """
    for place, name in enumerate(rows.column_names):
        if rows[name].type == pa.binary() and rows[name].nbytes > _MANY_BYTES:
            rows = rows.set_column(place, name, rows[name].cast(pa.large_binary()))
    return rows


def _looked_through(dataset: ds.Dataset, declared: pa.Schema, columns: list[str], where: pc.Expression) -> pa.Table:
    """Return the rows that `where` keeps: it is applied to every row, in the declared types, a few rows at a time."""
    needed = [name for name in declared.names if name in columns or _names(where, declared, name)]
    typed = {name: pc.field(name).cast(declared.field(name).type) for name in needed}
    rows = dataset.scanner(columns=typed, **_FEW_AT_ONCE).to_reader()
    return ds.Scanner.from_batches(rows, columns=columns, filter=where, **_FEW_AT_ONCE).to_table()


def _names(where: pc.Expression, declared: pa.Schema, column: str) -> bool:
    """Return whether a filter names a column: without it, it cannot be applied. Expressions do not tell themselves."""
    try:
        declared.empty_table().drop_columns([column]).filter(where)
    except pa.ArrowInvalid:
        return True
    return False


class _HashingSink(io.RawIOBase):
    """A file that keeps only the SHA-256 of what is written to it."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self._hash.update(view)
        return view.nbytes

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def _typed(table: Table, rows: pa.Table) -> pa.Table:
    return rows.select(table.schema.names).cast(table.schema)
