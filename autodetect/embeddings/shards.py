"""Finished embeddings on their way into the table: one file a shard, kept in the lake until a receipt names their rows.

Whoever embeds hands back files; one process writes the table, in one commit. A run that is killed leaves its finished
shards behind, and the next one takes them instead of computing them again. A shard's key is
`embeddings/shards/<identity>/<SHA-256 of the file>.arrow`: equal work is one and the same file.
"""

import hashlib
import logging
from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from autodetect.embeddings.engine import to_bytes
from autodetect.errors import CorruptError
from autodetect.lake.objects import ObjectMissingError, ObjectStore
from autodetect.records import Record, canonical_digest

ROOM = "embeddings/shards/"
SCHEMA = pa.schema([("sha256", pa.string()), ("vector", pa.binary())])

log = logging.getLogger(__name__)


class Identity(Record):
    """What makes two embeddings of one photo the same: backbone digest, preprocessing, engine and view."""

    backbone: str
    preprocessing: str
    engine: str
    view: str

    @property
    def folder(self) -> str:
        """Return where its shards lie."""
        return f"{ROOM}{canonical_digest(self.model_dump())[:32]}/"


def write_shard(objects: ObjectStore, identity: Identity, digests: Sequence[str], vectors: NDArray[np.float32]) -> str:
    """Keep one shard, whole or not at all; return its key.

    Args:
        objects: the lake's objects.
        identity: of all its embeddings.
        digests: n photos, ascending.
        vectors: float32 (n, d), kept as float16.
    """
    rows = pa.table([pa.array(digests, pa.string()), pa.array(to_bytes(vectors), pa.binary())], schema=SCHEMA)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, SCHEMA) as writer:
        writer.write_table(rows)
    data = sink.getvalue().to_pybytes()
    key = f"{identity.folder}{hashlib.sha256(data).hexdigest()}.arrow"
    objects.put(key, data)
    return key


def read_shard(objects: ObjectStore, key: str) -> pa.Table:
    """Return a shard's rows (`SCHEMA`).

    Raises:
        CorruptError: its bytes are not those that were written.
        ObjectMissingError: there is no such shard.
    """
    data = objects.get(key)
    if f"/{hashlib.sha256(data).hexdigest()}.arrow" not in key:
        raise CorruptError(f"{key} is damaged", "delete it: what it held is embedded again")
    return pa.ipc.open_file(pa.BufferReader(data)).read_all()


def taken(objects: ObjectStore, identity: Identity, wanted: Collection[str]) -> pa.Table:
    """Return what shards hold of the wanted photos (`SCHEMA`), each once, by sha256; a damaged shard is deleted."""
    rows, missing = SCHEMA.empty_table(), pa.array(sorted(wanted), pa.string())
    for key in list(objects.list(identity.folder)):
        if not len(missing):
            break
        try:
            shard = read_shard(objects, key)
        except CorruptError as error:
            log.warning("%s; its photos are embedded again", error.what)
            objects.delete(key)
            continue
        rows = pa.concat_tables([rows, shard.filter(pc.is_in(shard["sha256"], value_set=missing))])
        missing = missing.filter(pc.invert(pc.is_in(missing, value_set=rows["sha256"].combine_chunks())))
    return rows.sort_by("sha256")


def held(objects: ObjectStore, identity: Identity) -> set[str]:
    """Return which photos have an embedding in a shard; damaged shards count for nothing."""
    found: set[str] = set()
    for key in list(objects.list(identity.folder)):
        try:
            found.update(read_shard(objects, key)["sha256"].to_pylist())
        except CorruptError as error:
            log.warning("%s; its photos are embedded again", error.what)
    return found


def remove_done(objects: ObjectStore, done: dict[Identity, pa.Array]) -> int:
    """Delete shards that nobody needs any more; return how many.

    Args:
        objects: the lake's objects.
        done: the identities in use, each with the photos of which no shard is needed: those whose embedding stands in
            the table as a receipt names it, and those that were refused. Shards of any other identity go.
    """
    by_folder = {identity.folder: photos for identity, photos in done.items()}
    removed = 0
    for key in list(objects.list(ROOM)):
        photos = by_folder.get(key[: key.rfind("/") + 1])
        if photos is None or _is_done(objects, key, photos):
            objects.delete(key)
            removed += 1
    return removed


def _is_done(objects: ObjectStore, key: str, photos: pa.Array) -> bool:
    try:
        held = read_shard(objects, key)["sha256"]
    except (CorruptError, ObjectMissingError):
        return True
    return bool(pc.all(pc.is_in(held, value_set=photos), min_count=0).as_py())
