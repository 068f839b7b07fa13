"""The client: fetches what is new, trusts digests only, never goes back, survives a dead store."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from autodetect.errors import CorruptError, DependencyDownError, UsageError
from autodetect.lake.archives import sha256_bytes
from autodetect.lake.objects import LocalStore, S3Options, S3Store, open_objects
from autodetect.release.client import OlderReleaseError, current, sync
from autodetect.release.history import commit
from autodetect.release.layout import LATEST, OBJECTS, history_key
from tests.release.sample import CONTENT, KEY, NOW, CountingStore, FallingStore, publish_night


def objects_read(store: CountingStore) -> int:
    return sum(key.startswith(OBJECTS) for key in store.read)


def test_a_client_gets_the_newest_release(store_url: str, tmp_path: Path) -> None:
    store = open_objects(store_url)
    publish_night(store, tmp_path, 1)
    published = publish_night(store, tmp_path, 2)
    synced = sync(store, tmp_path / "cache")
    assert (synced.release_id, synced.sequence, synced.offline) == (published.release_id, 2, False)
    assert {name: synced.path(name).read_bytes() for name in CONTENT} == CONTENT
    assert current(tmp_path / "cache") == sync(open_objects(store_url), tmp_path / "cache")
    assert not synced.entry.expired(NOW)
    assert synced.entry.expired(NOW + timedelta(days=31))


def test_only_what_changed_is_fetched(tmp_path: Path) -> None:
    store = CountingStore(tmp_path / "store")
    publish_night(store, tmp_path, 1)
    store.read.clear()
    assert set(sync(store, tmp_path / "cache").fetched) == set(CONTENT)
    assert objects_read(store) == len(CONTENT)
    publish_night(store, tmp_path, 2, card_md=b"# Second\n", new_json=b"[]")
    store.read.clear()
    assert sync(store, tmp_path / "cache").fetched == ("card.md", "new.json")
    assert objects_read(store) == 2
    store.read.clear()
    assert sync(store, tmp_path / "cache").fetched == ()
    assert objects_read(store) == 0


def test_only_wanted_files_are_fetched(tmp_path: Path) -> None:
    store = CountingStore(tmp_path / "store")
    publish_night(store, tmp_path, 1)
    store.read.clear()
    synced = sync(store, tmp_path / "cache", wanted=["classes.json"])
    assert (synced.fetched, objects_read(store)) == (("classes.json",), 1)
    with pytest.raises(UsageError, match=r"card\.md"):
        synced.path("card.md")
    with pytest.raises(UsageError, match="no file 'absent'"):
        sync(store, tmp_path / "cache", wanted=["absent"])
    assert sync(store, tmp_path / "cache", wanted=["card.md"]).path("classes.json").is_file()


def test_an_older_or_rewritten_history_is_refused(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    shutil.copytree(store.root, tmp_path / "replayed")
    second = publish_night(store, tmp_path, 2)
    sync(store, tmp_path / "cache")
    rewritten = LocalStore(tmp_path / "rewritten")
    for night in (8, 9):
        publish_night(rewritten, tmp_path, night)
    for other in (LocalStore(tmp_path / "replayed"), rewritten, LocalStore(tmp_path / "emptied")):
        with pytest.raises(OlderReleaseError, match="already seen"):
            sync(other, tmp_path / "cache")
        held = current(tmp_path / "cache")
        assert held is not None
        assert held.release_id == second.release_id
        assert held.path("card.md").read_bytes() == CONTENT["card.md"]


def test_a_replayed_pointer_alone_changes_nothing(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    old = store.get(LATEST)
    second = publish_night(store, tmp_path, 2)
    store.put(LATEST, old)
    assert sync(store, tmp_path / "cache").release_id == second.release_id


def test_a_rollback_is_followed(store: LocalStore, tmp_path: Path) -> None:
    first = publish_night(store, tmp_path, 1)
    publish_night(store, tmp_path, 2)
    sync(store, tmp_path / "cache")
    commit(store, first.release_id, "rollback", NOW, key=KEY)
    synced = sync(store, tmp_path / "cache")
    assert (synced.release_id, synced.sequence) == (first.release_id, 3)


@pytest.mark.parametrize("reads", range(8))
def test_a_store_that_falls_silent_leaves_the_last_good_release(tmp_path: Path, reads: int) -> None:
    store = LocalStore(tmp_path / "store")
    first = publish_night(store, tmp_path, 1)
    sync(store, tmp_path / "cache")
    publish_night(store, tmp_path, 2, card_md=b"2", classes_json=b"{}", new_json=b"[]", empty_parquet=b"3")
    synced = sync(FallingStore(store.root, reads), tmp_path / "cache")
    assert (synced.release_id, synced.sequence, synced.offline) == (first.release_id, 1, True)
    assert {name: synced.path(name).read_bytes() for name in CONTENT} == CONTENT
    assert sync(store, tmp_path / "cache").sequence == 2


def test_a_bucket_that_is_gone_leaves_the_last_good_release(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    dead = S3Store("bucket", options=S3Options(endpoint_url="http://127.0.0.1:9"))
    with pytest.raises(DependencyDownError):
        sync(dead, tmp_path / "cache")
    publish_night(store, tmp_path, 1)
    sync(store, tmp_path / "cache")
    assert sync(dead, tmp_path / "cache").offline


def test_an_empty_store_is_told(store: LocalStore, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no release"):
        sync(store, tmp_path / "cache")


def test_a_damaged_cache_is_never_served(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    synced = sync(store, tmp_path / "cache")
    synced.path("classes.json").write_bytes(b'{"0":"other model"}')
    with pytest.raises(DependencyDownError):
        sync(FallingStore(store.root, 0), tmp_path / "cache")
    assert sync(store, tmp_path / "cache").fetched == ("classes.json",)
    (tmp_path / "cache" / "current.json").write_bytes(b"{}")
    with pytest.raises(CorruptError, match=r"current\.json"):
        sync(store, tmp_path / "cache")


class FloodingStore(LocalStore):
    """Goes on after the end of an object, to fill the client's disk."""

    def chunks(self, key: str) -> Iterator[bytes]:
        yield from super().chunks(key)
        if key.startswith(OBJECTS):
            yield from (b"more" for _ in range(10))
            pytest.fail("the client took far more than the manifest announced")


def test_more_bytes_than_announced_are_not_taken(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    with pytest.raises(CorruptError, match="other bytes"):
        sync(FloodingStore(store.root), tmp_path / "cache")
    assert not list((tmp_path / "cache" / "objects").glob(".partial-*"))


def test_the_cache_keeps_the_release_in_force_and_the_one_before(store: LocalStore, tmp_path: Path) -> None:
    for night in (1, 2, 3):
        publish_night(store, tmp_path, night, card_md=b"%d" % night)
        synced = sync(store, tmp_path / "cache")
        (tmp_path / "cache" / "objects" / ".partial-of-a-killed-client").touch()
    kept = {path.name for path in (tmp_path / "cache" / "objects").iterdir() if not path.name.startswith(".")}
    assert sha256_bytes(b"1") not in kept
    assert {sha256_bytes(b"2"), sha256_bytes(b"3")} < kept
    sync(store, tmp_path / "cache")
    assert {path.name for path in (tmp_path / "cache" / "objects").iterdir()} == {
        each.sha256 for each in synced.manifest.objects.values()
    }


def test_clients_may_share_a_cache(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: sync(store, tmp_path / "cache"), range(4)))
    assert sorted(len(each.fetched) for each in done) == [0, 0, 0, len(CONTENT)]


def test_a_client_loads_neither_tensorflow_nor_boto3() -> None:
    script = (
        "import sys; import autodetect.release.client, autodetect.release.publish, autodetect.release.verify\n"
        "heavy = {'tensorflow', 'keras', 'boto3', 'botocore', 'pyarrow', 'pandas', 'numpy', 'deltalake'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_entries_of_a_history_that_was_cut_are_refused(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    publish_night(store, tmp_path, 2)
    sync(store, tmp_path / "cache")
    store.delete(history_key(2))
    with pytest.raises(OlderReleaseError):
        sync(store, tmp_path / "cache")
