"""Rolling back: to a release that is sound and signed, by one new entry, whatever else happens at the same time."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from autodetect.errors import AutoDetectError, CorruptError, DependencyDownError, UsageError
from autodetect.lake.objects import LocalStore, open_objects
from autodetect.release import rollback as rollback_module
from autodetect.release.collect import collect
from autodetect.release.history import entries, newest
from autodetect.release.layout import LATEST, history_key, manifest_key, object_key, signatures_key
from autodetect.release.manifest import encode, load_manifest
from autodetect.release.publish import publish
from autodetect.release.rollback import planned_rollback, release_before, rollback
from autodetect.release.rotation import rotate
from autodetect.release.signing import ForgedError, PrivateKey
from autodetect.release.verify import verify
from tests.release.sample import KEY, NOW, facts, files, publish_night

ROOT = Path(__file__).parents[2]
WHO = {"by": "A. Smith", "reason": "prices of trucks are off"}
OTHER = PrivateKey(bytes(32), "demo")
FORGER = PrivateKey(bytes([7] * 32), "demo")


def nights(store: LocalStore, folder: Path, *wanted: int) -> list[str]:
    return [publish_night(store, folder, night, card_md=b"# %d" % night).release_id for night in wanted]


def test_the_release_before_comes_into_force_by_a_new_entry_that_says_who_and_why(
    store: LocalStore, tmp_path: Path
) -> None:
    first, second = nights(store, tmp_path, 1, 2)
    before = [store.get(history_key(n)) for n in (1, 2)]
    entry = rollback(store, None, NOW + timedelta(hours=1), key=KEY, valid_for=timedelta(days=3), **WHO)
    assert (entry.sequence, entry.release_id, entry.action) == (3, first, "rollback")
    assert (entry.by, entry.reason) == ("A. Smith", "prices of trucks are off")
    assert (entry.created, entry.expires) == (NOW + timedelta(hours=1), NOW + timedelta(days=3, hours=1))
    assert newest(store) == entry
    assert [store.get(history_key(n)) for n in (1, 2)] == before
    assert verify(store, trusted=KEY.public) == []
    third = publish_night(store, tmp_path, 3)
    assert load_manifest(store, third.release_id).previous_release == first != second


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        ("1 2", "1"),
        ("1 2 back", None),
        ("1 2 3 back", "1"),
        ("1 2 3 back back", None),
        ("1 2 back 3", "1"),
        ("1 2 3 =1", "2"),
        ("1 2 back =2 3", "2"),
        ("1 2 rotate", "1"),
    ],
)
def test_without_a_name_it_goes_back_to_the_newest_that_was_not_given_up(
    store: LocalStore, tmp_path: Path, done: str, expected: str | None
) -> None:
    ids: dict[str, str] = {}
    for turn, what in enumerate(done.split()):
        if what == "back":
            rollback(store, None, NOW, key=KEY, by="A. Smith", reason=f"turn {turn}")
        elif what == "rotate":
            rotate(store, KEY, OTHER, NOW, by="A. Smith", reason="a new key")
        elif what.startswith("="):
            rollback(store, ids[what[1:]], NOW, key=KEY, by="A. Smith", reason=f"turn {turn}")
        else:
            [ids[what]] = nights(store, tmp_path, int(what))
    if expected is None:
        with pytest.raises(UsageError, match="no earlier release"):
            release_before(entries(store), store.url)
    else:
        assert release_before(entries(store), store.url) == ids[expected]


def test_nothing_in_force_and_nothing_before_is_told(store: LocalStore, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no release"):
        rollback(store, None, NOW, key=KEY, **WHO)
    [only] = nights(store, tmp_path, 1)
    with pytest.raises(UsageError, match="no earlier release"):
        rollback(store, None, NOW, key=KEY, **WHO)
    with pytest.raises(UsageError, match="in force already"):
        rollback(store, only, NOW, key=KEY, **WHO)
    with pytest.raises(UsageError, match="never in force"):
        rollback(store, "0" * 64, NOW, key=KEY, **WHO)
    assert len(entries(store)) == 1


def test_a_plan_writes_nothing(store: LocalStore, tmp_path: Path) -> None:
    first, second = nights(store, tmp_path, 1, 2)
    before = {key: store.get(key) for key in store.list()}
    plan = planned_rollback(store, None, key=KEY.public)
    assert (plan.release_id, plan.displaced.release_id) == (first, second)
    assert {key: store.get(key) for key in store.list()} == before


@pytest.mark.parametrize("damage", ["object missing", "object changed", "manifest changed", "unsigned", "collected"])
def test_never_onto_a_release_that_is_not_whole(store: LocalStore, tmp_path: Path, damage: str) -> None:
    first, second = nights(store, tmp_path, 1, 2)
    card = object_key(load_manifest(store, first).objects["card.md"].sha256)
    kind, words = CorruptError, "card.md"
    match damage:
        case "object missing":
            store.delete(card)
        case "object changed":
            store.put(card, store.get(card).swapcase() + b"!")
        case "manifest changed":
            store.put(manifest_key(first), store.get(manifest_key(first)).replace(b"02:30:00", b"03:30:00"))
            kind, words = ForgedError, "not signed"
        case "unsigned":
            store.delete(signatures_key(first))
            kind, words = ForgedError, "signatures .* missing"
        case "collected":
            collect(store, keep=1, grace=timedelta(0), clock=lambda: NOW)
            kind, words = UsageError, "was collected"
    with pytest.raises(kind, match=words):
        rollback(store, first, NOW, key=KEY, **WHO)
    assert [entry.release_id for entry in entries(store)] == [first, second]
    assert list(store.list("publishing/")) == []


def test_a_history_that_was_rewritten_is_not_rolled_back_onto(store: LocalStore, tmp_path: Path) -> None:
    first, _ = nights(store, tmp_path, 1, 2)
    forged = LocalStore(tmp_path / "forged")
    done = publish(forged, files(tmp_path / "files"), facts(warnings=("forged",)), NOW, key=FORGER)
    for key in forged.list():
        if key not in {LATEST, history_key(1)}:
            store.put(key, forged.get(key))
    entry = entries(store)[0].model_copy(update={"release_id": done.release_id}).signed(FORGER)
    store.put(history_key(1), encode(entry))
    with pytest.raises(ForgedError, match=r"history/2\.json was made after another entry 1"):
        rollback(store, None, NOW, key=KEY, **WHO)
    assert newest(store).sequence == 2  # type: ignore[union-attr]
    assert first != done.release_id


def test_a_stolen_key_that_was_displaced_cannot_put_a_release_into_its_own_past(
    store: LocalStore, tmp_path: Path
) -> None:
    """The thief's entry and manifest are signed by the key that was in force then; what came after tells."""
    nights(store, tmp_path, 1, 2)
    rotate(store, KEY, OTHER, NOW, by="A. Smith", reason="stolen")
    theirs = LocalStore(tmp_path / "theirs")
    done = publish(theirs, files(tmp_path / "files"), facts(warnings=("stolen",)), NOW, key=KEY)
    for key in theirs.list():
        if key not in {LATEST, history_key(1)}:
            store.put(key, theirs.get(key))
    entry = entries(store)[0].model_copy(update={"release_id": done.release_id}).signed(KEY)
    store.put(history_key(1), encode(entry))
    with pytest.raises(ForgedError, match=r"history/2\.json was made after another entry 1"):
        rollback(store, done.release_id, NOW, key=OTHER, trusted=KEY.public, **WHO)
    assert newest(store).sequence == 3  # type: ignore[union-attr]
    (problem,) = [each for each in verify(store, trusted=KEY.public) if each.key == history_key(2)]
    assert "was made after another entry 1" in problem.reason


def test_behind_a_rotation_the_first_key_vouches_and_the_new_one_signs(store: LocalStore, tmp_path: Path) -> None:
    first, _ = nights(store, tmp_path, 1, 2)
    rotate(store, KEY, OTHER, NOW, by="A. Smith", reason="a new key")
    with pytest.raises(ForgedError):
        rollback(store, first, NOW, key=KEY, **WHO)
    entry = rollback(store, first, NOW, key=OTHER, trusted=KEY.public, **WHO)
    assert (entry.release_id, entry.is_signed_by(OTHER.public), entry.key_since) == (first, True, 3)
    assert verify(store, trusted=KEY.public) == []


def test_a_release_in_force_that_is_broken_is_the_more_reason(store: LocalStore, tmp_path: Path) -> None:
    first, second = nights(store, tmp_path, 1, 2)
    store.delete(manifest_key(second))
    assert rollback(store, None, NOW, key=KEY, **WHO).release_id == first


def test_run_again_with_the_same_words_it_goes_back_once(store: LocalStore, tmp_path: Path) -> None:
    first, second, _ = nights(store, tmp_path, 1, 2, 3)
    entry = rollback(store, None, NOW, key=KEY, **WHO)
    store.put(LATEST, b"killed before the hint followed")
    assert rollback(store, None, NOW + timedelta(hours=1), key=KEY, **WHO) == entry
    assert rollback(store, second, NOW + timedelta(hours=1), key=KEY, **WHO) == entry
    assert newest(store) == entry
    assert entry.release_id == second
    again = rollback(store, None, NOW, key=KEY, by="A. Smith", reason="that one is no better")
    assert (again.sequence, again.release_id) == (5, first)


def test_what_somebody_commits_meanwhile_is_not_displaced_unseen(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights(store, tmp_path, 1, 2)
    sign = rollback_module.sign_manifest

    def meanwhile(*args: object) -> None:
        sign(*args)  # type: ignore[arg-type]
        publish_night(store, tmp_path, 3)

    monkeypatch.setattr(rollback_module, "sign_manifest", meanwhile)
    with pytest.raises(DependencyDownError, match=r"after entry 2; nothing was rolled back"):
        rollback(store, None, NOW, key=KEY, **WHO)
    assert [entry.action for entry in entries(store)] == ["publish"] * 3


RACING = """
import sys
from pathlib import Path
from autodetect.errors import DependencyDownError, UsageError
from autodetect.lake.objects import open_objects
from autodetect.release.rollback import rollback
from tests.release.sample import KEY, NOW, publish_night

url, folder, name = sys.argv[1:]
store = open_objects(url)
print("ready", flush=True)
sys.stdin.readline()
for turn in range(4):
    if name == "publisher":
        publish_night(store, Path(folder), 9, card_md=b"turn %d" % turn)
        continue
    try:
        print(rollback(store, None, NOW, key=KEY, by=name, reason=str(turn)).sequence)
    except DependencyDownError as error:
        assert "nothing was rolled back" in error.what
    except UsageError as error:
        assert "no earlier release" in error.what
"""


def test_rollbacks_and_publishers_at_once_make_ordered_entries(tmp_path: Path, store_url: str) -> None:
    store = open_objects(store_url)
    ids = nights(store, tmp_path / "nights", *range(1, 9))  # type: ignore[arg-type]
    names = ("first", "second", "publisher")
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACING, store_url, str(tmp_path / name), name],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for name in names
    ]  # fmt: skip
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    with ThreadPoolExecutor() as pool:
        told = list(pool.map(lambda racer: racer.communicate("go\n", timeout=120)[0], racers))
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    history = entries(store)
    made = {entry.sequence: entry for entry in history if entry.action == "rollback"}
    assert {n: made[n].by for n in made} == {
        int(n): name for name, lines in zip(names, told, strict=True) for n in lines.split()
    }
    assert [entry.sequence for entry in history] == list(range(1, len(history) + 1))
    assert len(made) + 4 == len(history) - len(ids)
    known: set[str] = set()
    for before, entry in pairwise(history):
        known.add(before.release_id)
        assert entry.release_id != before.release_id
        if entry.action == "rollback":
            assert entry.release_id in known
        else:
            assert load_manifest(store, entry.release_id).previous_release == before.release_id
    assert verify(store) == []


KILLED = """
import sys
from autodetect.lake.objects import open_objects
from autodetect.release.rollback import rollback
from tests.release.sample import KEY, NOW, kill_at_write

url, n, after = sys.argv[1:]
store = open_objects(url)
kill_at_write(store, int(n), after=after == "after")
rollback(store, None, NOW, key=KEY, by="A. Smith", reason="prices of trucks are off")
"""
FLAG, ENTRY, HINT, LOWERED = range(1, 5)


@pytest.mark.parametrize(
    ("n", "moment"), [(FLAG, "after"), (ENTRY, "before"), (ENTRY, "after"), (HINT, "after"), (LOWERED, "after")]
)
def test_a_killed_rollback_happened_or_not_and_is_completed_by_the_same_command(
    store: LocalStore, tmp_path: Path, n: int, moment: str
) -> None:
    ids = nights(store, tmp_path, 1, 2, 3)
    with subprocess.Popen([sys.executable, "-c", KILLED, store.url, str(n), moment], cwd=ROOT) as killed:
        assert killed.wait(timeout=120) == -9
    happened = n > ENTRY or (n, moment) == (ENTRY, "after")
    assert [entry.release_id for entry in entries(store)] == [*ids, *([ids[1]] if happened else [])]
    assert verify(store) == []
    assert rollback(store, None, NOW, key=KEY, **WHO).release_id == ids[1]
    assert len(entries(store)) == 4


def test_a_demo_key_rolls_nothing_back_in_production(store: LocalStore, tmp_path: Path) -> None:
    trusted = PrivateKey(bytes(range(32)), "release")
    for night in (1, 2):
        publish(store, files(tmp_path / "f", {"a.md": b"%d" % night}), facts(channel="production"), NOW, key=trusted)
    with pytest.raises(AutoDetectError, match="demo key"):
        rollback(store, None, NOW, key=KEY, trusted=trusted.public, **WHO)
    assert rollback(store, None, NOW, key=trusted, **WHO).sequence == 3


def test_with_a_later_key_alone_a_release_from_before_it_says_which_key_is_wanted(
    store: LocalStore, tmp_path: Path
) -> None:
    first, _ = nights(store, tmp_path, 1, 2)
    rotate(store, KEY, OTHER, NOW, by="A. Smith", reason="a new key")
    with pytest.raises(UsageError, match="from before entry 3 brought in the trusted key") as told:
        rollback(store, first, NOW, key=OTHER, **WHO)
    assert "the store's first key" in told.value.remedy
