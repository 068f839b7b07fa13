"""The lease: one run at a time, taken over only when its holder is provably gone, and never committed past."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from autodetect.errors import DependencyDownError, LeaseHeldError
from autodetect.lake.lease import KEPT_LEASES, Fence, LeaseRecord, _process_start, hold
from autodetect.lake.objects import LocalStore, ObjectStore

ROOT = Path(__file__).parents[2]
EXPIRY_S = 120.0
HOLDER = """
import contextlib, sys, time
from pathlib import Path
from autodetect.errors import LeaseHeldError
from autodetect.lake.lease import hold
from autodetect.lake.objects import LocalStore

print("ready", flush=True)
held = contextlib.ExitStack()
for line in sys.stdin:
    store = LocalStore(Path(line.rstrip()))
    try:
        fence = held.enter_context(hold(store, run_id=sys.argv[1], clock=time.time, expiry_s=120, heartbeat_s=60))
        print("won", fence.token, flush=True)
    except LeaseHeldError:
        print("refused", flush=True)
held.close()
"""


@contextmanager
def process(name: str = "other") -> Iterator[subprocess.Popen[str]]:
    """A process that takes the lease of every folder written to it, and holds them until its input ends."""
    command = [sys.executable, "-c", HOLDER, name]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            yield child
        finally:
            child.kill()


def take(child: subprocess.Popen[str], folder: Path) -> None:
    assert child.stdin is not None
    child.stdin.write(f"{folder}\n")
    child.stdin.flush()


def said(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def holding(store: ObjectStore, *, at: float = 0.0, run_id: str = "me", beat: float = 60) -> AbstractContextManager:
    return hold(store, run_id=run_id, clock=lambda: at, expiry_s=EXPIRY_S, heartbeat_s=beat)


def record(store: ObjectStore, token: int) -> LeaseRecord:
    return LeaseRecord.from_bytes(store.get(f"lease/{token:09d}.json"))


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "lake")


def test_of_several_processes_exactly_one_gets_the_lease(tmp_path: Path) -> None:
    rounds = [tmp_path / f"round-{n}" for n in range(8)]
    with process("a") as a, process("b") as b, process("c") as c, process("d") as d:
        racers = (a, b, c, d)
        for folder in rounds:
            for racer in racers:
                take(racer, folder)
        outcomes = [sorted(said(racer) for racer in racers) for _ in rounds]
    assert outcomes == [["refused", "refused", "refused", "won 1"]] * len(rounds)


def test_the_lease_is_free_again_when_its_holder_ends(store: LocalStore, tmp_path: Path) -> None:
    with process() as other:
        take(other, store.root)
        assert said(other) == "won 1"
        with pytest.raises(LeaseHeldError, match="run other") as refusal, holding(store):
            pytest.fail("two runs at once")
        assert refusal.value.exit_code == 5
        assert str(other.pid) in refusal.value.what
        other.communicate(timeout=30)
    assert record(store, 1).released
    with holding(store) as fence:
        assert fence.token == 2


@pytest.mark.parametrize("reaped", [True, False])
def test_a_killed_holder_is_followed_at_once_on_its_host(store: LocalStore, reaped: bool) -> None:
    with process() as other:
        take(other, store.root)
        assert said(other) == "won 1"
        os.kill(other.pid, signal.SIGKILL)
        if reaped:
            other.wait()
        else:
            os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # dead, and still in the process table
        with hold(store, run_id="me", clock=time.time, expiry_s=EXPIRY_S, heartbeat_s=60) as fence:
            assert fence.token == 2
            fence.check()


def test_a_holder_elsewhere_is_believed_until_its_heartbeat_expires(store: LocalStore) -> None:
    elsewhere = LeaseRecord("far", "another-host", 1, "", heartbeat=1000.0)
    store.put_if_absent("lease/000000007.json", elsewhere.to_bytes())
    with pytest.raises(LeaseHeldError, match="119 s ago"), holding(store, at=1000 + EXPIRY_S - 1):
        pytest.fail("the holder was still alive")
    with holding(store, at=1000 + EXPIRY_S) as fence:
        assert fence.token == 8


def test_a_later_process_with_the_holders_number_is_not_the_holder(store: LocalStore) -> None:
    mine = LeaseRecord("old", socket.gethostname(), os.getpid(), _process_start(os.getpid()), heartbeat=0.0)
    store.put_if_absent("lease/000000001.json", mine.to_bytes())
    with pytest.raises(LeaseHeldError), holding(store):
        pytest.fail("the holder lives")
    reused = LeaseRecord("old", socket.gethostname(), os.getpid(), "long ago", heartbeat=0.0)
    store.put("lease/000000001.json", reused.to_bytes())
    with holding(store) as fence:
        assert fence.token == 2


def test_whoever_was_taken_over_may_not_commit(store: LocalStore) -> None:
    with holding(store, at=0.0) as first:
        first.check()
        Fence(store, first.token).check()
        with holding(store, at=EXPIRY_S, run_id="second") as second:
            second.check()
            with pytest.raises(LeaseHeldError, match="token 2, ours was 1"):
                first.check()
        with pytest.raises(LeaseHeldError):
            first.check()
    assert record(store, 2).run_id == "second"
    with pytest.raises(LeaseHeldError):
        first.check()


def test_the_lease_is_given_back_when_the_run_fails(store: LocalStore) -> None:
    with pytest.raises(RuntimeError, match="the run"), holding(store):
        raise RuntimeError("the run")
    with holding(store) as fence:
        assert fence.token == 2


def test_only_the_newest_leases_are_kept(store: LocalStore) -> None:
    for turn in range(1, KEPT_LEASES + 4):
        with holding(store) as fence:
            assert fence.token == turn
    assert len(list(store.list("lease/"))) == KEPT_LEASES
    with holding(store) as fence:
        assert fence.token == KEPT_LEASES + 4


class Clock:
    """Goes on by a second whenever it is asked, and tells when it was asked often enough."""

    def __init__(self, enough: int) -> None:
        self.now = 0.0
        self.asked_enough = threading.Event()
        self._enough = enough

    def __call__(self) -> float:
        self.now += 1
        if self.now >= self._enough:
            self.asked_enough.set()
        return self.now


def test_the_heartbeat_is_renewed_while_the_lease_is_held(store: LocalStore) -> None:
    clock = Clock(enough=6)
    with hold(store, run_id="me", clock=clock, expiry_s=EXPIRY_S, heartbeat_s=0.001):
        began = 1.0
        assert clock.asked_enough.wait(60)
        assert record(store, 1).heartbeat > began
        assert not record(store, 1).released
    assert record(store, 1).released


class FailingStore(LocalStore):
    """Is down for the first three heartbeats."""

    failures = 3

    def put(self, key: str, data: bytes) -> None:
        if self.failures:
            self.failures -= 1
            raise DependencyDownError("the store is down")
        super().put(key, data)


def test_a_heartbeat_that_fails_is_told_and_the_next_one_comes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, clock = FailingStore(tmp_path), Clock(enough=9)
    with hold(store, run_id="me", clock=clock, expiry_s=EXPIRY_S, heartbeat_s=0.001):
        assert clock.asked_enough.wait(60)
        assert record(store, 1).heartbeat > 4
    assert caplog.text.count("the store is down") == 3


@pytest.mark.s3
def test_a_lease_on_s3_is_held_by_one_run_and_taken_over_by_the_next(bucket: str) -> None:
    from autodetect.lake.objects import open_objects

    def store() -> Any:
        return open_objects(f"s3://{bucket}/a/lake")

    with holding(store()) as first:
        first.check()
        with pytest.raises(LeaseHeldError), holding(store(), at=1):
            pytest.fail("two runs at once")
        with holding(store(), at=EXPIRY_S) as second:
            second.check()
            with pytest.raises(LeaseHeldError):
                first.check()
    with holding(store()) as third:
        assert third.token == 3
