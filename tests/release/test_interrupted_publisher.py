"""Publishers that are killed, and publishers that run at the same time: real processes, real stores."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from autodetect.lake.objects import open_objects
from autodetect.release.history import entries, newest
from autodetect.release.manifest import load_manifest
from autodetect.release.publish import publish
from autodetect.release.verify import verify
from tests.release.sample import KEY, NOW, facts, files, publish_night

ROOT = Path(__file__).parents[2]
# Which write is which when four files are new.
FLAG, OBJECTS, MANIFEST, SIGNATURE, ENTRY, HINT, LOWERED = 1, range(2, 6), 6, 7, 8, 9, 10
MOMENTS = [
    (n, moment) for n in (FLAG, *OBJECTS, MANIFEST, SIGNATURE, ENTRY, HINT, LOWERED) for moment in ("before", "after")
]
CASES = [("folder", n, moment) for n, moment in MOMENTS]
CASES += [pytest.param("s3", n, moment, marks=pytest.mark.s3) for n, moment in MOMENTS if n in {SIGNATURE, ENTRY, HINT}]

KILLED = """
import sys
from pathlib import Path
from autodetect.lake.objects import open_objects
from tests.release.sample import kill_at_write, publish_night

url, folder, n, after = sys.argv[1:]
store = open_objects(url)
kill_at_write(store, int(n), after=after == "after")
changes = {"card_md": b"# Second\\n", "empty_parquet": b"2", "AutoDetect_mlpackage_zip": b"zip", "new_json": b"[]"}
publish_night(store, Path(folder), 2, **changes)
"""

RACING = """
import sys
from pathlib import Path
from autodetect.lake.objects import open_objects
from tests.release.sample import publish_night

url, folder, night = sys.argv[1:]
store = open_objects(url)
print("ready", flush=True)
sys.stdin.readline()
for turn in range(3):
    publish_night(store, Path(folder), int(night), card_md=f"{night} {turn}".encode())
"""


def python(script: str, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *args], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize(("store_url", "n", "moment"), CASES, indirect=["store_url"])
def test_a_killed_publisher_leaves_no_release_or_the_whole_one(
    tmp_path: Path, store_url: str, n: int, moment: str
) -> None:
    store = open_objects(store_url)
    publish_night(store, tmp_path / "night", 1)
    with python(KILLED, store_url, str(tmp_path / "night"), str(n), moment) as publisher:
        assert publisher.wait(timeout=120) == -9
    committed = n > ENTRY or (n == ENTRY and moment == "after")
    assert [entry.sequence for entry in entries(store)] == ([1, 2] if committed else [1])
    assert verify(store) == []

    changes = {"card_md": b"# Second\n", "empty_parquet": b"2", "AutoDetect_mlpackage_zip": b"zip", "new_json": b"[]"}
    again = publish_night(store, tmp_path / "night", 2, **changes)
    assert again.committed is not committed
    assert verify(store) == []
    undisturbed = open_objects(str(tmp_path / "undisturbed"))
    publish_night(undisturbed, tmp_path / "night", 1)
    assert publish_night(undisturbed, tmp_path / "night", 2, **changes).release_id == again.release_id
    assert [entry.release_id for entry in entries(store)] == [entry.release_id for entry in entries(undisturbed)]


def test_two_publishers_at_once_make_ordered_entries(tmp_path: Path, store_url: str) -> None:
    racers = [python(RACING, store_url, str(tmp_path / str(night)), str(night)) for night in (1, 2)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda racer: racer.communicate("go\n", timeout=120), racers))
    assert [racer.returncode for racer in racers] == [0, 0]
    store = open_objects(store_url)
    history = entries(store)
    assert [entry.sequence for entry in history] == [1, 2, 3, 4, 5, 6]
    manifests = [load_manifest(store, entry.release_id) for entry in history]
    assert [manifest.previous_release for manifest in manifests] == [None, *(e.release_id for e in history[:-1])]
    assert sorted(manifest.night for manifest in manifests) == [date(2026, 3, 1)] * 3 + [date(2026, 3, 2)] * 3
    assert newest(store) == history[-1]
    assert verify(store) == []


def test_two_publishers_of_one_release_make_one_entry(tmp_path: Path, store_url: str) -> None:
    chosen = files(tmp_path / "files")
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: publish(open_objects(store_url), chosen, facts(), NOW, key=KEY), range(4)))
    assert sorted(each.committed for each in done) == [False, False, False, True]
    assert len(entries(open_objects(store_url))) == 1
    assert verify(open_objects(store_url)) == []
