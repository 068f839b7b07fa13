"""Rotation: the store passes into another key's hands in one step, and nothing less than both keys can do it."""

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from autodetect.errors import AutoDetectError, UsageError
from autodetect.lake.objects import LocalStore
from autodetect.release.history import HistoryEntry, append, entries, newest, read_entry
from autodetect.release.layout import LATEST, history_key, manifest_key, signatures_key
from autodetect.release.manifest import Manifest
from autodetect.release.publish import publish
from autodetect.release.rotation import rotate
from autodetect.release.signed import believed_manifest, read_signatures
from autodetect.release.signing import ForgedError, PrivateKey, PublicKey
from autodetect.release.trust import key_in_force
from tests.release.sample import KEY, NOW, CountingStore, commit, facts, files, kill_at_write, publish_night

NEW = PrivateKey(bytes(32), "demo")
THIRD = PrivateKey(bytes([3]) * 32, "release")
LATER = NOW + timedelta(days=1)
ROOT = Path(__file__).parents[2]
KILLED = """
import sys
from pathlib import Path
from autodetect.lake.objects import LocalStore
from tests.release.test_rotation import killed

killed(LocalStore(Path(sys.argv[1])), int(sys.argv[2]), after=sys.argv[3] == "after")
"""


def turned(store: LocalStore, old: PrivateKey = KEY, new: PrivateKey = NEW) -> HistoryEntry:
    return rotate(store, old, new, LATER, by="A. Smith", reason="yearly")


def killed(store: LocalStore, n: int, *, after: bool) -> None:
    kill_at_write(store, n, after=after)
    turned(store)


def followed(store: LocalStore, trusted: PublicKey) -> tuple[PublicKey, Manifest]:
    """What a client makes of the store: the key in force, and the manifest it believes."""
    entry = newest(store)
    assert entry is not None

    def read(number: int) -> HistoryEntry:
        found = read_entry(store, number)
        assert found is not None
        return found

    key = key_in_force(entry, read, trusted, store.url)
    data, signatures = store.get(manifest_key(entry.release_id)), store.get(signatures_key(entry.release_id))
    return key, believed_manifest(data, signatures, entry.release_id, key, store.url)


def everything(store: LocalStore) -> dict[str, bytes]:
    return {key: store.get(key) for key in store.list()}


def test_a_rotation_leaves_the_release_in_force_and_hands_on_the_store(store: LocalStore, tmp_path: Path) -> None:
    first = publish_night(store, tmp_path, 1)
    entry = turned(store)
    assert (entry.sequence, entry.action, entry.release_id) == (2, "rotate", first.release_id)
    assert (entry.by, entry.reason, entry.new_key, entry.key_since) == ("A. Smith", "yearly", NEW.public, 1)
    assert entry.is_signed_by(KEY.public)
    assert entry.is_signed_by(NEW.public)
    assert newest(store) == entry
    for trusted in (KEY.public, NEW.public):
        assert followed(store, trusted)[0] == NEW.public

    second = publish(store, files(tmp_path / "2"), facts(permission="2"), LATER, key=NEW)
    assert (second.sequence, read_entry(store, 3).key_since) == (3, 2)  # type: ignore[union-attr]
    for trusted in (KEY.public, NEW.public):
        key, manifest = followed(store, trusted)
        assert (key, manifest.permission) == (NEW.public, "2")


@pytest.mark.parametrize("again", [False, True], ids=["right after", "after a publish"])
def test_a_key_that_was_rotated_out_cannot_append(store: LocalStore, tmp_path: Path, again: bool) -> None:
    first = publish_night(store, tmp_path, 1)
    turned(store)
    if again:
        publish(store, files(tmp_path / "2"), facts(permission="2"), LATER, key=NEW)
    history = entries(store)
    words = "is signed by" if again else "is a rotation to the key"
    with pytest.raises(ForgedError, match=words):
        append(store, history[-1], first.release_id, action="rollback", now=LATER, key=KEY)
    with pytest.raises(ForgedError, match=words):
        commit(store, first.release_id, "rollback", LATER, key=KEY)
    with pytest.raises(ForgedError, match=words):
        publish_night(store, tmp_path, 3)
    assert entries(store) == history
    assert followed(store, KEY.public)[0] == NEW.public


def test_a_release_whose_signatures_are_missing_is_not_handed_on(store: LocalStore, tmp_path: Path) -> None:
    first = publish_night(store, tmp_path, 1)
    store.delete(signatures_key(first.release_id))
    with pytest.raises(ForgedError, match=r"signatures of .* are missing\n  -> "):
        turned(store)
    assert len(entries(store)) == 1


def test_rotations_follow_one_another(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    turned(store)
    turned(store, NEW, THIRD)
    for trusted in (KEY, NEW, THIRD):
        assert followed(store, trusted.public)[0] == THIRD.public


def test_an_earlier_release_comes_back_signed_by_the_key_in_force(store: LocalStore, tmp_path: Path) -> None:
    first = publish_night(store, tmp_path, 1)
    publish_night(store, tmp_path, 2)
    turned(store)
    assert {each.key_id for each in read_signatures(store, first.release_id).signatures} == {KEY.public.key_id}
    commit(store, first.release_id, "rollback", LATER, key=NEW)
    key, manifest = followed(store, KEY.public)
    assert (key, manifest.night.day) == (NEW.public, 1)


def test_done_again_it_says_so_and_writes_nothing(tmp_path: Path) -> None:
    store = CountingStore(tmp_path / "store")
    publish_night(store, tmp_path, 1)
    entry = turned(store)
    store.written.clear()
    assert turned(store) == entry
    assert store.written == []
    publish(store, files(tmp_path / "2"), facts(permission="2"), LATER, key=NEW)
    store.written.clear()
    assert turned(store) == entry
    assert store.written == []


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("n", [1, 2, 3], ids=["signature", "entry", "hint"])
def test_killed_at_any_write_it_is_done_or_not_and_completed_by_the_next(
    store: LocalStore, tmp_path: Path, n: int, moment: str
) -> None:
    publish_night(store, tmp_path, 1)
    code = subprocess.call([sys.executable, "-c", KILLED, str(store.root), str(n), moment], cwd=ROOT)
    assert code == -9
    done = (n, moment) in {(2, "after"), (3, "before"), (3, "after")}
    assert len(entries(store)) == (2 if done else 1)
    assert followed(store, KEY.public)[0] == (NEW if done else KEY).public
    entry = turned(store)
    assert entries(store)[1:] == [entry]
    assert f'"sequence":{entry.sequence}'.encode() in store.get(LATEST)
    assert followed(store, KEY.public)[0] == NEW.public


def refused(store: LocalStore, kind: type[AutoDetectError], words: str, do: Callable[[], object]) -> None:
    """It is refused in these words, and not a byte of the store is another."""
    before = everything(store)
    with pytest.raises(kind, match=words):
        do()
    assert everything(store) == before


def test_what_cannot_be_rotated_is_refused_and_nothing_is_written(store: LocalStore, tmp_path: Path) -> None:
    refused(store, UsageError, "holds no release", lambda: turned(store))
    publish_night(store, tmp_path, 1)
    refused(store, UsageError, "is the key in force already", lambda: turned(store, KEY, KEY))
    relabelled = PrivateKey(bytes(range(32)), "release")
    refused(store, UsageError, "is the key in force already", lambda: turned(store, KEY, relabelled))
    refused(store, ForgedError, f"signed by {KEY.public.key_id}", lambda: turned(store, THIRD, NEW))
    turned(store)
    refused(store, ForgedError, "is a rotation to the key", lambda: turned(store, KEY, THIRD))
    refused(store, UsageError, "was displaced by entry 2", lambda: turned(store, NEW, KEY))
    turned(store, NEW, THIRD)
    for gone in (KEY, NEW):
        number = 2 if gone is KEY else 3
        refused(store, UsageError, f"was displaced by entry {number}", lambda gone=gone: turned(store, THIRD, gone))


def test_a_reason_that_no_client_would_read_does_not_come_into_the_history(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    with pytest.raises(UsageError, match="shorter name and reason"):
        rotate(store, KEY, NEW, LATER, by="A. Smith", reason="why " * 5000)
    assert len(entries(store)) == 1
    assert turned(store).sequence == 2


def test_a_demo_key_does_not_come_into_production(store: LocalStore, tmp_path: Path) -> None:
    publish(store, files(tmp_path / "1"), facts(channel="production"), NOW, key=THIRD)
    refused(store, UsageError, "is a demo key", lambda: turned(store, THIRD, NEW))
    turned(store, THIRD, PrivateKey(bytes(32), "release"))
    assert len(entries(store)) == 2


def test_what_the_old_key_does_not_vouch_for_is_not_signed_on(store: LocalStore, tmp_path: Path) -> None:
    release_id = publish_night(store, tmp_path, 1).release_id
    manifest = store.get(manifest_key(release_id))
    store.put(manifest_key(release_id), manifest.replace(b'"created":"2026-', b'"created":"2025-'))
    refused(store, ForgedError, "is not signed by the key", lambda: turned(store))
    store.put(manifest_key(release_id), manifest)
    turned(store)


def test_a_damaged_chain_is_told(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    turned(store)
    publish(store, files(tmp_path / "2"), facts(permission="2"), LATER, key=NEW)
    store.delete(history_key(2))
    refused(store, AutoDetectError, r"history/2\.json is missing", lambda: turned(store, NEW, THIRD))


class Meanwhile(LocalStore):
    """Does something else right before its first commit."""

    def __init__(self, root: Path, do: Callable[[LocalStore], object]) -> None:
        super().__init__(root)
        self.do: Callable[[LocalStore], object] | None = do

    def put_if_absent(self, key: str, data: bytes) -> bool:
        if self.do is not None and key.startswith("history/"):
            do, self.do = self.do, None
            do(LocalStore(self.root))
        return super().put_if_absent(key, data)


def test_a_publish_in_between_is_rotated_with_its_own_manifest(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    busy = Meanwhile(store.root, lambda other: publish_night(other, tmp_path, 2))
    entry = turned(busy)
    assert (entry.sequence, [each.action for each in entries(store)]) == (3, ["publish", "publish", "rotate"])
    key, manifest = followed(store, KEY.public)
    assert (key, manifest.night.day) == (NEW.public, 2)


def test_a_rotation_in_between_stops_a_publish_by_the_old_key(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    with pytest.raises(ForgedError, match="is a rotation to the key"):
        publish_night(Meanwhile(store.root, turned), tmp_path, 2)
    assert [each.action for each in entries(store)] == ["publish", "rotate"]
    assert followed(store, KEY.public)[0] == NEW.public


def test_of_two_rotations_at_once_one_is_made_and_the_other_refused(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    with pytest.raises(ForgedError, match=f"is a rotation to the key {THIRD.public.key_id}"):
        turned(Meanwhile(store.root, lambda other: turned(other, KEY, THIRD)))
    assert followed(store, KEY.public)[0] == THIRD.public
    both = {each.key_id for each in read_signatures(store, entries(store)[0].release_id).signatures}
    assert {KEY.public.key_id, THIRD.public.key_id} <= both


def test_signatures_overwritten_by_another_rotation_are_put_back(store: LocalStore, tmp_path: Path) -> None:
    release_id = publish_night(store, tmp_path, 1).release_id
    before = store.get(signatures_key(release_id))
    turned(Meanwhile(store.root, lambda other: other.put(signatures_key(release_id), before)))
    assert followed(store, KEY.public)[0] == NEW.public
    store.put(signatures_key(release_id), before)
    turned(store)
    assert followed(store, KEY.public)[0] == NEW.public
