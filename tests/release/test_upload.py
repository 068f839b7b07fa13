"""Bringing files into a store: several at once, each read back, and one clear failure."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from autodetect.errors import CorruptError, DependencyDownError, UsageError
from autodetect.lake.archives import sha256_bytes
from autodetect.lake.objects import LocalStore
from autodetect.release.layout import object_key
from autodetect.release.stage import open_store
from autodetect.release.upload import THREADS, described, upload
from autodetect.release.verify import verify
from autodetect.settings import Settings
from tests.release.sample import CONTENT, CountingStore, files, publish_night

MANY = {f"{n}.bin": bytes([n]) * (n + 1) for n in range(20)}


class FailingStore(LocalStore):
    """Takes no file of the size `refused`, and takes a moment for every other."""

    refused = 4

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.begun: list[int] = []

    def put_file(self, key: str, path: Path) -> None:
        self.begun.append(path.stat().st_size)
        if path.stat().st_size == self.refused:
            raise DependencyDownError("the store does not answer")
        time.sleep(0.02)
        super().put_file(key, path)


class DamagingStore(LocalStore):
    """Gives back a byte more than it was given, or one less."""

    change = 1

    def chunks(self, key: str) -> Iterator[bytes]:
        data = b"".join(super().chunks(key))
        yield data + b"x" if self.change > 0 else data[:-1]


class CrowdedStore(LocalStore):
    """Counts how many files are on their way at once, and whether sizes are asked for."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.now = self.most = self.asked = 0
        self._lock = threading.Lock()

    def put_file(self, key: str, path: Path) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.01)
        super().put_file(key, path)
        with self._lock:
            self.now -= 1

    def size(self, key: str) -> int:
        self.asked += 1
        return super().size(key)


def test_a_few_files_are_on_their_way_at_once_and_sizes_are_not_asked_for(tmp_path: Path) -> None:
    store, sent = CrowdedStore(tmp_path / "store"), files(tmp_path / "files", MANY)
    assert upload(store, sent, described(sent)) == tuple(MANY)
    assert 1 < store.most <= THREADS
    assert upload(store, sent, described(sent)) == ()
    assert store.asked == 0


def test_a_failure_is_raised_as_it_is_and_what_has_not_begun_stays_here(tmp_path: Path) -> None:
    store, sent = FailingStore(tmp_path / "store"), files(tmp_path / "files", MANY)
    store.refused = 18  # the third largest
    with pytest.raises(DependencyDownError, match="the store does not answer"):
        upload(store, sent, described(sent))
    assert 20 in store.begun[:THREADS]
    assert len(store.begun) <= 2 * THREADS
    arrived = len(list(store.list("objects/")))
    store.refused = 0
    assert len(upload(store, sent, described(sent))) == len(MANY) - arrived
    assert all(store.get(object_key(sha256_bytes(data))) == data for data in MANY.values())


def test_two_names_for_the_same_bytes_are_sent_once(tmp_path: Path) -> None:
    store = CountingStore(tmp_path / "store")
    sent = files(tmp_path / "files", {"a.json": b"same", "b.json": b"other", "c.json": b"same"})
    assert upload(store, sent, described(sent)) == ("a.json", "b.json", "c.json")
    assert Counter(store.written).most_common(1)[0][1] == 1
    assert upload(store, sent, described(sent)) == ()


@pytest.mark.parametrize("change", [1, -1])
def test_an_object_that_comes_back_longer_or_shorter_is_refused(tmp_path: Path, change: int) -> None:
    store, sent = DamagingStore(tmp_path / "store"), files(tmp_path / "files", {"model.zip": b"model"})
    store.change = change
    with pytest.raises(CorruptError, match=r"model\.zip"):
        upload(store, sent, described(sent))


def test_a_damaged_object_is_sent_again(tmp_path: Path) -> None:
    store, sent = LocalStore(tmp_path / "store"), files(tmp_path / "files", MANY)
    upload(store, sent, described(sent))
    key = object_key(sha256_bytes(MANY["7.bin"]))
    for damaged in (b"", bytes(8), MANY["7.bin"] + b"x"):
        store.put(key, damaged)
        assert upload(store, sent, described(sent)) == ("7.bin",)
        assert store.get(key) == MANY["7.bin"]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    sent = files(tmp_path / "files", MANY)
    sent[3].path.unlink()
    with pytest.raises(UsageError, match=r"3\.bin"):
        described(sent)


@pytest.mark.swift
def test_a_store_with_races_takes_releases_of_a_single_writer(swift_bucket: str, tmp_path: Path) -> None:
    settings = Settings(store=f"s3://{swift_bucket}/releases")
    with pytest.raises(UsageError, match="single_writer = true"):
        open_store(settings)
    store = open_store(settings.with_values({"single_writer": True}))
    first = publish_night(store, tmp_path, 1)
    second = publish_night(store, tmp_path, 2, card_md=b"# Another model\n")
    assert (first.sequence, second.sequence) == (1, 2)
    assert set(second.reused) == set(CONTENT) - {"card.md"}
    assert verify(store) == []
