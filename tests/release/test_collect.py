"""Collecting garbage: what kept releases name stays, whoever is killed, whoever publishes at the same time."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from autodetect.errors import CorruptError, DependencyDownError, UsageError
from autodetect.lake.objects import LocalStore, ObjectMissingError, ObjectStore, open_objects
from autodetect.release.collect import collect, survey
from autodetect.release.history import entries, newest
from autodetect.release.kept import kept_releases, note_collected
from autodetect.release.layout import COLLECTED, MANIFESTS, OBJECTS, manifest_key, object_key, signatures_key
from autodetect.release.manifest import load_manifest
from autodetect.release.pins import pin, pins, unpin
from autodetect.release.rollback import rollback
from autodetect.release.under_way import COLLECTION_LASTS, announced
from autodetect.release.upload import holds_object
from autodetect.release.verify import verify
from tests.release.sample import KEY, NOW, publish_night

ROOT = Path(__file__).parents[2]
GRACE = timedelta(hours=24)
WHO = {"by": "A. Smith", "reason": "the demo"}


def collected(store: ObjectStore, keep: int, now: object = NOW) -> int:
    return collect(store, keep=keep, grace=GRACE, clock=lambda: now).removed


def is_whole(store: ObjectStore, release_id: str) -> bool:
    return all(holds_object(store, wanted) for wanted in load_manifest(store, release_id).objects.values())


def published_nights(store: ObjectStore, folder: Path, *nights: int) -> list[str]:
    """Publish nights that differ in one file and share the others."""
    return [publish_night(store, folder, night, card_md=b"# %d" % night).release_id for night in nights]


def contents(store: ObjectStore) -> dict[str, bytes]:
    return {key: store.get(key) for key in store.list()}


def test_the_last_releases_the_pinned_ones_and_the_history_stay(store: LocalStore, tmp_path: Path) -> None:
    ids = published_nights(store, tmp_path, 1, 2, 3, 4, 5)
    pin(store, ids[0], NOW, **WHO)
    history, found = entries(store), survey(store, 2)
    assert found.kept == {ids[0], ids[3], ids[4]}
    assert set(found.releases) == {ids[1], ids[2]}
    assert collected(store, 2) == len(found.sizes) == 6  # a manifest, signatures and a card each: the rest is shared
    assert all(is_whole(store, each) for each in found.kept)
    assert not any(store.exists(manifest_key(each)) or store.exists(signatures_key(each)) for each in ids[1:3])
    assert entries(store) == history
    assert verify(store) == []
    assert survey(store, 2).sizes == {}


def test_what_was_collected_stays_so_though_more_are_kept_later(store: LocalStore, tmp_path: Path) -> None:
    ids = published_nights(store, tmp_path, 1, 2, 3)
    collected(store, 1)
    assert kept_releases(store, entries(store), 30) == {ids[2]}
    assert collected(store, 30) == 0
    ids += published_nights(store, tmp_path, 4)
    assert kept_releases(store, entries(store), 30) == set(ids[2:])


def test_no_note_gives_up_the_release_in_force(store: LocalStore, tmp_path: Path) -> None:
    ids = published_nights(store, tmp_path, 1, 2)
    for each in ids:
        note_collected(store, each, 2)
    assert kept_releases(store, entries(store), 2) == {ids[1]}


def test_a_release_counts_once_at_its_newest_entry(store: LocalStore, tmp_path: Path) -> None:
    ids = published_nights(store, tmp_path, 1, 2, 3)
    rollback(store, ids[0], NOW, key=KEY, **WHO)
    assert kept_releases(store, entries(store), 1) == {ids[0]}
    assert kept_releases(store, entries(store), 2) == {ids[0], ids[2]}


def test_a_release_that_was_collected_and_published_again_is_kept_like_any_other(
    store: LocalStore, tmp_path: Path
) -> None:
    first, second = published_nights(store, tmp_path, 1, 2)
    rollback(store, first, NOW, key=KEY, **WHO)
    collected(store, 1)
    assert published_nights(store, tmp_path, 2, 3)[0] == second
    assert second in kept_releases(store, entries(store), 2)
    collected(store, 2)
    assert is_whole(store, second)


def test_what_nothing_else_knows_is_left_and_named(store: LocalStore, tmp_path: Path) -> None:
    published_nights(store, tmp_path, 1)
    unknown = ["notes.txt", f"{MANIFESTS}draft.json", f"{OBJECTS}short"]
    for key in unknown:
        store.put(key, b"?")
    assert survey(store, 1).unknown == tuple(sorted(unknown))
    assert collected(store, 1) == 0
    assert all(store.exists(key) for key in unknown)


def test_what_a_killed_publisher_left_goes_once_its_grace_is_over(store: LocalStore, tmp_path: Path) -> None:
    published_nights(store, tmp_path, 1)
    flag = announced(store, NOW)
    flag.__enter__()
    leftover = object_key("e" * 64)
    store.put(leftover, b"sent, never committed")
    with pytest.raises(DependencyDownError, match="somebody publishes"):
        collected(store, 1)
    assert store.exists(leftover)
    assert collected(store, 1, NOW + GRACE) == 1
    assert not store.exists(leftover)
    assert verify(store) == []


@pytest.mark.parametrize("which", ["in force", "pinned", "recent"])
@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_nothing_goes_while_the_manifest_of_a_kept_release_cannot_be_read(
    store: LocalStore, tmp_path: Path, which: str, damage: str
) -> None:
    ids = published_nights(store, tmp_path, 1, 2, 3, 4)
    pin(store, ids[1], NOW, **WHO)
    key = manifest_key({"pinned": ids[1], "recent": ids[2], "in force": ids[3]}[which])
    if damage == "missing":
        store.delete(key)
    else:
        store.put(key, store.get(key).replace(b"sandbox", b"sandbix"))
    before = contents(store)
    with pytest.raises(CorruptError, match="manifest"):
        collected(store, 2)
    assert contents(store) == before


def test_a_pin_that_names_no_release_stops_it(store: LocalStore, tmp_path: Path) -> None:
    published_nights(store, tmp_path, 1, 2)
    store.put("pins/1f3a.json", b"{}")
    with pytest.raises(CorruptError, match=r"pins/1f3a\.json"):
        collected(store, 1)


def test_out_of_time_it_stops_and_the_next_one_goes_on(store: LocalStore, tmp_path: Path) -> None:
    ids = published_nights(store, tmp_path, 1, 2, 3)
    times = [NOW] * 4 + [NOW + COLLECTION_LASTS] * 50
    done = collect(store, keep=1, grace=GRACE, clock=lambda: times.pop(0))
    assert 0 < done.removed < len(done.garbage.sizes)
    assert verify(store) == []
    assert collected(store, 1) == len(done.garbage.sizes) - done.removed
    assert is_whole(store, ids[2])
    assert verify(store) == []


def test_unfinished_uploads_go_once_their_grace_is_over(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(store, "abort_unfinished", lambda older_than: asked.append(older_than) or 3)
    assert collect(store, keep=1, grace=GRACE, clock=lambda: NOW).unfinished == 3
    assert asked == [GRACE]


def test_only_what_is_there_can_be_pinned(store: LocalStore, tmp_path: Path) -> None:
    ids = published_nights(store, tmp_path, 1, 2)
    made = pin(store, ids[0], NOW, **WHO)
    assert pins(store) == {ids[0]: made}
    assert (made.by, made.reason) == ("A. Smith", "the demo")
    assert unpin(store, ids[0])
    assert not unpin(store, ids[0])
    collected(store, 1)
    with pytest.raises(UsageError, match="was collected"):
        pin(store, ids[0], NOW, **WHO)


KILLED = """
import sys
from datetime import timedelta
from autodetect.lake.objects import open_objects
from autodetect.release.collect import collect
from tests.release.sample import NOW, kill_at_write

url, n, after = sys.argv[1:]
store = open_objects(url)
kill_at_write(store, int(n), after=after == "after")
collect(store, keep=2, grace=timedelta(hours=24), clock=lambda: NOW)
"""
# What is written and removed where two of four nights go: flag, (note, manifest) twice, signatures, cards, flag.
FLAG, NOTE, MANIFEST, OTHER_MANIFEST, CARD, LOWERED = 1, 2, 3, 5, 9, 10
MOMENTS = [(FLAG, "after"), (NOTE, "after"), (MANIFEST, "after"), (OTHER_MANIFEST, "after"), (CARD, "before")]
CASES = [("folder", n, moment) for n, moment in (*MOMENTS, (LOWERED, "before"))]
CASES += [pytest.param("s3", n, moment, marks=pytest.mark.s3) for n, moment in [(MANIFEST, "after"), (CARD, "before")]]


@pytest.mark.parametrize(("store_url", "n", "moment"), CASES, indirect=["store_url"])
def test_a_killed_collection_leaves_whole_releases_and_the_next_one_completes_it(
    tmp_path: Path, store_url: str, n: int, moment: str
) -> None:
    store = open_objects(store_url)
    ids = published_nights(store, tmp_path / "nights", 1, 2, 3, 4)
    undisturbed = LocalStore(tmp_path / "undisturbed")
    published_nights(undisturbed, tmp_path / "nights", 1, 2, 3, 4)
    with subprocess.Popen([sys.executable, "-c", KILLED, store_url, str(n), moment], cwd=ROOT) as killed:
        assert killed.wait(timeout=120) == -9
    assert verify(store) == []
    assert all(is_whole(store, each) for each in ids if store.exists(manifest_key(each)))
    collected(store, 2, NOW + COLLECTION_LASTS)
    collected(undisturbed, 2)
    assert contents(store) == contents(undisturbed)
    assert verify(store) == []


PUBLISHER = """
import json, random, sys, time
from datetime import UTC, datetime
from pathlib import Path
from autodetect.lake.objects import open_objects
from tests.release.sample import publish_night

url, folder, night = sys.argv[1:]
store = open_objects(url)
for turn in range(6):
    # Contents come back: what the other party is about to remove is what this one finds in the store.
    done = publish_night(store, Path(folder), int(night), datetime.now(UTC), card_md=b"# %d" % (turn % 2))
    print(json.dumps([done.sequence, done.release_id]), flush=True)
    time.sleep(random.random() / 2)
"""
COLLECTOR = """
import random, sys, time
from datetime import UTC, datetime, timedelta
from autodetect.errors import DependencyDownError
from autodetect.lake.objects import open_objects
from autodetect.release.collect import collect

store, removed, over = open_objects(sys.argv[1]), 0, False
while not over:
    last = store.exists("stop")
    try:
        removed += collect(store, keep=1, grace=timedelta(hours=1), clock=lambda: datetime.now(UTC)).removed
        over = last
    except DependencyDownError:
        time.sleep(random.random() / 4)
print(removed)
"""


def test_publishers_beside_collectors_lose_nothing(tmp_path: Path, store_url: str) -> None:
    store = open_objects(store_url)
    published_nights(store, tmp_path / "0", 9)

    def start(script: str, *args: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", script, store_url, *args]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)

    publishers = [start(PUBLISHER, str(tmp_path / night), night) for night in ("1", "2")]
    collectors = [start(COLLECTOR), start(COLLECTOR)]
    while any(publisher.poll() is None for publisher in publishers):
        entry = newest(store)
        assert entry is not None
        assert is_whole_while_in_force(store, entry.sequence, entry.release_id)
    store.put("stop", b"")
    told = [publisher.communicate(timeout=120)[0].splitlines() for publisher in publishers]
    removed = sum(int(collector.communicate(timeout=120)[0]) for collector in collectors)
    assert [each.returncode for each in (*publishers, *collectors)] == [0, 0, 0, 0]
    assert removed > 0
    history = {entry.sequence: entry.release_id for entry in entries(store)}
    assert all(history[sequence] == release_id for lines in told for sequence, release_id in map(json.loads, lines))
    store.delete("stop")
    last = newest(store)
    assert last is not None
    assert is_whole(store, last.release_id)
    assert verify(store) == []
    noted = {key.removeprefix(COLLECTED).removesuffix(".json") for key in store.list(COLLECTED)}
    assert noted <= set(history.values())


def is_whole_while_in_force(store: ObjectStore, sequence: int, release_id: str) -> bool:
    """A release may go once another is in force, not before."""
    try:
        whole = is_whole(store, release_id)
    except (ObjectMissingError, CorruptError):
        whole = False
    after = newest(store)
    return whole or (after is not None and after.sequence > sequence)
