"""The night that this process runs: opened once under the lake's lease, joined by every stage flow inside it."""

import contextlib
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from contextvars import ContextVar
from datetime import UTC, datetime

from autodetect.catalog.answers import read_answers
from autodetect.errors import AutoDetectError, UsageError
from autodetect.lake.lake import Lake, lake_exists, open_lake
from autodetect.lake.lease import Fence, hold
from autodetect.lake.nights import begin, resolve_night, superseded
from autodetect.lake.receipts import BEGIN
from autodetect.release.stage import check_publishing, open_store
from autodetect.sections import LeaseSettings
from autodetect.settings import Settings
from flows.options import NightOptions
from flows.runner import Log, NightRun
from flows.sources import check_source, draw_bundled

_OPEN: ContextVar[NightRun] = ContextVar("open night")


class NothingToDoError(AutoDetectError):
    """The run was done before, or another has made it needless: it is skipped, which is no failure."""

    exit_code = 0


def current_night() -> NightRun:
    """Return the open night (`LookupError` when there is none)."""
    return _OPEN.get()


def asked_night() -> str:
    """Return the night for a run's name: the open one, else the one asked for, else 'next'."""
    joined = _OPEN.get(None)
    if joined is not None:
        return joined.begin.night.isoformat()
    from prefect.runtime import flow_run

    options = flow_run.parameters.get("options")
    asked = options.get("night") if isinstance(options, dict) else getattr(options, "night", None)
    return str(asked or "next")


def preflight(options: NightOptions | None) -> Settings:
    """Return the settings in force, once everything that a night needs has been looked at. Writes nothing.

    A store that is down, or a key that may not sign, is noticed here, not after the training.

    Raises:
        UsageError: settings, source, answers, lake, store or signing key cannot be used.
        ForgedError: another key signs the store.
        CorruptError: the store's newest entry is damaged.
        DependencyDownError: the store or the lake's storage does not answer.
    """
    settings = (options or NightOptions()).settings()
    check_source(settings)
    read_answers(settings.catalog.answers)
    check_publishing(settings)
    if lake_exists(settings):
        open_lake(settings)
    return settings


def new_run_id() -> str:
    """Return a name for one execution that no other has."""
    return uuid.uuid4().hex[:12]


def hold_lake(lake: Lake, lease: LeaseSettings, run_id: str) -> AbstractContextManager[Fence]:
    """Return the lake's lease as a context; entering raises `LeaseHeldError` where another run holds it."""
    return hold(lake.objects, run_id=run_id, clock=time.time, expiry_s=lease.expiry_s, heartbeat_s=lease.heartbeat_s)


@contextlib.contextmanager
def open_night(options: NightOptions | None, log: Log, *, may_begin: bool = True) -> Iterator[NightRun]:
    """Join the night that is open, else hold the lake's lease and begin one or go on with it.

    Everything is checked (`preflight`) before anything is written. Only a night, and its crawl, may begin one.

    Raises:
        NothingToDoError: why there is nothing to do.
        UsageError: settings, source, lake or store cannot be used.
        DependencyDownError: the store or the lake's storage does not answer.
        LeaseHeldError: another run holds the lake.
    """
    joined = _OPEN.get(None)
    if joined is not None:
        yield joined
        return
    settings = preflight(options)
    draw_bundled(settings, log)
    lake = open_lake(settings, create=True)
    run_id = new_run_id()
    with hold_lake(lake, settings.lease, run_id) as fence:
        asked = options.night if options else None
        date = resolve_night(lake.receipts, settings, asked, datetime.now(UTC))
        if why := superseded(lake.receipts, date):
            raise NothingToDoError(why)
        night = NightRun(settings, lake, fence, begin(settings, lake, date, "nightly", run_id), run_id)
        open_store(settings)  # probes it: an unfit one is refused before the night's work
        if BEGIN in night.receipts():
            log.info("night %s: going on where it stopped", date)
        elif not may_begin:
            raise UsageError(
                f"the night of {date} has not been begun", "run `autodetect crawl` or `autodetect nightly`"
            )
        else:
            fence.check()
            lake.receipts.commit(night.begin, datetime.now(UTC))
        token = _OPEN.set(night)
        try:
            yield night
        finally:
            _OPEN.reset(token)
