"""What the processes of the drill do: publish and roll back, read, collect garbage. Each runs until it is stopped."""

import json
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

from autodetect.errors import AutoDetectError, CorruptError, DependencyDownError, UsageError
from autodetect.lake.objects import ObjectStore, S3Options, open_objects
from autodetect.release.client import SyncedRelease, sync
from autodetect.release.collect import collect
from autodetect.release.layout import HISTORY, LATEST, manifest_key, object_key, signatures_key
from autodetect.release.publish import publish
from autodetect.release.rollback import rollback
from autodetect.release.verify import verify
from tests.release.drill.journal import Journal
from tests.release.sample import KEY, facts, files, kill_at_write

KEEP = 30  # releases that a collection leaves: more than are made while one reader checks one release
GRACE = timedelta(hours=24)
ROLLBACKS = 0.06  # share of turns
SUICIDES = 0.3  # share of lives that end at a write, and not just whenever the killer comes
PAUSES = (0, 0, 0.02, 0.05)  # seconds between turns
LULLS = 0.99  # chance, each tenth of a second, to wait on in a lull, when a collection may find nobody publishing
SMALL_DISK = 0.08  # share of turns in which the disk takes no more after some bytes
SHARED = "AutoDetect.mlpackage.zip"


@dataclass(frozen=True)
class Plan:
    """What a process is told. `through` is the endpoint that its requests go to; `small_disk` whether files may end."""

    url: str
    folder: Path
    seed: int
    through: str = ""
    skew: timedelta = timedelta()
    small_disk: bool = False

    def store(self) -> ObjectStore:
        """Open the store anew: a process has its own connections."""
        options = S3Options(endpoint_url=self.through, read_timeout_s=1.0) if self.through else None
        return open_objects(self.url, options)

    @property
    def stopped(self) -> bool:
        """Return whether the drill is over."""
        return (self.folder / "stop").exists()

    def journal(self, name: str) -> Journal:
        """Return the journal of a process."""
        return Journal(self.folder / f"{name}.journal")


def publish_on(plan: Plan, name: str) -> None:
    """Publish, and now and then roll back; what is said to be committed is written down, synced, before going on."""
    journal = plan.journal(name)
    lives = journal.lines()
    turn = sum("begun" in line for line in lives)
    journal.write(life=len(lives), pid=os.getpid())
    random = Random(f"{plan.seed} {name} {len(lives)}")
    store = plan.store()
    if random.random() < SUICIDES:
        kill_at_write(store, random.randint(2, 40), after=random.random() < 0.5)
    while not plan.stopped:
        turn += 1
        journal.write(begun=turn)
        now = datetime.now(UTC) + plan.skew + timedelta(minutes=random.uniform(-30, 30))
        try:
            done = _turn(plan, store, f"{name} {turn}", now, random)
        except DependencyDownError as error:
            journal.write(down=error.what)
        except AutoDetectError as error:
            journal.write(refused=f"{type(error).__name__}: {error.what}")
        else:
            journal.write(**done)
        time.sleep(random.choice(PAUSES))
        while time.time() % 4 < 1.2 and random.random() < LULLS and not plan.stopped:
            time.sleep(0.1)


def _turn(plan: Plan, store: ObjectStore, stamp: str, now: datetime, random: Random) -> dict[str, object]:
    if random.random() < ROLLBACKS:
        try:
            entry = rollback(store, None, now, key=KEY, by="drill", reason=stamp)
        except UsageError as error:
            return {"nowhere to roll back to": error.what}
        return {"committed": entry.sequence, "release": entry.release_id, "action": "rollback"}
    content = {SHARED: bytes(range(256)) * 8, "stamp.json": json.dumps(stamp).encode(), "card.md": stamp.encode()}
    told, made = (
        facts(night=date(2026, 3, 1), warnings=(stamp,)),
        files(plan.folder / stamp.split(maxsplit=1)[0], content),
    )
    with _small_disk(random, plan):
        done = publish(store, made, told, now, key=KEY)
    return {"committed": done.sequence, "release": done.release_id, "action": "publish"}


@contextmanager
def _small_disk(random: Random, plan: Plan) -> Iterator[None]:
    """Now and then let files end after some bytes, as on a full disk: the system refuses the rest of a write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if plan.small_disk and random.random() < SMALL_DISK:
        resource.setrlimit(resource.RLIMIT_FSIZE, (random.randint(0, 2_500), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def read_on(plan: Plan, name: str) -> None:
    """Sync the newest release as a phone does, over and over; whatever a phone must never see is written down."""
    journal, folder, store = plan.journal(name), plan.folder / name, plan.store()
    seen = 0
    while not plan.stopped:
        try:
            synced = sync(store, folder, trusted=KEY.public, now=datetime.now(UTC))
        except DependencyDownError as error:
            journal.write(down=error.what)
            continue
        except UsageError as error:
            if seen or "holds no release" not in error.what:
                journal.write(wrong=f"after entry {seen}: {error.what}")
            continue
        except CorruptError as error:
            journal.write(wrong=f"after entry {seen}: {type(error).__name__}: {error.what}")
            continue
        if synced.sequence < seen:
            journal.write(wrong=f"entry {synced.sequence} after {seen}")
        seen = synced.sequence
        journal.write(seen=seen, offline=synced.offline)
        _check(journal, synced)
        with suppress(DependencyDownError):
            _check_store(journal, store, synced)


def _check(journal: Journal, synced: SyncedRelease) -> None:
    """Compare a release's files with each other: all are of one publish."""
    stamp = synced.manifest.warnings[0]
    found = {synced.path("card.md").read_text(), json.loads(synced.path("stamp.json").read_text())}
    if found != {stamp}:
        journal.write(wrong=f"release {synced.release_id} mixes {sorted(found | {stamp})}")


def _check_store(journal: Journal, store: ObjectStore, synced: SyncedRelease) -> None:
    """Verify the store; what is wrong with the release in force is wrong at once, the rest if it stays so.

    A look at a store takes time: what is collected between two requests of one look is no problem of the store.
    """
    mine = {manifest_key(synced.release_id), signatures_key(synced.release_id), LATEST}
    mine |= {object_key(each.sha256) for each in synced.manifest.objects.values()}
    problems = verify(store, synced.release_id, trusted=KEY.public)
    at_once = [each for each in problems if each.key in mine or each.key.startswith(HISTORY)]
    again = verify(store, synced.release_id, trusted=KEY.public) if problems and not at_once else []
    journal.write(verified=synced.sequence)
    for each in at_once or [each for each in again if each in problems]:
        journal.write(wrong=f"verify, entry {synced.sequence}: {each.key}: {each.reason}")


def collect_on(plan: Plan, name: str) -> None:
    """Collect garbage whenever nobody publishes."""
    journal, store = plan.journal(name), plan.store()
    while not plan.stopped:
        time.sleep(0.02)
        try:
            done = collect(store, keep=KEEP, grace=GRACE, clock=lambda: datetime.now(UTC))
        except DependencyDownError as error:
            journal.write(refused=error.what)
        else:
            journal.write(removed=done.removed)
            time.sleep(0.3)


ROLES: dict[str, Callable[[Plan, str], None]] = {"publisher": publish_on, "reader": read_on, "collector": collect_on}
