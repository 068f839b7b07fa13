"""Photos and artifacts by their digest: kept once, and never handed out changed."""

import hashlib
from pathlib import Path

import pytest

from autodetect.errors import CorruptError
from autodetect.lake.blobs import BlobStore
from autodetect.lake.lake import Lake
from autodetect.lake.objects import LocalStore, ObjectMissingError

DATA = bytes(range(256)) * 5000
SHA256 = hashlib.sha256(DATA).hexdigest()


class CountingStore(LocalStore):
    """Counts what is written."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.puts = 0

    def put(self, key: str, data: bytes) -> None:
        self.puts += 1
        super().put(key, data)


@pytest.fixture
def objects(tmp_path: Path) -> CountingStore:
    return CountingStore(tmp_path / "objects")


def test_bytes_and_files_are_kept_by_their_sha256(objects: CountingStore, tmp_path: Path) -> None:
    blobs = BlobStore(objects, "photos")
    (tmp_path / "file").write_bytes(DATA)
    assert blobs.put(b"") == hashlib.sha256(b"").hexdigest()
    assert blobs.put_file(tmp_path / "file") == SHA256
    assert blobs.read(SHA256) == blobs.fetch(SHA256, tmp_path / "new" / "copy").read_bytes() == DATA
    assert list(objects.list("photos/")) == sorted(f"photos/{d[:2]}/{d}" for d in (SHA256, blobs.put(b"")))


def test_what_is_held_is_not_written_again(objects: CountingStore) -> None:
    blobs = BlobStore(objects, "photos")
    assert blobs.put(DATA) == blobs.put(DATA) == SHA256
    assert objects.puts == 1


def test_rooms_do_not_share_blobs(lake: Lake) -> None:
    sha256 = lake.photos.put(DATA)
    assert lake.photos.has(sha256)
    assert not lake.artifacts.has(sha256)
    assert lake.artifacts.missing([sha256, sha256]) == [sha256, sha256]
    assert lake.photos.missing([sha256, "0" * 64]) == ["0" * 64]


def test_a_blob_that_is_not_there_is_told_as_missing(objects: CountingStore, tmp_path: Path) -> None:
    for use in (lambda b: b.read(SHA256), lambda b: b.fetch(SHA256, tmp_path / "copy")):
        with pytest.raises(ObjectMissingError, match=SHA256):
            use(BlobStore(objects, "photos"))
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("damaged", [b"", DATA[:-1], DATA[:-1] + b"\0", DATA + b"\n"])
def test_a_corrupt_blob_is_never_handed_out(objects: CountingStore, tmp_path: Path, damaged: bytes) -> None:
    blobs = BlobStore(objects, "photos")
    objects.put(f"photos/{blobs.put(DATA)[:2]}/{SHA256}", damaged)
    with pytest.raises(CorruptError, match=SHA256):
        blobs.read(SHA256)
    with pytest.raises(CorruptError, match="has changed"):
        blobs.fetch(SHA256, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
