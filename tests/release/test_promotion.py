"""Promotion: the same bytes in another store and channel, signed by that store's key; never what is not sound."""

from pathlib import Path
from typing import Any

import pytest

from autodetect.errors import CorruptError, UsageError
from autodetect.lake.objects import LocalStore
from autodetect.release.card import channel_row
from autodetect.release.history import entries, newest_manifest
from autodetect.release.layout import object_key, signatures_key
from autodetect.release.manifest import load_manifest
from autodetect.release.promotion import promote
from autodetect.release.publish import Published, publish
from autodetect.release.signing import ForgedError, PrivateKey
from autodetect.release.verify import verify
from tests.release.sample import CONTENT, KEY, NOW, facts, files, publish_night

OWNER = PrivateKey(bytes([3] * 32), "release")
CANDIDATE, PRODUCTION = facts(channel="candidate"), facts(channel="production")


@pytest.fixture
def target(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "target")


def published_candidate(store: LocalStore, folder: Path, note: str = "") -> str:
    content = CONTENT | {"card.md": f"# A model {note}\n{channel_row(CANDIDATE)}\n".encode()}
    return publish(store, files(folder / "made", content), CANDIDATE, NOW, key=KEY).release_id


def promoted(store: LocalStore, release_id: str, target: LocalStore, folder: Path, **changes: Any) -> Published:
    folder.mkdir(exist_ok=True)
    how = {"channel": "production", "trusted": KEY.public, "key": OWNER, "by": "A. Smith", "reason": "a good week"}
    return promote(store, release_id, target, NOW, work=folder, **(how | changes))


def test_the_release_is_in_force_in_the_other_store_signed_there(
    store: LocalStore, target: LocalStore, tmp_path: Path
) -> None:
    candidate = published_candidate(store, tmp_path)
    published_candidate(store, tmp_path, "of a later night")
    before = {key: store.get(key) for key in store.list()}
    done = promoted(store, candidate, target, tmp_path / "work")
    assert {key: store.get(key) for key in store.list()} == before
    [entry] = entries(target)
    assert (entry.release_id, entry.action, entry.by, entry.reason) == (
        done.release_id, "publish", "A. Smith", "a good week",
    )  # fmt: skip
    assert verify(target, trusted=OWNER.public) == []
    theirs, ours = load_manifest(store, candidate), newest_manifest(target)
    assert ours is not None
    apart = {"channel", "objects", "previous_release", "created"}
    assert ours.model_dump(exclude=apart) == theirs.model_dump(exclude=apart)
    assert (ours.channel, ours.previous_release) == ("production", None)
    changed = {name for name in theirs.objects if ours.objects[name] != theirs.objects[name]}
    assert changed == {"card.md"}
    assert target.get(object_key(ours.objects["card.md"].sha256)).decode() == f"# A model \n{channel_row(PRODUCTION)}\n"


def test_promoted_again_it_is_not_published_twice(store: LocalStore, target: LocalStore, tmp_path: Path) -> None:
    candidate = published_candidate(store, tmp_path)
    first = promoted(store, candidate, target, tmp_path / "work")
    again = promoted(store, candidate, target, tmp_path / "again")
    assert (again.release_id, again.committed, again.uploaded) == (first.release_id, False, ())
    assert len(entries(target)) == 1


def test_what_the_target_holds_is_not_sent_again(store: LocalStore, target: LocalStore, tmp_path: Path) -> None:
    first, second = (published_candidate(store, tmp_path, note) for note in ("one", "two"))
    promoted(store, first, target, tmp_path / "work")
    assert promoted(store, second, target, tmp_path / "again").uploaded == ("card.md",)
    assert [entry.sequence for entry in entries(target)] == [1, 2]


@pytest.mark.parametrize("damage", ["missing", "changed", "unsigned", "untrusted"])
def test_nothing_unsound_is_promoted(store: LocalStore, target: LocalStore, tmp_path: Path, damage: str) -> None:
    candidate = published_candidate(store, tmp_path)
    key = object_key(load_manifest(store, candidate).objects["classes.json"].sha256)
    changes: dict[str, Any] = {}
    match damage:
        case "missing":
            store.delete(key)
        case "changed":
            store.put(key, b'{"0":"other model"}')
        case "unsigned":
            store.delete(signatures_key(candidate))
        case "untrusted":
            changes = {"trusted": OWNER.public}
    kind = CorruptError if damage in {"missing", "changed"} else ForgedError
    with pytest.raises(kind):
        promoted(store, candidate, target, tmp_path / "work", **changes)
    assert list(target.list()) == []


def test_wrong_targets_are_refused(store: LocalStore, target: LocalStore, tmp_path: Path) -> None:
    candidate = published_candidate(store, tmp_path)
    with pytest.raises(UsageError, match="is the store that holds"):
        promoted(store, candidate, LocalStore(store.root), tmp_path / "work")
    with pytest.raises(UsageError, match="demo key"):
        promoted(store, candidate, target, tmp_path / "work", key=KEY)
    with pytest.raises(UsageError, match="never in force"):
        promoted(store, "0" * 64, target, tmp_path / "work")
    assert list(target.list()) == []
    publish_night(target, tmp_path, 1)
    with pytest.raises(UsageError, match="holds releases of channel 'demo'"):
        promoted(store, candidate, target, tmp_path / "work")
    assert len(entries(target)) == 1
