"""Publishers that are killed, starved and cut off, beside readers and a collector: no reader ever sees the worse of it.

The drill is a program of its own, `python -m tests.release.drill`, because it forks; the same can be run by hand.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.release.drill.journal import Journal

ROOT = Path(__file__).parents[3]
OWN_MOUNTS = ("unshare", "--user", "--map-root-user", "--mount")  # what is mounted inside is gone afterwards


def drilled(*options: object, before: tuple[str, ...] = ()) -> dict[str, int]:
    """Run a drill, which must find nothing wrong; return how often what happened."""
    command = [*before, sys.executable, "-m", "tests.release.drill", *map(str, options)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
    assert (done.returncode, "WRONG" in done.stdout) == (0, False), done.stdout + done.stderr
    return {name.strip(): int(count) for name, count in re.findall(r"^ *([a-z ]+) +(\d+)$", done.stdout, re.MULTILINE)}


def can_mount(folder: Path) -> bool:
    """Return whether this user may put a disk of its own under a folder."""
    try:
        return not subprocess.run([*OWN_MOUNTS, "mount", "-t", "tmpfs", "none", folder], check=False).returncode
    except FileNotFoundError:
        return False


def test_two_hundred_publishes_on_a_folder(tmp_path: Path) -> None:
    options = ["--publishes", 200, "--processes", 4, "--seed", 8, "--store", tmp_path / "store"]
    if can_mount(tmp_path):
        counts = drilled(*options, "--disk-mb", 16, before=OWN_MOUNTS)
        assert counts.get("disk full")
    else:
        counts = drilled(*options)
    assert counts["committed"] >= 200
    assert min(counts["killed"], counts["down"], counts["rolled back"], counts["verified"]) > 0


@pytest.mark.s3
def test_publishes_over_a_bad_network(bucket: str) -> None:
    counts = drilled("--publishes", 16, "--kill-every", 2, "--seed", 8, "--store", f"s3://{bucket}/releases")
    assert counts["committed"] >= 16
    assert min(counts["killed"], counts["verified"], counts["faults"]) > 0


def test_a_line_that_was_cut_by_a_kill_is_left_out_and_the_ones_before_stay(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.journal")
    assert journal.lines() == []
    journal.write(committed=1)
    with journal.path.open("a") as file:
        file.write('{"committed": 2')
    assert journal.lines() == [{"committed": 1}]
