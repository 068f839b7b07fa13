"""Publishers beside collectors: whatever the order of their steps, and whoever is killed, no committed file goes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from autodetect.errors import CorruptError, DependencyDownError
from autodetect.lake.objects import LocalStore, ObjectStore
from autodetect.release import under_way
from autodetect.release.layout import COLLECTING, PUBLISHING
from autodetect.release.manifest import encode
from autodetect.release.under_way import COLLECTION_LASTS, MARGIN, Collecting, Publishing, announced, collecting
from tests.release.interleavings import Role, walk
from tests.release.sample import NOW

GRACE = timedelta(hours=24)
FILE, HISTORY = "objects/file", "history/"
AT_ONCE = {"wait": timedelta(0)}


class LostError(Exception):
    """A file that the history names is not there."""


def check(objects: dict[str, bytes]) -> None:
    if FILE not in objects and any(key.startswith(HISTORY) for key in objects):
        raise LostError


def publish(store: ObjectStore, now: datetime = NOW, announced: Callable[..., object] = announced) -> None:
    """The least of a publish: a file that is there is not sent again; then the commit."""
    with announced(store, now, **AT_ONCE) as check_announced:
        if not store.exists(FILE):
            store.put(FILE, b"")
        check_announced()
        store.put_if_absent(f"{HISTORY}{threading.current_thread().name}", b"")


def collect(store: ObjectStore, now: datetime = NOW, collecting: Callable[..., object] = collecting) -> None:
    """The least of a collection: what no entry names goes."""
    with collecting(store, GRACE, lambda: now) as may_go_on:
        if not list(store.list(HISTORY)) and may_go_on():
            store.delete(FILE)


@pytest.fixture(autouse=True)
def sleepless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody sleeps: what is waited for happens at once, or never."""
    monkeypatch.setattr(under_way.time, "sleep", lambda seconds: None)


@pytest.fixture
def named_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flags named for their party, so that states can be compared."""
    monkeypatch.setattr(under_way, "uuid4", lambda: SimpleNamespace(hex=threading.current_thread().name))


@contextmanager
def looking_first_as_publisher(store: ObjectStore, now: datetime, *, wait: timedelta) -> Iterator[Callable[[], None]]:
    under_way._wait_for_collectors(store, now, wait, wait)
    store.put(f"{PUBLISHING}{threading.current_thread().name}.json", encode(Publishing(created=now, host="h", pid=1)))
    yield lambda: None


@contextmanager
def looking_first_as_collector(
    store: ObjectStore, grace: timedelta, clock: Callable[[], datetime]
) -> Iterator[Callable[[], bool]]:
    under_way._refuse_beside_publishers(store, grace, clock())
    flag = Collecting(created=clock(), expires=clock() + COLLECTION_LASTS, host="h", pid=1)
    store.put(f"{COLLECTING}{threading.current_thread().name}.json", encode(flag))
    yield lambda: True


LATER = NOW + GRACE + timedelta(hours=1)
PUBLISHER, OTHER_PUBLISHER = Role("publisher", publish), Role("other publisher", publish)
COLLECTOR, OTHER_COLLECTOR = Role("collector", collect), Role("other collector", collect)
A_DAY_LATER = (
    Role("late collector", lambda store: collect(store, LATER), late=True),
    Role("late publisher", lambda store: publish(store, LATER), late=True),
)


@pytest.mark.usefixtures("named_flags")
def test_whatever_the_order_and_whoever_is_killed_no_committed_file_is_removed() -> None:
    found = walk((PUBLISHER, COLLECTOR, *A_DAY_LATER), {FILE: b""}, check)
    assert found.ends == {
        ("publisher", "done"), ("publisher", "refused"),
        ("collector", "done"), ("collector", "refused"),
        ("late collector", "done"), ("late publisher", "done"),
    }  # fmt: skip


@pytest.mark.usefixtures("named_flags")
@pytest.mark.parametrize("third", [OTHER_PUBLISHER, OTHER_COLLECTOR])
def test_nor_is_it_among_three(third: Role) -> None:
    found = walk((PUBLISHER, COLLECTOR, third), {FILE: b""}, check, kills=False)
    assert {(role.name, end) for role in (PUBLISHER, COLLECTOR, third) for end in ("done", "refused")} == found.ends


def hasty_publisher(store: ObjectStore) -> None:
    publish(store, announced=looking_first_as_publisher)


def hasty_collector(store: ObjectStore) -> None:
    collect(store, collecting=looking_first_as_collector)


@pytest.mark.usefixtures("named_flags")
@pytest.mark.parametrize(
    "roles",
    [(Role("publisher", hasty_publisher), COLLECTOR), (PUBLISHER, Role("collector", hasty_collector))],
    ids=["publisher", "collector"],
)
def test_the_walk_finds_what_is_lost_where_one_looks_before_it_announces(roles: tuple[Role, ...]) -> None:
    with pytest.raises(LostError):
        walk(roles, {FILE: b""}, check)


def flags(store: ObjectStore) -> list[str]:
    return [*store.list(PUBLISHING), *store.list(COLLECTING)]


def test_flags_go_with_their_block_however_it_ends(store: LocalStore) -> None:
    with announced(store, NOW):
        assert len(flags(store)) == 1
    with pytest.raises(ZeroDivisionError), announced(store, NOW):
        raise ZeroDivisionError
    with collecting(store, GRACE, lambda: NOW):
        assert len(flags(store)) == 1
    assert flags(store) == []


def test_a_publisher_waits_for_a_collection_and_goes_on_after_it(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection = collecting(store, GRACE, lambda: NOW)
    collection.__enter__()
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            collection.__exit__(None, None, None)

    monkeypatch.setattr(under_way.time, "sleep", sleep)
    with announced(store, NOW):
        assert len(slept) == 3


def test_a_publisher_waits_only_so_long(store: LocalStore) -> None:
    with (
        collecting(store, GRACE, lambda: NOW),
        pytest.raises(DependencyDownError, match=r"being tidied.*nothing was committed"),
        announced(store, NOW),
    ):
        pytest.fail("it went on beside a collection")
    assert flags(store) == []


def test_a_dead_collection_stops_nobody_once_its_flag_has_expired(store: LocalStore) -> None:
    dead = Collecting(created=NOW, expires=NOW + COLLECTION_LASTS, host="elsewhere", pid=7)
    store.put(f"{COLLECTING}dead.json", encode(dead))
    just_before = dead.expires - timedelta(seconds=1)
    with pytest.raises(DependencyDownError, match="process 7 on elsewhere"), announced(store, just_before, **AT_ONCE):
        pass
    with pytest.raises(DependencyDownError, match="nothing was removed"), collecting(store, GRACE, lambda: just_before):
        pass
    with announced(store, dead.expires, **AT_ONCE):
        pass
    with collecting(store, GRACE, lambda: dead.expires):
        assert not store.exists(f"{COLLECTING}dead.json")


def test_a_collector_stops_well_before_its_flag_expires(store: LocalStore) -> None:
    times = [NOW]
    with collecting(store, GRACE, lambda: times[-1]) as may_go_on:
        times.append(NOW + COLLECTION_LASTS - MARGIN - timedelta(seconds=1))
        assert may_go_on()
        times.append(NOW + COLLECTION_LASTS - MARGIN)
        assert not may_go_on()


def test_a_collector_stops_when_somebody_whose_clock_is_ahead_takes_it_for_dead(store: LocalStore) -> None:
    with collecting(store, GRACE, lambda: NOW) as may_go_on:
        assert may_go_on()
        with announced(store, NOW + COLLECTION_LASTS, **AT_ONCE):
            assert not may_go_on()


def test_a_publisher_taken_for_dead_commits_nothing(store: LocalStore) -> None:
    with announced(store, NOW) as check_announced:
        check_announced()
        with pytest.raises(DependencyDownError, match="somebody publishes"), collecting(store, GRACE, lambda: NOW):
            pass
        check_announced()
        with collecting(store, GRACE, lambda: NOW + GRACE):
            assert list(store.list(PUBLISHING)) == []
        with pytest.raises(DependencyDownError, match=r"grace_hours.*nothing was committed"):
            check_announced()


def test_a_store_that_lists_late_is_not_tidied(tmp_path: Path) -> None:
    class Lagging(LocalStore):
        def list(self, prefix: str = "") -> Iterator[str]:
            yield from ()

    with (
        pytest.raises(DependencyDownError, match="does not list what was just written"),
        collecting(Lagging(tmp_path), GRACE, lambda: NOW),
    ):
        pass


@pytest.mark.parametrize("prefix", [PUBLISHING, COLLECTING])
def test_a_flag_that_cannot_be_read_stops_a_collection(store: LocalStore, prefix: str) -> None:
    store.put(f"{prefix}odd.json", b"{}")
    with pytest.raises(CorruptError, match=r"odd\.json"), collecting(store, GRACE, lambda: NOW):
        pass
    assert flags(store) == [f"{prefix}odd.json"]


def test_a_flag_that_cannot_be_taken_down_undoes_nothing(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def down(key: str) -> None:
        raise DependencyDownError("the store does not answer")

    with announced(store, NOW):
        monkeypatch.setattr(store, "delete", down)
    assert "stays until it expires" in caplog.text
