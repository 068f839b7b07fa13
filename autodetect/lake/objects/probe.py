"""Does a store keep its promise of put-if-absent? Everything that must happen once (lease, commit) rests on it."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from autodetect.errors import UsageError
from autodetect.lake.objects.base import ObjectStore

RACERS = 8
# Swift's s3api checks and writes in two steps, yet one race in ten has a single winner by luck. A sound store takes
# 50 ms a round.
ROUNDS = 4


def probe_put_if_absent(store: ObjectStore) -> None:
    """Write one probe key twice, then others from several threads at once; all are removed afterwards.

    A store that passes may still be unsound: the races can only tell against it.

    Raises:
        UsageError: the store ignores the condition, or lets several writers win.
        DependencyDownError: the store does not answer.
    """
    twice, *raced = (f"probe/{uuid4().hex}" for _ in range(1 + ROUNDS))
    used = [twice]
    try:
        if not store.put_if_absent(twice, b"first"):
            raise _unfit(store, "a new key could not be created")
        if store.put_if_absent(twice, b"second") or store.get(twice) != b"first":
            raise _unfit(store, "a second write to one key was accepted")
        with ThreadPoolExecutor(RACERS) as pool:
            for key in raced:
                used.append(key)
                winners = sum(pool.map(store.put_if_absent, [key] * RACERS, [b"%d" % n for n in range(RACERS)]))
                if winners != 1:
                    raise _unfit(store, f"{winners} of {RACERS} writers at once were told that they had created a key")
    finally:
        for key in used:
            store.delete(key)


def _unfit(store: ObjectStore, why: str) -> UsageError:
    return UsageError(
        f"{store.url} does not honour put-if-absent: {why}. Two runs at once could lose each other's work",
        "use another store, or set `single_writer = true` if you promise that only one process ever writes to it",
    )
