"""A large hash index in a process of its own: `python -m benchmarks.large_index`, request and answer are JSON.

The request says `photos`, `filed` (hashes of each), `new` photos with one query each, and `radius`. The index is what
the stage finds: saved, loaded again (mapped), searched, and grown by the new photos.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from autodetect.lake.objects import LocalStore
from autodetect.photos.hash_index.index import HashIndex
from autodetect.photos.hash_index.segment import build
from autodetect.photos.hash_index.store import load, save


def main() -> None:
    """Build, save, load, search and grow once; tell seconds and bytes."""
    request = json.load(sys.stdin)
    photos, filed, new = request["photos"], request["filed"], request["new"]
    random = np.random.default_rng(0)
    answer: dict[str, float] = {"peak_at_start": peak_bytes()}

    def tell(what: str, started: float) -> None:
        answer[what] = time.perf_counter() - started
        answer[f"peak_after_{what}"] = peak_bytes()

    names = random.integers(0, 256, size=(photos, 32), dtype=np.uint8)
    hashes = random.integers(0, 2**64, size=photos * filed, dtype=np.uint64)
    started = time.perf_counter()
    index = HashIndex("benchmark", (build(names, hashes, np.repeat(np.arange(photos), filed)),))
    tell("build", started)
    del names, hashes
    answer["bytes"] = index.nbytes
    queries = random.integers(-(2**63), 2**63, size=(new, 1), dtype=np.int64)
    with tempfile.TemporaryDirectory() as folder:
        objects, work = LocalStore(Path(folder) / "lake"), Path(folder)
        started = time.perf_counter()
        record = save(objects, index, work)
        tell("save", started)
        del index
        started = time.perf_counter()
        index = load(objects, record, work)
        tell("load", started)
        started = time.perf_counter()
        found, _ = index.search(queries, request["radius"])
        tell("search", started)
        answer["pairs"] = len(found)
        started = time.perf_counter()
        index = index.add([random.bytes(32).hex() for _ in range(new)], queries)
        tell("add", started)
        started = time.perf_counter()
        save(objects, index, work)
        tell("save_again", started)
    json.dump(answer, sys.stdout)


def peak_bytes() -> float:
    """Return the most memory that the process has held, mapped files included; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text("ascii").splitlines() if status.is_file() else []
    return float(next((line.split()[1] for line in lines if line.startswith("VmHWM")), 0)) * 1024


if __name__ == "__main__":
    main()
