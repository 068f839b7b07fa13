"""The hash index in the lake: one content-addressed object per segment, `index/<sha256>.arrow`, named by a record.

The record goes into the receipt of the stage that saved the index: objects that no receipt names count for nothing. A
night writes only the segments that are new; the others have their objects already. Segments that were merged away
stay, because earlier receipts name them: sweeping those that none names any more is left to lake maintenance.
"""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.errors import CorruptError
from autodetect.lake.archives import sha256_file
from autodetect.lake.objects import ObjectMissingError, ObjectStore
from autodetect.lake.objects.durable import partial_file
from autodetect.photos.hash_index.file import LAYOUT, read_segment, write_segment
from autodetect.photos.hash_index.index import HashIndex, packed
from autodetect.photos.hash_index.segment import Segment, build
from autodetect.photos.phash import PIPELINE
from autodetect.records import Record

log = logging.getLogger(__name__)
ROOM = "index"
REBUILT_AT_ONCE = 1 << 16  # rows of the photos table


class SegmentRecord(Record):
    """One segment: the SHA-256 of its file, its photos, and the hashes by which they are filed."""

    digest: str
    photos: int
    hashes: int


class IndexRecord(Record):
    """What a saved index consists of; the radius of a search is no part of it.

    `layout` says how its files are laid out, `total` is the number of photos. `model_dump(mode="json")` goes into a
    receipt's facts.
    """

    pipeline: str
    layout: str = LAYOUT
    segments: tuple[SegmentRecord, ...] = ()
    total: int = 0


def save(objects: ObjectStore, index: HashIndex, work: Path) -> IndexRecord:
    """Write those segments that the lake does not hold yet, and return what names them all.

    Killed half-way, it leaves whole objects that no record names.

    Args:
        objects: the lake's objects.
        index: what to save; equal segments give equal digests.
        work: local scratch folder; keeps a copy of what it uploaded where the lake is remote.

    Raises:
        DependencyDownError: the store does not answer.
    """
    segments = tuple(_saved(objects, segment, index.pipeline, work) for segment in index.segments)
    return IndexRecord(pipeline=index.pipeline, segments=segments, total=len(index))


def load(objects: ObjectStore, record: IndexRecord | None, work: Path) -> HashIndex:
    """Return a saved index; without a record, an empty one of today's pipeline.

    Every segment's digest is checked, which reads it once from end to end. A local lake's files are mapped where they
    lie; those of a remote one are downloaded into `work` and kept for the next night. What the record does not name is
    removed from there.

    Raises:
        ObjectMissingError: a segment is not in the lake: `rebuild` the index.
        CorruptError: a segment is damaged, or is not what the record says.
    """
    if record is None:
        return HashIndex.empty(PIPELINE)
    segments = tuple(_loaded(objects, segment, record.pipeline, work) for segment in record.segments)
    _tidy(work / ROOM, {Path(_key(segment.digest)).name for segment in record.segments})
    return HashIndex(record.pipeline, segments)


def load_or_rebuild(
    objects: ObjectStore,
    record: IndexRecord | None,
    photos: Callable[[], pa.Table],
    work: Path,
    pipeline: str = PIPELINE,
) -> HashIndex:
    """Return the saved index; a rebuilt one without a record, for another pipeline or layout, or after damage.

    Args:
        objects: the lake's objects.
        record: what the newest receipt says, if any.
        photos: reads the `photos` table as of that receipt (what `rebuild` wants of it); asked only if it must be.
        work: as for `load`.
        pipeline: what tonight's hashes are made with.
    """
    if record is not None and (record.pipeline, record.layout) == (pipeline, LAYOUT):
        try:
            return load(objects, record, work)
        except (ObjectMissingError, CorruptError) as error:
            log.warning("photos: %s; the hash index is built anew", error.what)
    return rebuild(photos(), pipeline)


def rebuild(photos: pa.Table, pipeline: str = PIPELINE) -> HashIndex:
    """Return the index of all photos that are `ok` and were hashed by this pipeline, in one segment.

    It finds what an index finds that has grown night by night; its segments are others, and so are their digests.

    Args:
        photos: sha256, phash_entries (list of int64), pipeline, verdict; names may come once only.
        pipeline: what tonight's hashes are made with.
    """
    names, hashes, owners, count = [], [], [], 0
    columns = ["sha256", "phash_entries", "pipeline", "verdict"]
    for batch in photos.select(columns).to_batches(max_chunksize=REBUILT_AT_ONCE):
        ours = batch.filter(pc.and_(pc.equal(batch["verdict"], "ok"), pc.equal(batch["pipeline"], pipeline)))
        names.append(packed(ours["sha256"].to_pylist()))
        hashes.append(pc.list_flatten(ours["phash_entries"]).to_numpy().view(np.uint64))
        owners.append(pc.list_parent_indices(ours["phash_entries"]).to_numpy() + count)
        count += ours.num_rows
    if not count:
        return HashIndex.empty(pipeline)
    return HashIndex(pipeline, (build(np.concatenate(names), np.concatenate(hashes), np.concatenate(owners)),))


def _saved(objects: ObjectStore, segment: Segment, pipeline: str, work: Path) -> SegmentRecord:
    if not segment.digest or not objects.exists(_key(segment.digest)):
        return _record(segment, _written(objects, segment, pipeline, work))
    return _record(segment, segment.digest)


def _written(objects: ObjectStore, segment: Segment, pipeline: str, work: Path) -> str:
    """Write a segment's object, unless it is there whole, and return its digest."""
    with partial_file(work / ROOM) as (path, file):
        write_segment(segment, pipeline, file)
        file.flush()
        digest = sha256_file(path)
        key = _key(digest)
        if not _holds(objects, digest, work):
            objects.put_file(key, path)
        if objects.local_path(key) is None:
            path.replace(work / key)
    return digest


def _loaded(objects: ObjectStore, record: SegmentRecord, pipeline: str, work: Path) -> Segment:
    key = _key(record.digest)
    path = objects.local_path(key) or _downloaded(objects, record.digest, work / key)
    if (found := sha256_file(path)) != record.digest:
        raise CorruptError(
            f"{objects.url}/{key} has changed: its SHA-256 is now {found}",
            "restore it from a backup, or remove it: the next night builds the index anew from the `photos` table",
        )
    segment, told = read_segment(path, record.digest)
    if (told, _record(segment, record.digest)) != (pipeline, record):
        raise CorruptError(
            f"{objects.url}/{key} holds {segment.photos:,} photos of pipeline {told!r}, its record says "
            f"{record.photos:,} of {pipeline!r}",
            "remove it: the next night builds the index anew from the `photos` table",
        )
    return segment


def _holds(objects: ObjectStore, digest: str, work: Path) -> bool:
    """Return whether the lake holds a segment whole; a writer that was killed later may have left it."""
    key = _key(digest)
    if not objects.exists(key):
        return False
    return sha256_file(objects.local_path(key) or _downloaded(objects, digest, work / key)) == digest


def _downloaded(objects: ObjectStore, digest: str, path: Path) -> Path:
    """Return a local copy, downloaded unless a whole one is here already."""
    if not path.is_file() or sha256_file(path) != digest:
        objects.download(_key(digest), path)
    return path


def _tidy(folder: Path, named: set[str]) -> None:
    """Remove copies of segments that were merged away, and what killed writers left."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in named:
            path.unlink()


def _record(segment: Segment, digest: str) -> SegmentRecord:
    return SegmentRecord(digest=digest, photos=segment.photos, hashes=segment.rows)


def _key(digest: str) -> str:
    return f"{ROOM}/{digest}.arrow"
