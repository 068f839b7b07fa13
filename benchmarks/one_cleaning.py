"""One cleaning in a process of its own: `python -m benchmarks.one_cleaning`, request on stdin, what it took on stdout.

The request is JSON: `rows`. The answer is JSON too: `rows`, `grown_mib` (by how much the process' peak memory grew,
MiB), `facts` (bytes a row of the frame that came out), and how many `rules` and different `decisions` there were.
"""

import json
import sys
from pathlib import Path

from autodetect.dataset.cleaning import cleaned
from benchmarks.cleaning import sightings

WARMED_BY = 1_000  # rows, so that what is loaded once counts for nobody


def peak(rows: int) -> dict[str, float]:
    """Return what cleaning so many rows adds to the process' peak memory, and what it found."""
    table = sightings(rows)
    cleaned(table.slice(0, WARMED_BY))
    before = _highest_mib()
    done = cleaned(table)
    grown = _highest_mib() - before
    facts = float(done.frame.memory_usage(deep=True).sum()) / rows
    return {
        "rows": rows,
        "grown_mib": grown,
        "facts": facts,
        "rules": len(done.rules),
        "decisions": len(done.decisions),
    }


def _highest_mib() -> float:
    """Return the peak of this program's memory (Linux); `ru_maxrss` would count what its parent held at the fork."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024


if __name__ == "__main__":
    print(json.dumps(peak(**json.loads(sys.stdin.read()))))
