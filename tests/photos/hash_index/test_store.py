"""A saved index comes back as it was; only new segments are written; damage and killed writers are never taken in."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from autodetect.errors import CorruptError
from autodetect.lake.objects import LocalStore, ObjectMissingError, ObjectStore, open_objects
from autodetect.photos.hash_index.index import HashIndex
from autodetect.photos.hash_index.store import IndexRecord, load, load_or_rebuild, rebuild, save
from autodetect.photos.phash import PIPELINE
from tests.photos.hash_index.filed import by_comparison, grown, hashes_of, names_of

PHOTOS = 400


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.s3)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """A lake's objects, in a folder and on a real S3 server."""
    if request.param == "folder":
        return LocalStore(tmp_path / "lake")
    return open_objects(f"s3://{request.getfixturevalue('bucket')}/lake")


@pytest.fixture
def folder(tmp_path: Path) -> LocalStore:
    """A local lake's objects."""
    return LocalStore(tmp_path / "lake")


def sample(photos: int = PHOTOS) -> tuple[list[str], np.ndarray]:
    return names_of(range(photos)), hashes_of(np.random.default_rng(5), photos, 2, 5)


def sample_index(cuts: list[int] | None = None) -> HashIndex:
    return grown(*sample(), [300, 390] if cuts is None else cuts)


def test_an_index_comes_back_as_it_was(store: ObjectStore, tmp_path: Path) -> None:
    names, hashes = sample()
    index = sample_index()
    record = save(store, index, tmp_path / "work")
    told = json.loads(json.dumps(record.model_dump(mode="json")))
    loaded = load(store, IndexRecord.model_validate(told), tmp_path / "other work")
    assert [segment.digest for segment in loaded.segments] == [segment.digest for segment in record.segments]
    assert (len(loaded), loaded.pipeline, record.total) == (PHOTOS, index.pipeline, PHOTOS)
    queries = hashes[:40] ^ 3
    asking, known = loaded.search(queries, 8)
    assert sorted(zip(asking.tolist(), loaded.names(known), strict=True)) == by_comparison(queries, names, hashes, 8)
    more = loaded.add(names_of(range(PHOTOS, 2 * PHOTOS)), hashes)
    assert sorted(more.names(np.arange(len(more)))) == sorted(names_of(range(2 * PHOTOS)))


def test_a_night_writes_its_new_segments_alone(store: ObjectStore, tmp_path: Path) -> None:
    names, hashes = sample()
    first = save(store, grown(names[:390], hashes[:390], []), tmp_path)
    before = set(store.list("index/"))
    index = load(store, first, tmp_path).add(names[390:], hashes[390:])
    written: list[str] = []
    put_file = store.put_file
    store.put_file = lambda key, path: (written.append(key), put_file(key, path))[1]  # type: ignore[method-assign]
    second = save(store, index, tmp_path)
    assert second.segments[0] == first.segments[0]
    assert set(store.list("index/")) - before == set(written) == {f"index/{second.segments[1].digest}.arrow"}
    assert save(store, index, tmp_path) == second
    assert len(written) == 1


def test_equal_content_gives_equal_digests(tmp_path: Path) -> None:
    names, hashes = sample()
    records = [
        save(LocalStore(tmp_path / name), index, tmp_path)
        for name, index in (
            ("one", grown(names, hashes, [])),
            ("in parts", grown(names, hashes, [200])),
            ("the other way round", grown(names[::-1], hashes[::-1], [])),
        )
    ]
    assert records[0] == records[1] == records[2]


def test_local_segments_are_mapped_and_nothing_stays_in_the_scratch_folder(folder: LocalStore, tmp_path: Path) -> None:
    record = save(folder, sample_index(), tmp_path / "work")
    loaded = load(folder, record, tmp_path / "work")
    assert [path for path in (tmp_path / "work").rglob("*") if path.is_file()] == []
    if Path("/proc/self/maps").is_file():
        maps = Path("/proc/self/maps").read_text("utf-8")
        assert all(segment.digest in maps for segment in loaded.segments)
    assert all(not segment.hashes.flags.owndata for segment in loaded.segments)


@pytest.mark.s3
def test_remote_segments_are_downloaded_once_and_swept_when_merged_away(bucket: str, tmp_path: Path) -> None:
    store, work = open_objects(f"s3://{bucket}/lake"), tmp_path / "work"
    index = sample_index([300, 360])
    record = save(store, index, tmp_path / "another machine")
    asked: list[str] = []
    download = store.download
    store.download = lambda key, path: (asked.append(key), download(key, path))[1]  # type: ignore[method-assign]
    loaded = load(store, record, work)
    load(store, record, work)
    assert asked == [f"index/{segment.digest}.arrow" for segment in record.segments]
    copy = work / asked[0]
    copy.write_bytes(copy.read_bytes()[:-1])  # a damaged copy is fetched again
    assert load(store, record, work).names(np.arange(PHOTOS)) == index.names(np.arange(PHOTOS))
    assert asked[2:] == asked[:1]
    names, hashes = names_of(range(PHOTOS, 3 * PHOTOS)), hashes_of(np.random.default_rng(6), 2 * PHOTOS, 2, 5)
    merged = save(store, loaded.add(names, hashes), work)
    (work / "index" / ".partial-of-a-killed-run").write_bytes(b"half")
    load(store, merged, work)
    assert asked[3:] == []
    assert [path.stem for path in (work / "index").iterdir()] == [segment.digest for segment in merged.segments]


def test_a_damaged_segment_is_told_with_what_to_do(store: ObjectStore, tmp_path: Path) -> None:
    record = save(store, sample_index(), tmp_path / "work")
    (key, *_) = store.list("index/")
    data = bytearray(store.get(key))
    data[len(data) // 2] ^= 1
    store.put(key, bytes(data))
    with pytest.raises(CorruptError, match=f"{key} has changed") as told:
        load(store, record, tmp_path / "elsewhere")
    assert "remove it" in told.value.remedy
    store.delete(key)
    with pytest.raises(ObjectMissingError, match=key):
        load(store, record, tmp_path / "elsewhere")


@pytest.mark.parametrize(
    "change",
    [{"pipeline": "another"}, {"segments": "photos"}, {"segments": "hashes"}],
)
def test_a_segment_that_is_not_what_its_record_says_is_refused(
    folder: LocalStore, tmp_path: Path, change: dict[str, str]
) -> None:
    record = save(folder, sample_index(), tmp_path)
    if field := {"photos": "photos", "hashes": "hashes"}.get(change.get("segments", "")):
        first = record.segments[0]
        changed = first.model_copy(update={field: getattr(first, field) + 1})
        record = record.model_copy(update={"segments": (changed, *record.segments[1:])})
    else:
        record = record.model_copy(update=change)
    with pytest.raises(CorruptError, match="its record says"):
        load(folder, record, tmp_path)


def test_a_file_that_is_no_segment_is_refused(folder: LocalStore, tmp_path: Path) -> None:
    record = save(folder, sample_index([]), tmp_path)
    files: list[bytes] = [b"", b"ARROW1", folder.get(next(folder.list("index/")))[:-200]]
    table = tmp_path / "table.arrow"
    with pa.ipc.new_file(str(table), pa.schema({"a": pa.int64()})) as writer:
        writer.write_table(pa.table({"a": [1, 2]}))
    for data in (*files, table.read_bytes()):
        digest = store_under_its_digest(folder, data)
        segment = record.segments[0].model_copy(update={"digest": digest})
        with pytest.raises(CorruptError, match="is no segment of the hash index"):
            load(folder, record.model_copy(update={"segments": (segment,)}), tmp_path)


def test_without_a_record_the_index_is_empty_and_of_todays_pipeline(folder: LocalStore, tmp_path: Path) -> None:
    index = load(folder, None, tmp_path)
    assert (len(index), index.pipeline) == (0, PIPELINE)
    record = save(folder, index, tmp_path)
    assert record == IndexRecord(pipeline=PIPELINE)
    assert len(load(folder, record, tmp_path)) == 0


def photos_table() -> pa.Table:
    """Photos of which 0 to 9 are not sound, 10 to 19 of another pipeline, and 20 without a hash."""
    names, hashes = sample()
    entries: list[list[int] | None] = [list(dict.fromkeys(row)) for row in hashes.tolist()]
    verdicts = ["photo.blank"] * 10 + ["ok"] * (PHOTOS - 10)
    pipelines = [PIPELINE] * 10 + ["another", None] * 5 + [PIPELINE] * (PHOTOS - 20)
    entries[0], entries[20] = None, None
    rows = {"sha256": names, "phash_entries": entries, "pipeline": pipelines, "verdict": verdicts}
    kinds = {"phash_entries": pa.list_(pa.int64())}
    table = pa.table({name: pa.array(column, kinds.get(name)) for name, column in rows.items()})
    return pa.concat_tables([table.slice(0, 100), table.slice(100)])


def test_a_rebuilt_index_finds_what_the_photos_table_says() -> None:
    names, hashes = sample()
    index = rebuild(photos_table())
    assert sorted(index.names(np.arange(len(index)))) == sorted(names[20:])
    queries = hashes[:50]
    asking, known = index.search(queries, 8)
    found = sorted(zip(asking.tolist(), index.names(known), strict=True))
    assert found == by_comparison(queries, names[21:], hashes[21:], 8)
    assert len(rebuild(photos_table().slice(0, 20))) == len(rebuild(photos_table().slice(0, 0))) == 0


def test_the_index_is_rebuilt_where_it_cannot_be_loaded(folder: LocalStore, tmp_path: Path) -> None:
    names, hashes = sample()
    record = save(folder, HashIndex.empty(PIPELINE).add(names[:30], hashes[:30]), tmp_path)
    reads: list[int] = []

    def photos() -> pa.Table:
        reads.append(1)
        return photos_table()

    assert len(load_or_rebuild(folder, record, photos, tmp_path)) == 30
    assert reads == []
    rebuilt = PHOTOS - 20
    other = record.model_copy(update={"layout": "older"})
    assert len(load_or_rebuild(folder, other, photos, tmp_path)) == rebuilt
    assert len(load_or_rebuild(folder, None, photos, tmp_path)) == rebuilt
    assert len(load_or_rebuild(folder, record, photos, tmp_path, "another")) == 5
    (key,) = folder.list("index/")
    whole = folder.get(key)
    folder.put(key, whole[:-1])
    assert len(load_or_rebuild(folder, record, photos, tmp_path)) == rebuilt
    folder.delete(key)
    assert len(load_or_rebuild(folder, record, photos, tmp_path)) == rebuilt


def test_a_damaged_segment_is_written_anew_under_its_name(folder: LocalStore, tmp_path: Path) -> None:
    record = save(folder, rebuild(photos_table()), tmp_path)
    (key,) = folder.list("index/")
    folder.put(key, folder.get(key)[:-1])
    assert save(folder, load_or_rebuild(folder, record, photos_table, tmp_path), tmp_path) == record
    assert len(load(folder, record, tmp_path)) == record.total


SAVE_SLOWLY = """
import sys, time
from pathlib import Path
from autodetect.lake.objects import LocalStore, local
from tests.photos.hash_index.test_store import sample_index
from autodetect.photos.hash_index.store import save

whole = local.read_chunks

def slowly(path):  # a minute at most, should nobody kill it
    for chunk in whole(path):
        for start in range(0, len(chunk), 256):
            yield chunk[start:start + 256]
            time.sleep(0.05)

local.read_chunks = slowly
print("saving", flush=True)
save(LocalStore(Path(sys.argv[1])), sample_index(), Path(sys.argv[2]))
"""


def test_a_killed_writer_leaves_no_half_segment(folder: LocalStore, tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", SAVE_SLOWLY, str(folder.root), str(tmp_path / "work")]
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"saving\n"
        while not [path for path in folder.root.glob("index/.partial-*") if path.stat().st_size]:
            assert writer.poll() is None
        writer.send_signal(signal.SIGKILL)
    assert list(folder.list("index/")) == []
    record = save(LocalStore(tmp_path / "elsewhere"), sample_index(), tmp_path)
    with pytest.raises(ObjectMissingError):
        load(folder, record, tmp_path / "work")
    assert save(folder, sample_index(), tmp_path / "work") == record
    assert len(load(folder, record, tmp_path / "work")) == PHOTOS


def store_under_its_digest(folder: LocalStore, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    folder.put(f"index/{digest}.arrow", data)
    return digest
