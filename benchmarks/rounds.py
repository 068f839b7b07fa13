"""Time several cases in turns, round by round, so that other work on the machine hits all of them alike."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.table import Role, Row


@dataclass(frozen=True)
class Case:
    """Something to time: `work` is called once per round."""

    what: str
    role: Role
    work: Callable[[], object]


def timed(cases: Sequence[Case], *, rounds: int) -> list[Row]:
    """Return one row per case with `rounds` wall times; one more round before them, to warm caches, is not counted."""
    seconds: list[list[float]] = [[] for _ in cases]
    for number in range(rounds + 1):
        for case, found in zip(cases, seconds, strict=True):
            started = time.perf_counter()
            case.work()
            if number:
                found.append(time.perf_counter() - started)
    return [Row(case.what, case.role, tuple(found)) for case, found in zip(cases, seconds, strict=True)]
