"""Publishers and collectors stay out of each other's way by flags in the store, without a lease.

Whoever comes first announces and then looks: a publisher raises a flag below `publishing/`, then looks below
`collecting/`; a collector raises one there, then looks below `publishing/`. A store shows what was written before, so
of any two at least one sees the other. A collector that sees a publisher gives up; a publisher that sees a collector
keeps its flag up, so that this one stops and the next one gives up, and waits for it to end.

Every flag has a name of its own that is never used again: taking away a flag of the dead can hit nobody else's.

Who is dead is told by the clock, and clocks may be wrong. So the flag of the dead is taken down, which one who lives
after all sees before its next step that matters, and what that one is in the middle of is given the time to end.
"""

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import uuid4

from pydantic import AwareDatetime

from autodetect.durations import duration
from autodetect.errors import AutoDetectError, DependencyDownError
from autodetect.lake.objects import ObjectMissingError, ObjectStore
from autodetect.records import Record
from autodetect.release.layout import COLLECTING, PUBLISHING
from autodetect.release.manifest import RecordT, decode, encode, utc

log = logging.getLogger(__name__)

COLLECTION_LASTS = timedelta(minutes=15)
MARGIN = timedelta(minutes=5)  # a collector ends so much before its flag expires: one slow request, clocks that differ
WAIT = timedelta(minutes=2)
LOOK_EVERY = timedelta(seconds=2)


class Publishing(Record):
    """Somebody publishes, rolls back or pins: what the store holds must stay until this flag goes."""

    created: AwareDatetime
    host: str
    pid: int

    def words(self, now: datetime) -> str:
        """Return who it is and since when."""
        return f"process {self.pid} on {self.host}, for {duration(max(0.0, (now - self.created).total_seconds()))}"


class Collecting(Record):
    """Somebody removes what nothing names any more; it does so no longer than `expires`."""

    created: AwareDatetime
    expires: AwareDatetime
    host: str
    pid: int


@contextmanager
def announced(
    store: ObjectStore, now: datetime, *, wait: timedelta = WAIT, look_every: timedelta = LOOK_EVERY
) -> Iterator[Callable[[], None]]:
    """Keep what the store holds from being collected while the block runs.

    The block gets a function to be called right before a commit: it raises where a collector took this process for
    dead, because its flag had been up for longer than `release.grace_hours`.

    Args:
        store: the release store.
        now: the time.
        wait: how long to wait for a collection that is under way.
        look_every: how long to sleep between two looks at it.

    Raises:
        DependencyDownError: the collection did not end in time, or this process was taken for dead.
    """
    key = f"{PUBLISHING}{uuid4().hex}.json"
    store.put(key, encode(Publishing(created=utc(now), host=socket.gethostname(), pid=os.getpid())))
    try:
        _wait_for_collectors(store, now, wait, look_every)
        yield lambda: _check_still_up(store, key)
    finally:
        _lower(store, key)


@contextmanager
def collecting(store: ObjectStore, grace: timedelta, clock: Callable[[], datetime]) -> Iterator[Callable[[], bool]]:
    """Hold the right to remove from the store what nothing names. What is named must be read inside the block.

    The block gets a function that says whether to go on; it is asked before each removal. Time may be up, somebody may
    publish, or have taken this collection for dead, and its flag down.

    Args:
        store: the release store.
        grace: a publisher whose flag is older is dead; its flag is removed.
        clock: gives the time.

    Raises:
        DependencyDownError: somebody publishes, or collects already; or the store does not show what was just written.
    """
    key, now = f"{COLLECTING}{uuid4().hex}.json", utc(clock())
    flag = Collecting(created=now, expires=now + COLLECTION_LASTS, host=socket.gethostname(), pid=os.getpid())
    store.put(key, encode(flag))
    try:
        _refuse_beside_collectors(store, key, now)
        _refuse_beside_publishers(store, grace, now)
        yield lambda: clock() < flag.expires - MARGIN and store.exists(key) and not any(store.list(PUBLISHING))
    finally:
        _lower(store, key)


def publishers(store: ObjectStore) -> dict[str, Publishing]:
    """Return the flags of those who publish, living or dead, by key.

    Raises:
        CorruptError: a flag is damaged.
    """
    return _flags(store, PUBLISHING, Publishing)


def _wait_for_collectors(store: ObjectStore, now: datetime, wait: timedelta, look_every: timedelta) -> None:
    waited = timedelta()
    while flags := _flags(store, COLLECTING, Collecting):
        for key in [key for key, flag in flags.items() if now + waited >= flag.expires]:
            store.delete(key)
            del flags[key]
        if flags and waited >= wait:
            last = max(flags.values(), key=lambda flag: flag.expires)
            raise DependencyDownError(
                f"{store.url} is being tidied (process {last.pid} on {last.host}); nothing was committed",
                f"run again in a minute; should that process be dead, at {last.expires:%H:%M} UTC at the latest",
            )
        time.sleep(look_every.total_seconds())
        waited += look_every


def _check_still_up(store: ObjectStore, key: str) -> None:
    if not store.exists(key):
        raise DependencyDownError(
            f"this took longer than release.grace_hours: a collection took this process for dead and removed {key} in"
            f" {store.url}; nothing was committed",
            "run again; if it always takes so long, raise release.grace_hours",
        )


def _refuse_beside_collectors(store: ObjectStore, own: str, now: datetime) -> None:
    flags = _flags(store, COLLECTING, Collecting)
    if own not in flags:
        raise DependencyDownError(
            f"{store.url} does not list what was just written: a publish under way could be overlooked",
            "wait until the store is well; one that always lags behind cannot be tidied",
        )
    for key, flag in flags.items():
        if key != own and now < flag.expires:
            raise DependencyDownError(
                f"{store.url} is being tidied by another (process {flag.pid} on {flag.host}); nothing was removed",
                f"run again when it has ended; should it be dead, after {flag.expires:%H:%M} UTC",
            )
        if key != own:
            store.delete(key)


def _refuse_beside_publishers(store: ObjectStore, grace: timedelta, now: datetime) -> None:
    flags = publishers(store)
    for key, flag in flags.items():
        if now - flag.created < grace:
            raise DependencyDownError(
                f"somebody publishes to {store.url} ({flag.words(now)}); nothing was removed",
                "run again when that has ended. One that was killed holds this back until release.grace_hours are over"
                f" ({grace.total_seconds() / 3600:g}); if it is dead for sure, set fewer for this run",
            )
        log.warning("gc: a publish that never ended is given up: %s", flag.words(now))
        store.delete(key)
    if flags:
        time.sleep(LOOK_EVERY.total_seconds())


def _flags(store: ObjectStore, prefix: str, kind: type[RecordT]) -> dict[str, RecordT]:
    found = {}
    for key in list(store.list(prefix)):
        try:
            found[key] = decode(kind, store.get(key), f"{store.url}/{key}")
        except ObjectMissingError:
            continue  # lowered since
    return found


def _lower(store: ObjectStore, key: str) -> None:
    """Take a flag down. One that stays expires: what its block did, or raised, counts all the same."""
    try:
        store.delete(key)
    except AutoDetectError as error:
        log.warning("%s stays until it expires: %s", key, error.what)
