"""Nights that are killed, interrupted, late or disturbed: told in words, and the next run goes on from there."""

import os
import signal
from pathlib import Path

import pytest

from tests.flows.program import NIGHTS, Program

pytestmark = [pytest.mark.night, pytest.mark.timeout(900)]


def test_a_deadline_ends_a_native_call(served: Program) -> None:
    served.architecture = "InceptionV3"
    served.variables = {"AUTODETECT_DEADLINES__CURATE": "6", "AUTODETECT_DEADLINES__GRACE": "1"}
    ended = served.run("nightly", "--night", NIGHTS[0])
    assert ended.code == 1
    assert "curate ran past its deadline of 6 s" in ended.err


def test_interrupted_night_says_so_and_leaves_no_process(program: Program) -> None:
    ended = program.signal_when(lambda line: " embedded" in line, "nightly", "--night", NIGHTS[0], number=signal.SIGINT)
    assert ended.code == 130
    assert "interrupted; the next run goes on from here" in ended.err
    assert _children_of(None, "flows.child", str(program.folder)) == []
    assert _children_of(None, "flows.private_server", str(program.folder)) == []


def test_two_runs_at_once_one_is_refused(served: Program) -> None:
    first = served.start("nightly", "--night", NIGHTS[0])
    assert first.stderr is not None
    for line in first.stderr:
        if "Beginning subflow run 'crawl-" in line:
            break
    second = served.run("crawl", "--night", NIGHTS[0])
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    assert second.code == 5
    assert "holds the lease" in second.err


def test_a_stage_that_dies_fails_the_night_and_the_next_run_goes_on(served: Program) -> None:
    child = served.start("nightly", "--night", NIGHTS[0])
    assert child.stderr is not None
    for line in child.stderr:
        if " embedded" in line:
            for stage in _children_of(child.pid, "flows.child"):
                os.kill(stage, signal.SIGKILL)
            break
    _, err = child.communicate(timeout=120)
    assert child.returncode == 1
    assert "curate ended without an answer (SIGKILL)" in err
    assert "Traceback" not in err
    assert served.run("curate").code == 0


def test_killed_in_every_stage_and_run_again_ends_the_same(served: Program, first_night: Program) -> None:
    moments = {
        "crawl": lambda line: "Beginning subflow run 'crawl-" in line,
        "curate": lambda line: " embedded" in line,
        "train": lambda line: "train: dense head, epoch 5" in line,
        "gate": lambda line: "train: the gate is asked" in line,
        "export": lambda line: "export: converting" in line,
        "publish": lambda line: "Beginning subflow run 'publish-" in line,
    }
    for moment in moments.values():
        served.signal_when(moment, "nightly", "--night", NIGHTS[0])
    resumed = served.run("nightly", "--json")
    assert resumed.code == 0, resumed.err[-3000:]
    assert resumed.json()["verdict"] == "published"
    assert resumed.json()["night"] == NIGHTS[0]
    assert served.digests() == first_night.digests()
    assert served.release_id() == first_night.release_id()
    assert len(served.run("release", "list", "--json").json()) == 1


def _children_of(parent: int | None, *words: str) -> list[int]:
    """Return processes whose command line or environment holds all words; of `parent` where it is given."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
            place = str((folder / "cwd").readlink())
            status = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        mine = parent is None or int(status[1]) == parent
        if status[0] != "Z" and mine and all(word in command + place for word in words):
            found.append(int(folder.name))
    return found
