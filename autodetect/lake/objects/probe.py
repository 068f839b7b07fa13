"""Does a store keep its promise of put-if-absent? Everything that must happen once (lease, commit) rests on it."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from autodetect.errors import UsageError
from autodetect.lake.objects.base import ObjectStore

RACERS = 8


def probe_put_if_absent(store: ObjectStore) -> None:
    """Write one probe key twice, then another from several threads at once; both are removed afterwards.

    The race tells only against a store: some servers check and write in two steps and still pass now and then.

    Raises:
        UsageError: the store ignores the condition, or lets several writers win.
        DependencyDownError: the store does not answer.
    """
    twice, raced = (f"probe/{uuid4().hex}" for _ in range(2))
    try:
        if not store.put_if_absent(twice, b"first"):
            raise _unfit(store, "a new key could not be created")
        if store.put_if_absent(twice, b"second") or store.get(twice) != b"first":
            raise _unfit(store, "a second write to one key was accepted")
        with ThreadPoolExecutor(RACERS) as pool:
            winners = sum(pool.map(lambda n: store.put_if_absent(raced, b"%d" % n), range(RACERS)))
        if winners != 1:
            raise _unfit(store, f"{winners} of {RACERS} simultaneous writers were told that they had created one key")
    finally:
        store.delete(twice)
        store.delete(raced)


def _unfit(store: ObjectStore, why: str) -> UsageError:
    return UsageError(
        f"{store.url} does not honour put-if-absent: {why}. Two runs at once could lose each other's work",
        "use another store, or set `single_writer = true` if you promise that only one process ever writes to it",
    )
