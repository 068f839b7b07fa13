"""Publishing: whole or not at all, once, and the same everywhere."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from autodetect.errors import CorruptError, DependencyDownError, LeaseHeldError, UsageError
from autodetect.lake.archives import sha256_bytes
from autodetect.lake.objects import LocalStore, ObjectStore, open_objects
from autodetect.records import Verdict
from autodetect.release.history import entries, newest, newest_manifest
from autodetect.release.layout import LATEST, PUBLISHING, history_key, manifest_key, object_key, signatures_key
from autodetect.release.manifest import load_manifest
from autodetect.release.publish import publish
from autodetect.release.signing import ForgedError, PrivateKey
from autodetect.release.upload import ReleaseFile
from autodetect.release.verify import verify
from tests.release.sample import CONTENT, KEY, NOW, CountingStore, facts, files, publish_night


def test_a_published_release_is_whole_in_the_store(store_url: str, tmp_path: Path) -> None:
    store = open_objects(store_url)
    assert newest(store) is None
    assert newest_manifest(store) is None
    published = publish_night(store, tmp_path, 1)
    assert (published.sequence, published.committed, published.reused) == (1, True, ())
    assert set(published.uploaded) == set(CONTENT)
    assert verify(store) == []
    manifest = newest_manifest(store)
    assert manifest is not None
    assert manifest.night == date(2026, 3, 1)
    assert manifest.verdict is Verdict.PUBLISHED
    for name, data in CONTENT.items():
        assert store.get(object_key(sha256_bytes(data))) == data
        assert manifest.objects[name].size == len(data)
    assert sorted(store.list()) == sorted(
        [object_key(sha256_bytes(data)) for data in CONTENT.values()]
        + [manifest_key(published.release_id), signatures_key(published.release_id), history_key(1), LATEST]
    )


def test_publishing_the_release_in_force_again_commits_nothing(store_url: str, tmp_path: Path) -> None:
    store = open_objects(store_url)
    first = publish_night(store, tmp_path, 1)
    before = {key: store.get(key) for key in store.list()}
    again = publish_night(store, tmp_path, 1, NOW + timedelta(hours=1))
    assert (again.release_id, again.sequence, again.committed) == (first.release_id, 1, False)
    assert again.uploaded == ()
    assert set(again.reused) == set(CONTENT)
    assert {key: store.get(key) for key in store.list()} == before


def test_only_what_is_new_is_sent(tmp_path: Path) -> None:
    store = CountingStore(tmp_path / "store")
    publish_night(store, tmp_path, 1)
    store.written.clear()
    second = publish_night(store, tmp_path, 2, card_md=b"# Another model\n")
    assert second.uploaded == ("card.md",)
    assert store.written.pop(0).startswith(PUBLISHING)
    assert store.written == [
        object_key(sha256_bytes(b"# Another model\n")), manifest_key(second.release_id),
        signatures_key(second.release_id), history_key(2), LATEST,
    ]  # fmt: skip
    assert load_manifest(store, second.release_id).previous_release == entries(store)[0].release_id


def test_equal_files_and_facts_give_one_release_id_in_any_store(tmp_path: Path) -> None:
    ids = []
    for name, now in (("one", NOW), ("two", NOW + timedelta(days=3))):
        store = LocalStore(tmp_path / name)
        ids.append([publish_night(store, tmp_path / f"{name} files", night, now).release_id for night in (1, 2)])
        assert load_manifest(store, ids[-1][0]).created == now
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2


@pytest.mark.parametrize(
    "change",
    [{"metrics": {"top1": 0.6}}, {"night": date(2026, 3, 2)}, {"permission": "x"}, {"verdict": Verdict.PRICES_ONLY}],
)
def test_every_fact_is_part_of_the_identity(store: LocalStore, tmp_path: Path, change: dict[str, object]) -> None:
    first = publish(store, files(tmp_path / "files"), facts(), NOW, key=KEY)
    second = publish(store, files(tmp_path / "files"), facts(**change), NOW, key=KEY)
    assert second.release_id != first.release_id
    assert second.sequence == 2


def test_damaged_objects_and_manifests_are_repaired_by_publishing_again(store: LocalStore, tmp_path: Path) -> None:
    published = publish_night(store, tmp_path, 1)
    digest = sha256_bytes(CONTENT["classes.json"])
    store.put(object_key(digest), b'{"0":"other model"}')
    again = publish_night(store, tmp_path, 1)
    assert again.uploaded == ("classes.json",)
    assert again.release_id == published.release_id
    assert verify(store) == []


def test_signatures_that_were_lost_are_made_again_by_the_stores_own_key_alone(
    store: LocalStore, tmp_path: Path
) -> None:
    published = publish_night(store, tmp_path, 1)
    store.delete(signatures_key(published.release_id))
    with pytest.raises(ForgedError, match="is signed by"):
        publish(store, files(tmp_path / "1"), facts(), NOW, key=PrivateKey(bytes(32), "demo"))
    assert not store.exists(signatures_key(published.release_id))
    again = publish_night(store, tmp_path, 1)
    assert (again.release_id, again.committed) == (published.release_id, False)
    assert verify(store, trusted=KEY.public) == []


class DamagingStore(LocalStore):
    """A disk that returns other bytes than were written."""

    def put_file(self, key: str, path: Path) -> None:
        self.put(key, path.read_bytes()[:-1] + b"?")


def test_an_object_that_comes_back_different_stops_the_release(tmp_path: Path) -> None:
    store = DamagingStore(tmp_path / "store")
    with pytest.raises(CorruptError, match="other bytes"):
        publish_night(store, tmp_path, 1)
    assert newest(store) is None


def test_a_lost_lease_stops_the_commit(store: LocalStore, tmp_path: Path) -> None:
    def lost() -> None:
        raise LeaseHeldError("another run took over")

    with pytest.raises(LeaseHeldError):
        publish(store, files(tmp_path / "files"), facts(), NOW, before_commit=lost, key=KEY)
    assert newest(store) is None


def test_a_sound_manifest_is_never_rewritten_and_a_damaged_one_is_replaced(store: LocalStore, tmp_path: Path) -> None:
    def killed() -> None:
        raise LeaseHeldError("between manifest and commit")

    for damage, created in ((False, NOW), (True, NOW + timedelta(hours=1))):
        chosen = facts(permission=str(damage))
        with pytest.raises(LeaseHeldError):
            publish(store, files(tmp_path / "files"), chosen, NOW, before_commit=killed, key=KEY)
        committed = {manifest_key(entry.release_id) for entry in entries(store)}
        (key,) = {key for key in store.list("manifests/") if key.endswith(".json")} - committed
        if damage:
            store.put(key, store.get(key)[:-1])
        published = publish(store, files(tmp_path / "files"), chosen, NOW + timedelta(hours=1), key=KEY)
        assert manifest_key(published.release_id) == key
        assert load_manifest(store, published.release_id).created == created
    assert verify(store) == []


def test_what_cannot_be_a_release_is_wrong_usage(store: LocalStore, tmp_path: Path) -> None:
    sample = files(tmp_path / "files")
    wrong = {
        "card.md": [*sample, sample[2]],
        "absent": [ReleaseFile("absent", tmp_path / "absent", "text/plain")],
        "is no release": [ReleaseFile("../evil", sample[0].path, "text/plain")],
    }
    for words, chosen in wrong.items():
        with pytest.raises(UsageError, match=words):
            publish(store, chosen, facts(), NOW, key=KEY)
    assert newest(store) is None
    with pytest.raises(ValueError, match="time zone"):
        publish(store, sample, facts(), NOW.replace(tzinfo=None), key=KEY)
    for metrics in ({"top1": float("nan")}, {"top1": float("inf")}):
        with pytest.raises(ValueError, match="finite"):
            facts(metrics=metrics)


@pytest.mark.parametrize("other", [{"channel": "production"}, {"source": "ebay-api"}])
def test_a_store_is_of_one_channel_and_source(store: LocalStore, tmp_path: Path, other: dict[str, str]) -> None:
    publish_night(store, tmp_path, 1)
    with pytest.raises(UsageError, match=next(iter(other.values()))):
        publish(store, files(tmp_path / "files"), facts(**other), NOW, key=KEY)
    assert len(entries(store)) == 1


def test_a_store_that_is_down_is_told(tmp_path: Path) -> None:
    class DownStore(LocalStore):
        def put_file(self, key: str, path: Path) -> None:
            raise DependencyDownError("no space left")

    store: ObjectStore = DownStore(tmp_path / "store")
    with pytest.raises(DependencyDownError):
        publish_night(store, tmp_path, 1)
    assert newest(store) is None


@pytest.mark.parametrize("change", [{"channel": "candidate"}, {"source": "folder"}])
def test_what_may_not_follow_is_refused_before_anything_is_sent(tmp_path: Path, change: dict[str, str]) -> None:
    store = CountingStore(tmp_path / "store")
    publish_night(store, tmp_path, 1)
    store.written.clear()
    fresh = files(tmp_path / "fresh", CONTENT | {"card.md": b"# Another model\n"})
    with pytest.raises(UsageError, match="holds releases of channel"):
        publish(store, fresh, facts(**change), NOW, key=KEY)
    with pytest.raises(ForgedError, match="not by"):
        publish(store, fresh, facts(), NOW, key=PrivateKey(bytes(32), "demo"))
    assert store.written == []
