"""The drill: processes that publish, read and collect at once and are killed at random, then a look at what is left."""

import os
import signal
import subprocess
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import NoReturn

from autodetect.errors import AutoDetectError
from autodetect.lake.objects import ObjectStore, open_objects
from autodetect.release.history import entries, newest
from autodetect.release.kept import kept_releases
from autodetect.release.manifest import load_manifest
from autodetect.release.under_way import publishers
from autodetect.release.verify import verify
from tests.release.drill.journal import Journal
from tests.release.drill.roles import KEEP, ROLES, Plan
from tests.release.sample import KEY

READERS = 2
TICK_S = 0.02
FULL_EVERY_S = 0.5  # on average, the disk
LATEST_S = 0.5  # a request of the dead may still be on its way for so long
SKEWS = (0, 2, 50, -5, -75)  # hours by which the clocks of publishers are wrong


@dataclass
class Outcome:
    """What happened: `counts` for people, `wrong` is what must never be."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@dataclass
class Drill:
    """One drill.

    Args:
        plan: what every process is told.
        publishes: how many acknowledged commits end it.
        processes: how many publish at once.
        deadline_s: it ends then in any case, as a failure.
        kill_every_s: how often, on average, a publisher or reader is killed.
        disk: the folder whose file system is filled up now and then; None: none.
    """

    plan: Plan
    publishes: int
    processes: int
    deadline_s: float
    kill_every_s: float = 0.5
    disk: Path | None = None
    outcome: Outcome = field(default_factory=Outcome)
    _alive: dict[int, str] = field(default_factory=dict)
    _flags: list[tuple[float, int]] = field(default_factory=list)

    def run(self) -> Outcome:
        """Drill and return what happened."""
        self.plan.folder.mkdir(parents=True, exist_ok=True)
        random, store = Random(self.plan.seed), open_objects(self.plan.url)
        names = [f"publisher-{n}" for n in range(self.processes)] + [f"reader-{n}" for n in range(READERS)]
        try:
            self._live(names, random, store)
        finally:
            for pid in self._alive:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        self._judge(store)
        return self.outcome

    def _live(self, names: list[str], random: Random, store: ObjectStore) -> None:
        """Keep everybody running and kill somebody now and then, until enough is committed."""
        for name in [*names, "collector-0"]:
            self._start(name)
        end = time.monotonic() + self.deadline_s
        while (done := self._acknowledged()) < self.publishes:
            if time.monotonic() > end:
                self.outcome.wrong.append(f"{done} of {self.publishes} publishes in {self.deadline_s:g} s")
                break
            time.sleep(TICK_S)
            if random.random() < TICK_S / self.kill_every_s:
                victim = random.choice([pid for pid, name in self._alive.items() if name != "collector-0"])
                os.kill(victim, signal.SIGKILL)
            if self.disk and random.random() < TICK_S / FULL_EVERY_S:
                self._fill(self.disk, random.uniform(0.02, 0.2))
            self._reap()
            self._lower_flags_of_the_dead(store)
        (self.plan.folder / "stop").touch()
        while self._alive:
            time.sleep(TICK_S)
            self._reap()

    def _start(self, name: str) -> None:
        pid = os.fork()
        if pid == 0:
            self._be(name)
        self._alive[pid] = name

    def _be(self, name: str) -> NoReturn:
        """In a new process: play the role and leave, whatever happens, without what the parent would still do."""
        role, _, number = name.partition("-")
        skew = timedelta(hours=SKEWS[(int(number) + self.plan.seed) % len(SKEWS)])
        code = 1
        try:
            ROLES[role](replace(self.plan, skew=skew), name)
            code = 0
        except Exception:  # noqa: BLE001 - told by the parent
            (self.plan.folder / f"{name}.traceback").write_text(traceback.format_exc())
        finally:
            os._exit(code)

    def _reap(self) -> None:
        """Bury the dead and start them anew."""
        while self._alive:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            name, code = self._alive.pop(pid), os.waitstatus_to_exitcode(status)
            if code == -signal.SIGKILL:
                self.outcome.counts["killed"] += 1
                self._flags.append((time.monotonic() + LATEST_S, pid))
            elif code != 0:
                told = self.plan.folder / f"{name}.traceback"
                self.outcome.wrong.append(f"{name} ended with {code}: {told.read_text() if told.exists() else ''}")
            if not self.plan.stopped:
                self._start(name)

    def _lower_flags_of_the_dead(self, store: ObjectStore) -> None:
        """Do what an operator does who knows that a publisher is dead: else collections wait for the grace to end."""
        due = {pid for when, pid in self._flags if when < time.monotonic()}
        if due:
            self._flags = [each for each in self._flags if each[1] not in due]
            for key, flag in publishers(store).items():
                if flag.pid in due:
                    store.delete(key)

    def _fill(self, disk: Path, seconds: float) -> None:
        """Fill the file system to its last byte for a while."""
        self.outcome.counts["disk full"] += 1
        ballast = disk / "ballast"
        subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=4k"], capture_output=True, check=False)
        time.sleep(seconds)
        ballast.unlink()

    def _journals(self, role: str) -> list[Journal]:
        return [Journal(path) for path in sorted(self.plan.folder.glob(f"{role}-*.journal"))]

    def _acknowledged(self) -> int:
        return sum("committed" in line for journal in self._journals("publisher") for line in journal.lines())

    def _judge(self, store: ObjectStore) -> None:
        """Compare what is in the store with what everybody was told."""
        counts, wrong = self.outcome.counts, self.outcome.wrong
        try:
            history = entries(store)
        except AutoDetectError as error:
            wrong.append(f"the history: {error.what}")
            return
        by_number = {entry.sequence: entry for entry in history}
        for journal in self._journals("publisher"):
            for line in journal.lines():
                counts.update(key for key in ("begun", "down", "refused", "committed") if key in line)
                if "refused" in line:
                    wrong.append(f"{journal.path.stem}: {line['refused']}")
                if "committed" in line:
                    entry = by_number.get(line["committed"])
                    if entry is None or entry.release_id != line["release"]:
                        wrong.append(f"{journal.path.stem} was told of entry {line['committed']}, which is lost")
                    counts["rolled back"] += line["action"] == "rollback"
        for journal in self._journals("reader"):
            lines = journal.lines()
            wrong += [f"{journal.path.stem}: {line['wrong']}" for line in lines if "wrong" in line]
            numbers = [line["seen"] for line in lines if "seen" in line]
            counts["reads"] += len(numbers)
            counts["reads without an answer"] += sum("down" in line or line.get("offline", False) for line in lines)
            counts["verified"] += sum("verified" in line for line in lines)
            if numbers != sorted(numbers):
                wrong.append(f"{journal.path.stem} went back in time: {numbers}")
            if len(set(numbers)) < 3:
                wrong.append(f"{journal.path.stem} saw the entries {sorted(set(numbers))} only")
        for journal in self._journals("collector"):
            removed = [line["removed"] for line in journal.lines() if "removed" in line]
            counts["collections"] += len(removed)
            counts["files collected"] += sum(removed)
            counts["collections refused"] += len(journal.lines()) - len(removed)
        counts["entries"] = len(history)
        wrong += [f"at the end: {each.key}: {each.reason}" for each in verify(store, trusted=KEY.public)]
        kept = kept_releases(store, history, KEEP)
        for before, entry in zip([None, *history], history, strict=False):
            if not entry.is_signed_by(KEY.public):
                wrong.append(f"entry {entry.sequence} is not signed")
            if entry.action == "publish" and entry.release_id in kept:
                try:
                    previous = load_manifest(store, entry.release_id).previous_release
                except AutoDetectError as error:
                    wrong.append(f"entry {entry.sequence}, which is kept: {error.what}")
                    continue
                if previous != (before and before.release_id):
                    wrong.append(f"entry {entry.sequence} follows {previous}, not the entry before")
        if newest(store) != history[-1]:
            wrong.append("the newest entry is not the last of the history")
