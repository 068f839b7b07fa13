"""Shards: finished embeddings survive a kill, damage is noticed, and nothing goes before its rows are safe."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from autodetect.embeddings.engine import to_bytes
from autodetect.embeddings.shards import Identity, held, remove_done, taken, write_shard
from autodetect.lake.objects import LocalStore

ONE = Identity(backbone="b", preprocessing="p", engine="e", view="plain")
OTHER = ONE.model_copy(update={"view": "mirror"})
PHOTOS = [f"{number:064x}" for number in range(6)]
VECTORS = np.arange(18, dtype=np.float32).reshape(6, 3)


@pytest.fixture
def objects(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


def test_what_is_wanted_is_taken_once_from_the_right_identity(objects: LocalStore) -> None:
    write_shard(objects, ONE, PHOTOS[:4], VECTORS[:4])
    write_shard(objects, ONE, PHOTOS[2:5], VECTORS[2:5])
    write_shard(objects, OTHER, PHOTOS, VECTORS)
    rows = taken(objects, ONE, [PHOTOS[5], PHOTOS[3], PHOTOS[0]])
    assert rows["sha256"].to_pylist() == [PHOTOS[0], PHOTOS[3]]
    assert rows["vector"].to_pylist() == to_bytes(VECTORS[[0, 3]])
    assert held(objects, ONE) == set(PHOTOS[:5])


def test_equal_work_is_one_file(objects: LocalStore) -> None:
    first = write_shard(objects, ONE, PHOTOS, VECTORS)
    assert write_shard(objects, ONE, PHOTOS, VECTORS) == first
    assert list(objects.list("embeddings/")) == [first]


def test_a_damaged_shard_is_deleted_and_told(objects: LocalStore, caplog: pytest.LogCaptureFixture) -> None:
    key = write_shard(objects, ONE, PHOTOS[:2], VECTORS[:2])
    objects.put(key, objects.get(key)[:100])
    write_shard(objects, ONE, PHOTOS[2:], VECTORS[2:])
    assert held(objects, ONE) == set(PHOTOS[2:])
    assert taken(objects, ONE, PHOTOS)["sha256"].to_pylist() == PHOTOS[2:]
    assert not objects.exists(key)
    assert "damaged" in caplog.text


def test_a_shard_goes_only_when_all_its_photos_are_done_or_nobody_wants_its_identity(objects: LocalStore) -> None:
    done = write_shard(objects, ONE, PHOTOS[:2], VECTORS[:2])
    half = write_shard(objects, ONE, PHOTOS[1:4], VECTORS[1:4])
    stray = write_shard(objects, OTHER, PHOTOS, VECTORS)
    assert remove_done(objects, {ONE: pa.array(PHOTOS[:3])}) == 2
    assert [objects.exists(key) for key in (done, half, stray)] == [False, True, False]
