"""The lease: one run at a time per lake, with a fencing token, from nothing more than put-if-absent.

Leases are numbered objects `lease/<n>.json`. The highest number is the current one; taking it over means creating
number n+1, which only one process can. Its number is the fencing token: whoever no longer holds the highest number may
not commit. A holder renews its own object; a lease whose heartbeat is older than `expiry_s`, that was released, or
whose process on this very host is gone may be taken over.
"""

import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

from autodetect.errors import DependencyDownError, LeaseHeldError
from autodetect.lake.objects import ObjectMissingError, ObjectStore

log = logging.getLogger(__name__)
KEPT_LEASES = 5  # released ones, so that a person can see who ran last


@dataclass(frozen=True)
class LeaseRecord:
    """What the lease object says about its holder. `heartbeat` is in seconds since the epoch."""

    run_id: str
    host: str
    pid: int
    process_start: str
    heartbeat: float
    released: bool = False

    def to_bytes(self) -> bytes:
        """Return the record as JSON."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote."""
        return cls(**json.loads(data))


@dataclass(frozen=True)
class Fence:
    """The right to commit: valid while no higher lease exists."""

    objects: ObjectStore
    token: int

    def check(self) -> None:
        """Raise `LeaseHeldError` when another run has taken the lease over."""
        newest = max(_tokens(self.objects), default=0)
        if newest != self.token:
            raise LeaseHeldError(
                f"the lease of {self.objects.url} was taken over (token {newest}, ours was {self.token})",
                "another run goes on with this night; look at its log",
            )


@contextmanager
def hold(
    objects: ObjectStore, *, run_id: str, clock: Callable[[], float], expiry_s: float, heartbeat_s: float
) -> Iterator[Fence]:
    """Hold the lake's lease, renewing it in a background thread, and release it at the end.

    Raises:
        LeaseHeldError: another run holds it.
    """
    mine = LeaseRecord(run_id, socket.gethostname(), os.getpid(), _process_start(os.getpid()), clock())
    token = _acquire(objects, mine, now=clock(), expiry_s=expiry_s)
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(heartbeat_s):
            try:
                objects.put(_key(token), replace(mine, heartbeat=clock()).to_bytes())
            except DependencyDownError as error:  # the next beat may reach the store again before the lease expires
                log.warning("lease: a sign of life did not reach %s: %s", objects.url, error.what)

    thread = threading.Thread(target=beat, name="lease-heartbeat", daemon=True)
    thread.start()
    try:
        yield Fence(objects, token)
    finally:
        stop.set()
        thread.join()
        objects.put(_key(token), replace(mine, heartbeat=clock(), released=True).to_bytes())
        for old in sorted(_tokens(objects))[:-KEPT_LEASES]:
            objects.delete(_key(old))


def _acquire(objects: ObjectStore, mine: LeaseRecord, *, now: float, expiry_s: float) -> int:
    newest = max(_tokens(objects), default=0)
    if newest:
        try:
            holder = LeaseRecord.from_bytes(objects.get(_key(newest)))
        except ObjectMissingError:
            holder = None
        if holder and not holder.released and now - holder.heartbeat < expiry_s and _may_live(holder):
            raise LeaseHeldError(
                f"run {holder.run_id} (process {holder.pid} on {holder.host}) holds the lease of {objects.url}; "
                f"its last sign of life was {now - holder.heartbeat:.0f} s ago",
                f"wait for it to end; a lease without a sign of life for {expiry_s:.0f} s is taken over",
            )
    if not objects.put_if_absent(_key(newest + 1), mine.to_bytes()):
        raise LeaseHeldError(f"another run took the lease of {objects.url} at this moment", "wait for it to end")
    return newest + 1


def _may_live(holder: LeaseRecord) -> bool:
    """Return False only when the holder ran on this host and its process is provably gone."""
    if holder.host != socket.gethostname():
        return True
    return _process_start(holder.pid) == holder.process_start


def _process_start(pid: int) -> str:
    """Return what tells a process from a later one with the same number: its start time, '' when it is gone."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        state, *fields = stat.read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        if Path("/proc/self").exists():
            return ""
        return _start_without_proc(pid)
    return "" if state == "Z" else fields[18]  # field 22 of proc(5): starttime in clock ticks


def _start_without_proc(pid: int) -> str:
    """Return whether the process lives, for systems without /proc (a reused number is then not noticed)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        return "alive"
    return "alive"


def _tokens(objects: ObjectStore) -> list[int]:
    return [int(key.removeprefix("lease/").removesuffix(".json")) for key in objects.list("lease/")]


def _key(token: int) -> str:
    return f"lease/{token:09d}.json"
