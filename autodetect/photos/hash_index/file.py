"""A segment of the hash index as one file: an uncompressed Arrow IPC file of one row whose cells are the arrays.

Any Arrow reader can open it. Arrays are used where they lie in the mapped file: a search reads only the pages that it
touches, and several processes share them. Equal segments make equal bytes (with one version of pyarrow).
"""

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from autodetect.errors import CorruptError
from autodetect.photos.hash_index.segment import CHUNK_BITS, NAME_BYTES, Segment, bucket_bits

LAYOUT = "chunks-22-21-21-v1"  # of the arrays; another one is another file
COLUMNS = {
    "names": pa.binary(NAME_BYTES),
    "hashes": pa.uint64(),
    "owners": pa.uint32(),
    **{f"order_{chunk}": pa.uint32() for chunk in range(1, len(CHUNK_BITS))},
    **{f"starts_{chunk}": pa.uint32() for chunk in range(len(CHUNK_BITS))},
}


def write_segment(segment: Segment, pipeline: str, file: BinaryIO) -> None:
    """Write a segment's file; the hashes' pipeline goes along.

    Raises:
        OSError: the disk refused.
    """
    arrays: tuple[NDArray[Any], ...] = (segment.names, segment.hashes, segment.owners, *segment.orders, *segment.starts)
    cells = [_cell(array, kind) for array, kind in zip(arrays, COLUMNS.values(), strict=True)]
    metadata = {"layout": LAYOUT, "pipeline": pipeline}
    schema = pa.schema([(name, pa.large_list(kind)) for name, kind in COLUMNS.items()], metadata=metadata)
    with pa.ipc.new_file(file, schema) as writer:
        writer.write_batch(pa.record_batch(cells, schema=schema))


def read_segment(path: Path, digest: str) -> tuple[Segment, str]:
    """Map a segment's file, whose digest has been checked, and return it with its pipeline.

    Raises:
        CorruptError: it is no such file, or of another layout.
    """
    try:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        metadata = {key.decode(): value.decode() for key, value in (reader.schema.metadata or {}).items()}
        if reader.schema.types != [pa.large_list(kind) for kind in COLUMNS.values()]:
            raise _odd(path, "its columns are not those of a segment")
        if metadata.get("layout") != LAYOUT or reader.num_record_batches != 1:
            raise _odd(path, f"its layout is {metadata.get('layout')!r}, not {LAYOUT!r}")
        batch = reader.get_batch(0)
    except (pa.ArrowInvalid, OSError) as error:
        raise _odd(path, str(error)) from error
    found = [_array(batch.column(column), kind) for column, kind in enumerate(COLUMNS.values())]
    names, hashes, owners, order_1, order_2, *starts = found
    segment = Segment(
        names.reshape(-1, NAME_BYTES), hashes, owners, (order_1, order_2), (starts[0], starts[1], starts[2]), digest
    )
    lengths = [len(hashes)] * 3 + [2**bits + 1 for bits in bucket_bits(len(hashes))]
    if [len(array) for array in found[2:]] != lengths:
        raise _odd(path, "its arrays do not belong together")
    return segment, metadata.get("pipeline", "")


def _cell(array: NDArray[Any], kind: pa.DataType) -> pa.Array:
    values = pa.Array.from_buffers(kind, len(array), [None, pa.py_buffer(np.ascontiguousarray(array))])
    return pa.LargeListArray.from_arrays(pa.array([0, len(array)], pa.int64()), values)


def _array(column: pa.Array, kind: pa.DataType) -> NDArray[Any]:
    values = column.values
    dtype = np.dtype(np.uint8) if kind == pa.binary(NAME_BYTES) else np.dtype(kind.to_pandas_dtype())
    length = len(values) * kind.byte_width // dtype.itemsize
    return np.frombuffer(values.buffers()[1], dtype, length)


def _odd(path: Path, why: str) -> CorruptError:
    return CorruptError(
        f"{path} is no segment of the hash index: {why}",
        "remove it: the next night builds the index anew from the `photos` table",
    )
