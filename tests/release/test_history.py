"""The history: numbered, each entry made once, the hint never trusted."""

from datetime import timedelta
from pathlib import Path

import pytest

from autodetect.errors import CorruptError
from autodetect.lake.objects import LocalStore, ObjectMissingError
from autodetect.release.history import LatestHint, append, entries, newest, repair_hint
from autodetect.release.layout import LATEST, history_key
from autodetect.release.manifest import encode
from tests.release.sample import KEY, NOW, CountingStore, commit, publish_night


def test_a_rollback_is_a_new_entry_for_an_older_release(store: LocalStore, tmp_path: Path) -> None:
    first = publish_night(store, tmp_path, 1)
    publish_night(store, tmp_path, 2)
    rolled = commit(store, first.release_id, "rollback", NOW + timedelta(days=1), key=KEY)
    assert (rolled.sequence, rolled.action) == (3, "rollback")
    assert newest(store) == rolled
    assert [entry.action for entry in entries(store)] == ["publish", "publish", "rollback"]
    again = publish_night(store, tmp_path, 1)
    assert (again.committed, again.sequence) == (False, 3)
    third = publish_night(store, tmp_path, 3)
    assert third.sequence == 4


def test_only_a_release_that_is_there_can_be_committed(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    with pytest.raises(ObjectMissingError):
        commit(store, "0" * 64, "rollback", NOW, key=KEY)
    assert len(entries(store)) == 1


def test_a_number_is_given_once(store: LocalStore, tmp_path: Path) -> None:
    published = publish_night(store, tmp_path, 1)
    assert append(store, None, published.release_id, action="publish", now=NOW, key=KEY) is None
    first = newest(store)
    second = append(store, first, published.release_id, action="rollback", now=NOW, key=KEY)
    assert second is not None
    assert append(store, first, published.release_id, action="rollback", now=NOW, key=KEY) is None
    assert entries(store) == [first, second]


def test_entries_expire(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    entry = newest(store)
    assert entry is not None
    assert entry.created == NOW
    assert not entry.expired(NOW + timedelta(days=30))
    assert entry.expired(NOW + timedelta(days=30, seconds=1))


@pytest.mark.parametrize("hint", ["missing", "behind", "ahead", "garbage", "not canonical"])
def test_whatever_the_hint_says_the_newest_entry_is_found_and_the_hint_repaired(tmp_path: Path, hint: str) -> None:
    store = CountingStore(tmp_path / "store")
    for night in range(1, 12):
        publish_night(store, tmp_path, night)
    right = store.get(LATEST)
    history = entries(store)
    wrong = {
        "behind": encode(LatestHint(sequence=2, release_id=history[1].release_id)),
        "ahead": encode(LatestHint(sequence=99, release_id=history[1].release_id)),
        "garbage": b"\xff",
        "not canonical": right + b"\n",
    }
    store.delete(LATEST)
    if hint in wrong:
        store.put(LATEST, wrong[hint])
    store.written.clear()
    assert newest(store) == history[-1]
    assert store.written == []
    assert repair_hint(store) == history[-1]
    assert store.get(LATEST) == right
    store.written.clear()
    repair_hint(store)
    assert store.written == []


def test_a_right_hint_spares_reading_the_history(tmp_path: Path) -> None:
    store = CountingStore(tmp_path / "store")
    for night in range(1, 6):
        publish_night(store, tmp_path, night)
    store.read.clear()
    assert newest(store) == entries(LocalStore(store.root))[-1]
    assert store.read == [LATEST, history_key(5), history_key(6)]


def test_a_gap_or_a_stranger_in_the_history_is_corrupt(store: LocalStore, tmp_path: Path) -> None:
    for night in (1, 2, 3):
        publish_night(store, tmp_path, night)
    for stranger in ("history/04.json", "history/x.json", "history/٤.json", "history/4.txt"):
        store.put(stranger, b"{}")
        with pytest.raises(CorruptError, match="named like no entry"):
            entries(store)
        store.delete(stranger)
    store.put("history/3.json.sig", b"later, signatures lie beside the entries")
    assert len(entries(store)) == 3
    store.delete(history_key(2))
    with pytest.raises(CorruptError, match="no entry 2"):
        entries(store)
