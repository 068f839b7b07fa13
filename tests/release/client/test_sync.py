"""The client: fetches what is new, trusts digests only, never goes back, survives a dead store."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from autodetect.errors import CorruptError, DependencyDownError, UsageError
from autodetect.lake.archives import sha256_bytes
from autodetect.lake.objects import LocalStore, S3Options, S3Store, open_objects
from autodetect.release.client import OlderReleaseError, current
from autodetect.release.history import repair_hint
from autodetect.release.layout import LATEST, OBJECTS, history_key
from tests.release.client.asking import synced
from tests.release.sample import CONTENT, KEY, NOW, CountingStore, FallingStore, commit, publish_night


def objects_read(store: CountingStore) -> int:
    return sum(key.startswith(OBJECTS) for key in store.read)


def test_a_client_gets_the_newest_release(store_url: str, tmp_path: Path) -> None:
    store = open_objects(store_url)
    publish_night(store, tmp_path, 1)
    published = publish_night(store, tmp_path, 2)
    found = synced(store, tmp_path / "cache")
    assert (found.release_id, found.sequence, found.offline) == (published.release_id, 2, False)
    assert {name: found.path(name).read_bytes() for name in CONTENT} == CONTENT
    assert current(tmp_path / "cache") == synced(open_objects(store_url), tmp_path / "cache")


def test_an_expired_release_is_used_and_told(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    young = synced(store, tmp_path / "cache")
    assert (young.expired, young.warnings) == (False, ())
    old = synced(store, tmp_path / "cache", now=NOW + timedelta(days=31))
    assert old.expired
    assert "entry 1 expired on 2026-03-31" in old.warnings[0]
    assert old.path("classes.json").is_file()


def test_only_what_changed_is_fetched(tmp_path: Path) -> None:
    store = CountingStore(tmp_path / "store")
    publish_night(store, tmp_path, 1)
    store.read.clear()
    assert set(synced(store, tmp_path / "cache").fetched) == set(CONTENT)
    assert objects_read(store) == len(CONTENT)
    publish_night(store, tmp_path, 2, card_md=b"# Second\n", new_json=b"[]")
    store.read.clear()
    assert synced(store, tmp_path / "cache").fetched == ("card.md", "new.json")
    assert objects_read(store) == 2
    store.read.clear()
    assert synced(store, tmp_path / "cache").fetched == ()
    assert objects_read(store) == 0


def test_only_wanted_files_are_fetched(tmp_path: Path) -> None:
    store = CountingStore(tmp_path / "store")
    publish_night(store, tmp_path, 1)
    store.read.clear()
    found = synced(store, tmp_path / "cache", wanted=["classes.json"])
    assert (found.fetched, objects_read(store)) == (("classes.json",), 1)
    with pytest.raises(UsageError, match=r"card\.md"):
        found.path("card.md")
    with pytest.raises(UsageError, match="no file 'absent'"):
        synced(store, tmp_path / "cache", wanted=["absent"])
    assert synced(store, tmp_path / "cache", wanted=["card.md"]).path("classes.json").is_file()


def test_an_older_or_rewritten_history_is_refused(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    shutil.copytree(store.root, tmp_path / "replayed")
    second = publish_night(store, tmp_path, 2)
    synced(store, tmp_path / "cache")
    rewritten = LocalStore(tmp_path / "rewritten")
    for night in (8, 9):
        publish_night(rewritten, tmp_path, night)
    for other in (LocalStore(tmp_path / "replayed"), rewritten):
        with pytest.raises(OlderReleaseError, match="already seen here"):
            synced(other, tmp_path / "cache")
        held = current(tmp_path / "cache")
        assert held is not None
        assert held.release_id == second.release_id
        assert held.path("card.md").read_bytes() == CONTENT["card.md"]


def test_a_store_that_shows_nothing_is_one_that_is_down(store: LocalStore, tmp_path: Path) -> None:
    first = publish_night(store, tmp_path, 1)
    synced(store, tmp_path / "cache")
    wall = LocalStore(tmp_path / "wall")
    found = synced(wall, tmp_path / "cache")
    assert (found.release_id, found.offline) == (first.release_id, True)
    assert "neither latest.json nor entry 1" in found.warnings[0]
    publish_night(store, tmp_path, 2)
    wall.put(LATEST, store.get(LATEST))
    with pytest.raises(OlderReleaseError, match="already seen here"):
        synced(wall, tmp_path / "cache")


def test_a_replayed_pointer_alone_changes_nothing(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    old = store.get(LATEST)
    second = publish_night(store, tmp_path, 2)
    synced(store, tmp_path / "cache")
    store.put(LATEST, old)
    found = synced(store, tmp_path / "cache")
    assert (found.release_id, found.sequence) == (second.release_id, 2)
    assert "points back to entry 1" in found.warnings[0]
    assert synced(store, tmp_path / "new").release_id == second.release_id


def test_a_rollback_is_followed(store: LocalStore, tmp_path: Path) -> None:
    first = publish_night(store, tmp_path, 1)
    publish_night(store, tmp_path, 2)
    synced(store, tmp_path / "cache")
    commit(store, first.release_id, "rollback", NOW, key=KEY)
    found = synced(store, tmp_path / "cache")
    assert (found.release_id, found.sequence) == (first.release_id, 3)


@pytest.mark.parametrize("reads", range(9))
def test_a_store_that_falls_silent_leaves_the_last_good_release(tmp_path: Path, reads: int) -> None:
    store = LocalStore(tmp_path / "store")
    first = publish_night(store, tmp_path, 1)
    synced(store, tmp_path / "cache")
    publish_night(store, tmp_path, 2, card_md=b"2", classes_json=b"{}", new_json=b"[]", empty_parquet=b"3")
    found = synced(FallingStore(store.root, reads), tmp_path / "cache")
    assert (found.release_id, found.sequence, found.offline) == (first.release_id, 1, True)
    assert "the last release that was fetched" in found.warnings[0]
    assert {name: found.path(name).read_bytes() for name in CONTENT} == CONTENT
    assert synced(store, tmp_path / "cache").sequence == 2


def test_a_bucket_that_is_gone_leaves_the_last_good_release(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    dead = S3Store("bucket", options=S3Options(endpoint_url="http://127.0.0.1:9"))
    with pytest.raises(DependencyDownError):
        synced(dead, tmp_path / "cache")
    publish_night(store, tmp_path, 1)
    synced(store, tmp_path / "cache")
    assert synced(dead, tmp_path / "cache").offline


def test_an_empty_store_is_told(store: LocalStore, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no release"):
        synced(store, tmp_path / "cache")


def test_a_damaged_cache_is_never_served(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    found = synced(store, tmp_path / "cache")
    found.path("classes.json").write_bytes(b'{"0":"other model"}')
    with pytest.raises(DependencyDownError):
        synced(FallingStore(store.root, 0), tmp_path / "cache")
    assert synced(store, tmp_path / "cache").fetched == ("classes.json",)


class FloodingStore(LocalStore):
    """Goes on after the end of an object, to fill the client's disk."""

    def chunks(self, key: str) -> Iterator[bytes]:
        yield from super().chunks(key)
        if key.startswith(OBJECTS):
            yield from (b"more" for _ in range(10))
            pytest.fail("the client took far more than the manifest announced")


def test_more_bytes_than_announced_are_not_taken(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    with pytest.raises(CorruptError, match="is longer than"):
        synced(FloodingStore(store.root), tmp_path / "cache")
    assert not list((tmp_path / "cache" / "objects").glob(".partial-*"))


@pytest.mark.parametrize("wanted", [None, ["card.md", "classes.json"]], ids=["all", "some"])
def test_the_cache_keeps_the_release_in_force_and_the_one_before(
    store: LocalStore, tmp_path: Path, wanted: list[str] | None
) -> None:
    for night in (1, 2, 3):
        publish_night(store, tmp_path, night, card_md=b"%d" % night)
        synced(store, tmp_path / "cache", wanted)
        for room in (".", "objects", "manifests", "history"):
            (tmp_path / "cache" / room).mkdir(exist_ok=True)
            (tmp_path / "cache" / room / ".partial-of-a-killed-client").touch()
    synced(store, tmp_path / "cache", wanted)
    kept = {b"2", b"3"} | {data for name, data in CONTENT.items() if name in (wanted or CONTENT) and name != "card.md"}
    assert {path.name for path in (tmp_path / "cache" / "objects").iterdir()} == {sha256_bytes(data) for data in kept}
    assert len(list((tmp_path / "cache" / "manifests").iterdir())) == 4
    assert not list((tmp_path / "cache").rglob(".partial-*"))


def test_clients_may_share_a_cache(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: synced(store, tmp_path / "cache"), range(4)))
    assert sorted(len(each.fetched) for each in done) == [0, 0, 0, len(CONTENT)]


def test_entries_of_a_history_that_was_cut_are_refused(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    publish_night(store, tmp_path, 2)
    synced(store, tmp_path / "cache")
    store.delete(history_key(2))
    repair_hint(store)
    with pytest.raises(OlderReleaseError, match="has nothing where entry 2"):
        synced(store, tmp_path / "cache")
