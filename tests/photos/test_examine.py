"""Many photos: every one looked at once, in order, in flat memory, whatever happens to the processes that look."""

import io
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autodetect.errors import CorruptError, StageFailedError
from autodetect.lake.blobs import BlobStore
from autodetect.lake.objects import LocalStore
from autodetect.photos import workers
from autodetect.photos.examine import BLOCK, FEW, MISSING, READERS, Examined, cores, examine_all
from autodetect.photos.workers import Workers
from tests.photos.poisoned_worker import CRASH, HANG, OUT_OF_MEMORY, RAISE

ROOT = Path(__file__).resolve().parents[2]
MAX_PIXELS, MIN_SIDE = 1_000_000, 64
HEAVY = ("tensorflow", "keras", "pandas", "pyarrow", "deltalake", "boto3", "scipy", "prefect", "great_expectations")


def photo(number: int) -> bytes:
    """A JPEG of its own for every number, 80x72 to 120x72."""
    rng = np.random.default_rng(number)
    small = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    target = io.BytesIO()
    small.resize((80 + number % 41, 72)).save(target, "JPEG")
    return target.getvalue()


PHOTOS = {str(number): photo(number) for number in range(2 * FEW)}


def examined(photos: dict[str, bytes], processes: int) -> list[Examined]:
    return list(examine_all(photos, photos.__getitem__, processes=processes, max_pixels=MAX_PIXELS, min_side=MIN_SIDE))


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "PROGRAM", "tests.photos.poisoned_worker")
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)


def running_workers() -> list[int]:
    """Processes of this one that look at photos."""
    children = [int(pid) for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()]
    return [pid for pid in children if b"worker\0" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.mark.parametrize("processes", [0, 2, 3])
def test_several_processes_see_what_one_sees_in_the_order_asked_for(processes: int) -> None:
    alone = examined(PHOTOS, 1)
    assert [seen.sha256 for seen in alone] == list(PHOTOS)
    assert all(seen.hashes and seen.size == len(PHOTOS[seen.sha256]) for seen in alone)
    assert examined(PHOTOS, processes) == alone


def test_a_photo_too_small_to_hash_is_described() -> None:
    target = io.BytesIO()
    Image.new("RGB", (63, 200)).save(target, "PNG")
    (seen,) = examined({"small": target.getvalue()}, 1)
    assert (seen.decoded.rule, seen.decoded.width, seen.decoded.height, seen.hashes) == ("", 63, 200, None)


def test_no_photos_are_no_trouble() -> None:
    assert examined({}, 2) == []


def test_few_photos_and_one_process_start_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "PROGRAM", "tests.photos.no_such_worker")
    few = dict(itertools.islice(PHOTOS.items(), FEW - 1))
    assert len(examined(few, 2)) == FEW - 1
    assert len(examined(PHOTOS, 1)) == len(PHOTOS)
    with pytest.raises(StageFailedError, match=r"photos\.processes"):
        examined(PHOTOS, 2)


def test_a_worker_imports_only_what_a_photo_needs() -> None:
    script = f"import sys, autodetect.photos.worker; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_zero_means_the_cores_that_this_process_may_use() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("poison", "how"), [(CRASH, "SIGSEGV"), (OUT_OF_MEMORY, "SIGKILL")], ids=["segfault", "out of memory"]
)
@pytest.mark.usefixtures("poisoned")
def test_a_photo_that_kills_its_process_costs_only_itself(poison: bytes, how: str) -> None:
    evil = {"0", "1", "17", str(len(PHOTOS) - 1)}  # the first two in one request, and the very last
    photos = {name: data + poison if name in evil else data for name, data in PHOTOS.items()}
    wanted = examined(PHOTOS, 1)
    for seen, sound in zip(examined(photos, 2), wanted, strict=True):
        if seen.sha256 in evil:
            assert (seen.decoded.rule, seen.decoded.detail) == ("photo.decoder_crashed", how)
            assert (seen.size, seen.hashes) == (len(photos[seen.sha256]), None)
        else:
            assert seen == sound
    assert running_workers() == []


def test_a_worker_killed_from_outside_costs_no_photo() -> None:
    found = []
    photos = [*PHOTOS, *PHOTOS, *PHOTOS]
    for seen in examine_all(photos, PHOTOS.__getitem__, processes=2, max_pixels=MAX_PIXELS, min_side=MIN_SIDE):
        found.append(seen)
        if len(found) in {120, 240}:  # every worker has answered: the first photos were dealt to all of them
            os.kill(running_workers()[0], signal.SIGKILL)
    assert found == examined(PHOTOS, 1) * 3
    assert running_workers() == []


def test_an_idle_worker_that_was_killed_is_replaced() -> None:
    with Workers(2, max_pixels=MAX_PIXELS, min_side=MIN_SIDE) as pool:
        wanted = [pool.look([PHOTOS["7"]]) for _ in range(2)]  # by one after the other: both have started
        for pid in running_workers():
            os.kill(pid, signal.SIGKILL)
        assert [pool.look([PHOTOS["7"]]) for _ in range(2)] == wanted
    assert running_workers() == []


@pytest.mark.usefixtures("poisoned")
def test_a_photo_that_never_ends_is_given_up() -> None:
    with Workers(1, max_pixels=MAX_PIXELS, min_side=MIN_SIDE, deadline_s=3) as pool:
        ((facts, hashes, _),) = pool.look([PHOTOS["0"] + HANG])
        assert (facts.rule, facts.detail, hashes) == ("photo.decoder_crashed", "no answer within 3 s", None)
        assert pool.look([PHOTOS["0"]])[0][1] is not None


@pytest.mark.usefixtures("poisoned")
def test_a_fault_of_our_own_is_not_blamed_on_the_photo() -> None:
    photos = {**PHOTOS, "5": PHOTOS["5"] + RAISE}
    with pytest.raises(StageFailedError, match="exit code 1"):
        examined(photos, 2)
    assert running_workers() == []


@pytest.mark.parametrize("processes", [1, 2])
def test_a_photo_that_left_the_store_costs_itself_alone(processes: int, tmp_path: Path) -> None:
    store = BlobStore(LocalStore(tmp_path), "photos")
    digests = [store.put(data) for data in PHOTOS.values()]
    (gone,) = tmp_path.rglob(digests[90])
    gone.unlink()
    asked = examine_all(digests, store.read, processes=processes, max_pixels=MAX_PIXELS, min_side=MIN_SIDE)
    seen = {one.sha256: one for one in asked}
    assert list(seen) == digests
    assert (seen[digests[90]].decoded.rule, seen[digests[90]].size) == (MISSING, 0)
    for digest, data in zip(digests, PHOTOS.values(), strict=True):
        if digest != digests[90]:
            assert seen[digest].size == len(data)
            assert seen[digest].hashes is not None


@pytest.mark.parametrize("processes", [1, 2])
def test_a_photo_that_has_changed_is_the_stores_error(processes: int, tmp_path: Path) -> None:
    store = BlobStore(LocalStore(tmp_path), "photos")
    digests = [store.put(data) for data in PHOTOS.values()]
    (changed,) = tmp_path.rglob(digests[90])
    changed.write_bytes(b"another")
    seen = []
    asked = examine_all(digests, store.read, processes=processes, max_pixels=MAX_PIXELS, min_side=MIN_SIDE)
    with pytest.raises(CorruptError, match=digests[90]):
        seen.extend(one.sha256 for one in asked)
    assert seen == digests[: 90 - 90 % BLOCK]
    assert running_workers() == []


@pytest.mark.parametrize("processes", [1, 2])
def test_photos_are_taken_as_they_are_needed_and_who_stops_asking_leaves_nothing_behind(processes: int) -> None:
    taken = itertools.count()

    def endless() -> Iterator[str]:
        while True:
            yield str(next(taken) % len(PHOTOS))

    seen = examine_all(endless(), PHOTOS.__getitem__, processes=processes, max_pixels=MAX_PIXELS, min_side=MIN_SIDE)
    assert [next(seen).sha256 for _ in range(300)] == [str(number % len(PHOTOS)) for number in range(300)]
    seen.close()
    ahead = next(taken) - 300
    assert ahead <= FEW + 4 * (processes + READERS) * BLOCK
    assert running_workers() == []
