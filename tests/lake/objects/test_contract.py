"""What every object store promises."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autodetect.errors import CorruptError, UsageError
from autodetect.lake.objects import ObjectMissingError, ObjectStore, probe_put_if_absent
from autodetect.lake.objects.base import MAX_POLLED_BYTES

KEYS = ["a.json", "a/b.json", "a/b/c é.json", "a/b0.json", "history/10.json", "history/9.json"]
on_swift_too = pytest.mark.parametrize(
    "store",
    ["folder", pytest.param("s3", marks=pytest.mark.s3), pytest.param("swift", marks=pytest.mark.swift)],
    indirect=True,
)
BAD_KEYS = ["", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a\\b", "a\nb", "a/.partial-1", "k" * 241]


@on_swift_too
def test_bytes_come_back_as_they_were_put(store: ObjectStore, tmp_path: Path) -> None:
    large = bytes(range(256)) * 20_000
    (tmp_path / "large").write_bytes(large)
    store.put("empty", b"")
    store.put("deep/er/small", b"\0x")
    store.put_file("large", tmp_path / "large")
    assert [store.get(key) for key in ("empty", "deep/er/small", "large")] == [b"", b"\0x", large]
    assert [store.size(key) for key in ("empty", "deep/er/small", "large")] == [0, 2, len(large)]
    assert store.exists("empty")
    store.download("large", tmp_path / "new folder" / "copy")
    assert (tmp_path / "new folder" / "copy").read_bytes() == large


@on_swift_too
def test_list_gives_the_keys_below_a_prefix_in_order(store: ObjectStore) -> None:
    assert list(store.list()) == []
    for key in reversed(KEYS):
        store.put(key, b"x")
    assert list(store.list()) == sorted(KEYS)
    assert list(store.list("history/")) == ["history/10.json", "history/9.json"]
    assert list(store.list("a/b")) == ["a/b.json", "a/b/c é.json", "a/b0.json"]
    assert list(store.list("nothing/")) == []


@on_swift_too
def test_what_is_not_there_is_told_as_missing(store: ObjectStore, tmp_path: Path) -> None:
    store.put("a/b", b"x")
    for key in ("absent", "a", "a/b/c"):
        assert not store.exists(key)
        for read in (store.get, store.size, lambda k: store.download(k, tmp_path / "copy")):
            with pytest.raises(ObjectMissingError, match=key):
                read(key)
        store.delete(key)
    assert not (tmp_path / "copy").exists()
    assert store.get("a/b") == b"x"
    store.delete("a/b")
    assert not store.exists("a/b")


def test_a_reader_sees_the_old_or_the_new_bytes_never_a_mixture(store: ObjectStore) -> None:
    versions = [bytes([n]) * 300_000 for n in range(8)]
    store.put("key", versions[0])
    done = threading.Event()

    def read_until_done() -> set[bytes]:
        seen = set()
        while not done.is_set():
            seen.add(store.get("key"))
        return seen

    with ThreadPoolExecutor() as pool:
        readers = [pool.submit(read_until_done) for _ in range(2)]
        for version in versions * 3:
            store.put("key", version)
        done.set()
        seen = set.union(*(reader.result() for reader in readers))
    assert seen
    assert seen <= set(versions)


def test_of_sixteen_writers_exactly_one_creates_a_key(store: ObjectStore) -> None:
    for turn in range(5):
        start = threading.Barrier(16)

        def create(writer: int, key: str = f"race/{turn}", start: threading.Barrier = start) -> bool:
            start.wait()
            return store.put_if_absent(key, b"%d" % writer)

        with ThreadPoolExecutor(16) as pool:
            won = list(pool.map(create, range(16)))
        assert won.count(True) == 1
        assert store.get(f"race/{turn}") == b"%d" % won.index(True)


@on_swift_too
def test_put_if_absent_leaves_what_is_there(store: ObjectStore) -> None:
    store.put("key", b"old")
    assert not store.put_if_absent("key", b"new")
    assert store.get("key") == b"old"
    store.delete("key")
    assert store.put_if_absent("key", b"new")
    assert store.get("key") == b"new"


@on_swift_too
def test_only_what_has_changed_is_brought(store: ObjectStore) -> None:
    store.put("key", b"one")
    first = store.get_if_changed("key", None)
    assert first is not None
    assert first[0] == b"one"
    assert store.get_if_changed("key", first[1]) is None
    store.put("key", b"two")  # as long as before, perhaps within the same tick of the clock
    second = store.get_if_changed("key", first[1])
    assert second is not None
    assert second[0] == b"two"
    assert store.get_if_changed("key", second[1]) is None
    store.put("key", b" " * (MAX_POLLED_BYTES + 1))
    with pytest.raises(CorruptError, match="longer than the 65,536 bytes"):
        store.get_if_changed("key", None)
    store.delete("key")
    for etag in (None, second[1]):
        with pytest.raises(ObjectMissingError, match="key"):
            store.get_if_changed("key", etag)


@pytest.mark.parametrize("key", BAD_KEYS)
def test_keys_that_could_leave_the_store_are_refused(store: ObjectStore, tmp_path: Path, key: str) -> None:
    (tmp_path / "file").write_bytes(b"x")
    uses = [
        lambda: store.get(key),
        lambda: store.get_if_changed(key, None),
        lambda: store.put(key, b""),
        lambda: store.put_file(key, tmp_path / "file"),
        lambda: store.put_if_absent(key, b""),
        lambda: store.exists(key),
        lambda: store.delete(key),
        lambda: store.download(key, tmp_path / "copy"),
    ]
    for use in uses:
        with pytest.raises(UsageError, match="cannot be an object's key"):
            use()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_prefix_that_could_leave_the_store_is_refused(store: ObjectStore) -> None:
    for prefix in ("..", "../", "a/../..", "/etc/"):
        with pytest.raises(UsageError):
            list(store.list(prefix))


def test_a_file_that_is_not_there_cannot_be_stored(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="absent"):
        store.put_file("key", tmp_path / "absent")


def test_a_sound_store_passes_the_probe_and_is_left_clean(store: ObjectStore) -> None:
    probe_put_if_absent(store)
    assert list(store.list()) == []
