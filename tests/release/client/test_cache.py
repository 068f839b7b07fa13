"""The cache folder: usable after a kill at any change, mended where it is damaged, never somebody else's folder."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autodetect.errors import CorruptError, DependencyDownError, UsageError
from autodetect.lake.objects import LocalStore
from autodetect.release.client import current
from autodetect.release.signing import PrivateKey
from tests.release.client.asking import synced
from tests.release.sample import CONTENT, KEY, FallingStore, publish_night

ROOT = Path(__file__).parents[3]
SECOND = {"card_md": b"# Second\n", "classes_json": b"{}", "new_json": b"[]"}


def files(cache: Path) -> set[str]:
    return {path.relative_to(cache).as_posix() for path in cache.rglob("*") if path.is_file()}


@pytest.fixture
def held(store: LocalStore, cache: Path, tmp_path: Path) -> LocalStore:
    """A store whose first two releases a cache has."""
    publish_night(store, tmp_path, 1)
    synced(store, cache)
    publish_night(store, tmp_path, 2, **SECOND)
    synced(store, cache)
    return store


@pytest.fixture
def silent(held: LocalStore) -> LocalStore:
    return FallingStore(held.root, 0)


def test_a_client_killed_at_any_change_leaves_a_usable_cache(store: LocalStore, tmp_path: Path, cache: Path) -> None:
    publish_night(store, tmp_path, 1)
    synced(store, tmp_path / "before")
    publish_night(store, tmp_path, 2, **SECOND)
    synced(store, tmp_path / "after")
    shutil.copytree(tmp_path / "before", tmp_path / "undisturbed")
    expected = files(tmp_path / "undisturbed") | files(tmp_path / "after") | {"previous.json"}
    silent, outcomes = FallingStore(store.root, 0), []
    for n in range(1, 100):
        shutil.copytree(tmp_path / "before", cache)
        command = [sys.executable, "-m", "tests.release.client.killed_at", str(store.root), str(cache), str(n)]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=120, check=False)
        if done.returncode == 0:
            break
        assert done.returncode == -9
        offline = synced(silent, cache)
        assert offline.warnings == ("the store does not answer; this is the last release that was fetched",)
        assert offline.path("card.md").read_bytes() == {1: CONTENT["card.md"], 2: b"# Second\n"}[offline.sequence]
        outcomes.append(offline.sequence)
        mended = synced(store, cache)
        assert (mended.sequence, mended.warnings) == (2, ())
        assert files(cache) == expected
        shutil.rmtree(cache)
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {1, 2}
    assert len(outcomes) > 15


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flipped(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-40] + bytes([data[-40] ^ 1]) + data[-39:] if len(data) > 40 else b"?" * len(data))


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside").write_bytes(b"x")


@pytest.mark.parametrize("damage", [emptied, cut, flipped, folder, Path.unlink])
@pytest.mark.parametrize(
    "what", ["current.json", "previous.json", "trusted.json", "hint.json", "manifest", "signature"]
)
def test_a_damaged_cache_is_mended(held: LocalStore, cache: Path, damage: Callable[[Path], None], what: str) -> None:
    before = current(cache)
    assert before is not None
    names = {"manifest": f"manifests/{before.release_id}.json", "signature": f"manifests/{before.release_id}.sig"}
    sound = files(cache)
    damage(cache / names.get(what, what))
    found = synced(held, cache)
    assert (found.release_id, found.sequence) == (before.release_id, 2)
    assert bool(found.warnings) is (
        what in {"current.json", *names} and (what, damage) != ("current.json", Path.unlink)
    )
    assert all("was damaged" in warning for warning in found.warnings)
    if what != "previous.json":
        assert files(cache) == sound
    assert current(cache) == before
    assert synced(held, cache).warnings == ()


@pytest.mark.parametrize("damage", [emptied, cut, flipped, folder, Path.unlink])
def test_a_damaged_file_is_fetched_again_and_never_served(
    held: LocalStore, cache: Path, damage: Callable[[Path], None]
) -> None:
    found = synced(held, cache)
    damage(found.path("AutoDetect.mlpackage.zip"))
    with pytest.raises(DependencyDownError):
        synced(FallingStore(held.root, 0), cache)
    assert synced(held, cache).fetched == ("AutoDetect.mlpackage.zip",)
    assert found.path("AutoDetect.mlpackage.zip").read_bytes() == CONTENT["AutoDetect.mlpackage.zip"]


@pytest.mark.parametrize("room", ["objects", "manifests"])
def test_a_file_in_place_of_a_folder_is_replaced(held: LocalStore, cache: Path, room: str) -> None:
    shutil.rmtree(cache / room)
    (cache / room).write_bytes(b"in the way")
    assert synced(held, cache).sequence == 2
    assert synced(held, cache).fetched == ()


@pytest.mark.parametrize("damage", [emptied, cut, flipped, folder, Path.unlink])
def test_offline_the_release_before_stands_in_for_a_damaged_one(
    silent: LocalStore, cache: Path, damage: Callable[[Path], None]
) -> None:
    damage(cache / "current.json")
    found = synced(silent, cache)
    assert (found.sequence, found.offline) == (1, True)
    assert {name: found.path(name).read_bytes() for name in CONTENT} == CONTENT


def test_a_switch_that_damaged_the_entry_it_wrote_is_made_again(store: LocalStore, cache: Path, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    synced(store, cache)
    shutil.copyfile(cache / "current.json", cache / "previous.json")
    emptied(cache / "current.json")
    assert "was damaged" in synced(store, cache).warnings[0]
    assert synced(store, cache).warnings == ()


def test_a_cache_of_nothing_but_garbage_is_begun_anew(held: LocalStore, cache: Path) -> None:
    for name in ("current.json", "previous.json", "trusted.json"):
        (cache / name).write_bytes(b"{}")
    assert current(cache) is None
    found = synced(held, cache)
    assert found.sequence == 2
    assert len(found.warnings) == 2
    assert synced(held, cache).warnings == ()


def test_a_folder_of_something_else_is_left_alone(store: LocalStore, cache: Path, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    (cache / "objects").mkdir(parents=True)
    (cache / "objects" / "thesis").write_bytes(b"years of work")
    with pytest.raises(UsageError, match="holds no releases"):
        synced(store, cache)
    assert files(cache) == {"objects/thesis"}
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="cannot be used"):
        synced(store, tmp_path / "file")


def test_another_trusted_key_is_refused_in_words(held: LocalStore, cache: Path) -> None:
    other = PrivateKey(bytes(32), "demo").public
    with pytest.raises(UsageError, match=f"believed by the key {KEY.public.key_id}; {other.key_id} is to be trusted"):
        synced(held, cache, trusted=other)
    with pytest.raises(CorruptError, match="not signed by the key"):
        synced(held, cache.with_name("new"), trusted=other)
    assert synced(held, cache.with_name("new")).sequence == 2
    assert synced(held, cache).sequence == 2
