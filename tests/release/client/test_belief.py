"""What a client believes: signatures under one key, rotations, channels; what it refuses, and in which words."""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autodetect.errors import CorruptError, UsageError
from autodetect.lake.archives import sha256_bytes
from autodetect.lake.objects import LocalStore
from autodetect.release.client import OlderReleaseError, current
from autodetect.release.history import HistoryEntry, newest, repair_hint
from autodetect.release.layout import history_key, manifest_key, object_key, signatures_key
from autodetect.release.manifest import encode
from autodetect.release.publish import publish
from autodetect.release.rotation import rotate
from autodetect.release.signed import sign_manifest
from autodetect.release.signing import ForgedError, PrivateKey, PublicKey
from tests.release.client.asking import synced
from tests.release.sample import CONTENT, KEY, NOW, facts, files, publish_night

OTHER, THIRD = PrivateKey(bytes(32), "demo"), PrivateKey(b"\1" * 32, "demo")
RELEASE = PrivateKey(b"\2" * 32, "release")


def put_entry(store: LocalStore, sequence: int, *keys: PrivateKey, **fields: Any) -> HistoryEntry:
    """Put an entry as somebody who can write to the store can, the hint along with it."""
    release = newest(store).release_id
    values: dict[str, Any] = {"release_id": release, "action": "publish", "key_since": 1}
    entry = HistoryEntry(sequence=sequence, created=NOW, expires=NOW + timedelta(days=30), **{**values, **fields})
    entry = entry.signed(*keys)
    store.put(history_key(sequence), encode(entry))
    for key in keys:
        sign_manifest(store, entry.release_id, key)
    repair_hint(store)
    return entry


def edited(store: LocalStore, key: str, edit: Callable[[bytes], bytes]) -> None:
    store.put(key, edit(store.get(key)))


@pytest.fixture
def held(store: LocalStore, cache: Path, tmp_path: Path) -> LocalStore:
    """A store whose first release a cache has; its second is new."""
    publish_night(store, tmp_path, 1)
    synced(store, cache)
    publish_night(store, tmp_path, 2, card_md=b"# Second\n")
    return store


def refused(store: LocalStore, cache: Path, words: str, error: type[Exception] = ForgedError, **options: Any) -> None:
    """A sync is refused in these words, by a new client also, and what was in force stays so."""
    with pytest.raises(error, match=words):
        synced(store, cache, **options)
    assert current(cache).sequence == 1
    assert all(current(cache).path(name).read_bytes() == data for name, data in CONTENT.items())


def test_every_kind_of_tampering_is_refused_in_its_own_words(held: LocalStore, cache: Path) -> None:
    second = newest(held).release_id
    model = sha256_bytes(b"# Second\n")
    changes: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
        "time of an entry": (
            history_key(2),
            lambda data: data.replace(b'"created":"2026', b'"created":"2025'),
            "entry 2 is not signed by the key",
        ),
        "a signature of an entry": (
            history_key(2),
            lambda data: data.replace(b'"signature":"', b'"signature":"AAAA')[:-7] + data[-3:],
            "no sound HistoryEntry|not signed by the key",
        ),
        "an entry without signatures": (
            history_key(2),
            lambda data: data[: data.index(b',"signatures"')] + b',"signatures":[]}',
            "entry 2 is not signed by the key",
        ),
        "an entry of another number": (
            history_key(2),
            lambda data: held.get(history_key(1)),
            "carries the number 1",
        ),
        "a manifest": (
            manifest_key(second),
            lambda data: data.replace(b'"source":"sandbox"', b'"source":"sandbax"'),
            f"the manifest .*{second}.json is not signed by",
        ),
        "a manifest's signature": (
            signatures_key(second),
            lambda data: data.replace(KEY.public.key_id.encode(), OTHER.public.key_id.encode()),
            "the manifest .* is not signed by",
        ),
        "a file": (object_key(model), lambda data: b"# secnoD\n", "'card.md'.* gave other bytes than its digest names"),
        "a longer file": (object_key(model), lambda data: data + b"\n", "'card.md'.* is longer than the 9 bytes"),
    }
    for key, edit, words in changes.values():
        sound = held.get(key)
        assert edit(sound) != sound
        edited(held, key, edit)
        refused(held, cache, words, CorruptError)
        held.put(key, sound)
    for key, words in {
        manifest_key(second): "named by entry 2, is missing",
        signatures_key(second): "the manifest's signature, is missing",
        object_key(model): "'card.md'.*, a file of the newest release, is missing",
    }.items():
        sound = held.get(key)
        held.delete(key)
        refused(held, cache, words, CorruptError)
        held.put(key, sound)
    assert synced(held, cache).sequence == 2


def test_a_rewritten_entry_is_refused_even_if_the_key_signed_it(held: LocalStore, cache: Path) -> None:
    put_entry(held, 1, KEY, release_id=newest(held).release_id)
    held.delete(history_key(2))
    repair_hint(held)
    refused(held, cache, "has another entry, .*, where entry 1", OlderReleaseError)


def test_who_can_write_to_the_store_but_not_sign_publishes_nothing(held: LocalStore, cache: Path) -> None:
    put_entry(held, 3, OTHER)
    refused(held, cache, f"entry 3 is not signed by the key {KEY.public.key_id}")


def test_rotations_are_followed_by_old_and_new_clients(held: LocalStore, cache: Path, tmp_path: Path) -> None:
    rotate(held, KEY, OTHER, NOW, by="tests", reason="a drill")
    rotate(held, OTHER, THIRD, NOW, by="tests", reason="a drill")
    publish(held, files(tmp_path / "three"), facts(night=NOW.date()), NOW, key=THIRD)
    assert synced(held, cache).sequence == 5
    assert synced(held, cache).warnings == ()
    for number, trusted in enumerate((KEY, OTHER, THIRD)):
        assert synced(held, tmp_path / f"new-{number}", trusted=trusted.public).sequence == 5
    rotations = {path.name for path in (cache / "history").iterdir()}
    assert rotations == {"3.json", "4.json"}
    with pytest.raises(ForgedError, match="not signed by the key"):
        synced(held, tmp_path / "stranger", trusted=RELEASE.public)


def test_a_client_that_saw_every_rotation_knows_them_all(held: LocalStore, cache: Path) -> None:
    keys = [KEY, OTHER, THIRD, RELEASE]
    for old, new in pairwise(keys):
        rotate(held, old, new, NOW, by="tests", reason="a drill")
        assert synced(held, cache).warnings == ()
    assert synced(held, cache).warnings == ()
    for key in keys:
        assert synced(held, cache, trusted=key.public).sequence == 5


def test_a_key_that_a_rotation_brought_in_may_become_the_trusted_one(held: LocalStore, cache: Path) -> None:
    rotate(held, KEY, OTHER, NOW, by="tests", reason="a drill")
    synced(held, cache)
    assert synced(held, cache, trusted=OTHER.public).sequence == 3
    assert json.loads((cache / "trusted.json").read_bytes())["public_key"] == OTHER.public.public_key
    assert synced(held, cache, trusted=OTHER.public).warnings == ()


@pytest.mark.parametrize("rotated", [False, True], ids=["entry", "entry after a rotation of its own"])
def test_a_stolen_key_that_was_displaced_is_worth_nothing(held: LocalStore, cache: Path, rotated: bool) -> None:
    rotate(held, KEY, OTHER, NOW, by="tests", reason="a drill")
    assert synced(held, cache).sequence == 3
    if rotated:
        put_entry(held, 4, KEY, THIRD, action="rotate", new_key=THIRD.public)
        put_entry(held, 5, THIRD, key_since=4)
    else:
        put_entry(held, 4, KEY)
    with pytest.raises(ForgedError, match=f"not signed by the key {OTHER.public.key_id}"):
        synced(held, cache)
    assert current(cache).sequence == 3


def test_what_an_entry_says_of_its_key_never_falls(held: LocalStore, cache: Path) -> None:
    rotate(held, KEY, OTHER, NOW, by="tests", reason="a drill")
    synced(held, cache)
    put_entry(held, 4, OTHER, key_since=1)
    with pytest.raises(ForgedError, match="signed by a key of entry 1, which entry 3 displaced"):
        synced(held, cache)


@pytest.mark.parametrize("action", ["publish", "missing"])
def test_a_rotation_that_is_none_or_missing_is_refused(held: LocalStore, cache: Path, action: str) -> None:
    put_entry(held, 3, OTHER, key_since=2)
    if action == "missing":
        held.delete(history_key(2))
        put_entry(held, 3, OTHER, key_since=2, release_id=entries_release(held))
    refused(held, cache, "and is no rotation" if action == "publish" else "is missing")


def entries_release(store: LocalStore) -> str:
    return json.loads(store.get(history_key(1)))["release_id"]


def publish_as(store: LocalStore, folder: Path, channel: str, key: PrivateKey) -> None:
    publish(store, files(folder), facts(channel=channel), NOW, key=key)


def test_a_demo_key_never_vouches_for_production(store: LocalStore, cache: Path, tmp_path: Path) -> None:
    publish_as(store, tmp_path / "files", "production", RELEASE)
    assert synced(store, cache, trusted=RELEASE.public).manifest.channel == "production"
    demo = PublicKey(public_key=RELEASE.public.public_key, purpose="demo")
    with pytest.raises(ForgedError, match="rests on a demo key"):
        synced(store, cache.with_name("demo"), trusted=demo)


def test_another_channel_is_refused(store: LocalStore, cache: Path, tmp_path: Path) -> None:
    publish_as(store, tmp_path / "files", "candidate", RELEASE)
    with pytest.raises(UsageError, match="is of the channel 'candidate', not 'production'"):
        synced(store, cache, trusted=RELEASE.public, channel="production")
    assert current(cache) is None
    assert synced(store, cache, trusted=RELEASE.public).sequence == 1
    other = LocalStore(tmp_path / "other")
    for night in (1, 2):
        publish(
            other, files(tmp_path / str(night)), facts(channel="production", warnings=(str(night),)), NOW, key=RELEASE
        )
    with pytest.raises(ForgedError, match="of the channel 'production'; the one in force is of 'candidate'"):
        synced(other, cache, trusted=RELEASE.public)


@pytest.mark.parametrize(
    ("app", "fit"), [("1.9", False), ("1.10", True), ("1.10.0", True), ("2", True), ("1", False), ("0.99.9", False)]
)
def test_a_release_for_a_newer_app_is_refused_in_words(
    store: LocalStore, cache: Path, tmp_path: Path, app: str, fit: bool
) -> None:
    publish(store, files(tmp_path / "files"), facts(minimum_app_version="1.10"), NOW, key=KEY)
    if fit:
        assert synced(store, cache, app_version=app).sequence == 1
    else:
        with pytest.raises(UsageError, match=f"needs version 1.10 of the app; this is {app}"):
            synced(store, cache, app_version=app)
        assert current(cache) is None
    with pytest.raises(UsageError, match="no version of an app"):
        synced(store, cache, app_version="1.x")


def test_sizes_are_checked_before_the_first_byte(
    held: LocalStore, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = sum(map(len, CONTENT.values())) - len(CONTENT["card.md"]) + len(b"# Second\n")
    refused(
        held, cache, f"come to {total:,} bytes, more than the {total - 1:,} allowed", UsageError, max_bytes=total - 1
    )
    assert not (cache / "objects" / sha256_bytes(b"# Second\n")).exists()
    monkeypatch.setattr("autodetect.release.client.fetching.shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    full = synced(held, cache)
    assert (full.sequence, full.offline) == (1, True)
    assert "needs 9 bytes, and its disk has 1,000 left" in full.warnings[0]
    monkeypatch.undo()
    assert synced(held, cache, max_bytes=total).sequence == 2


def test_the_release_before_the_one_held_makes_room_for_a_new_one(
    held: LocalStore, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced(held, cache)
    publish_night(held, tmp_path, 3, card_md=b"# Third\n")
    oldest = cache / "objects" / sha256_bytes(CONTENT["card.md"])
    assert oldest.exists()
    free = 1 << 30
    monkeypatch.setattr(
        "autodetect.release.client.fetching.shutil.disk_usage",
        lambda _: SimpleNamespace(free=0 if oldest.exists() else free),
    )
    found = synced(held, cache)
    assert (found.sequence, found.offline, oldest.exists()) == (3, False, False)
    publish_night(held, tmp_path, 4, card_md=b"# Fourth\n")
    with pytest.raises(UsageError, match="allowed here"):
        synced(held, cache, max_bytes=1)
    assert (cache / "objects" / sha256_bytes(b"# Second\n")).exists()


def test_one_file_under_two_names_is_fetched_once(store: LocalStore, cache: Path, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1, again_md=CONTENT["card.md"])
    found = synced(store, cache)
    assert found.path("again.md") == found.path("card.md")
    assert found.fetched_bytes == sum(map(len, CONTENT.values()))
