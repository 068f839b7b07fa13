"""The Parquet files of a release: `prices.parquet` and `offers.parquet`, rows by key, the same bytes every time."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

# Of these nearly every value is another one: a dictionary of them would be given up half-way.
_DIFFERENT = frozenset(("item_id", "title", "url"))


def write_parquet(path: Path, rows: pa.Table, facts: Mapping[str, str]) -> None:
    """Write rows, compressed by zstd, repeated values as a dictionary's.

    Args:
        path: where to.
        rows: the rows, in the order that the file shall have.
        facts: what the file says of itself, as the key-value metadata of its footer.
    """
    repeated = [column for column in rows.column_names if column not in _DIFFERENT]
    with pq.ParquetWriter(path, rows.schema, compression="zstd", use_dictionary=repeated, store_schema=False) as file:
        file.write_table(rows)
        file.add_key_value_metadata(dict(facts))
