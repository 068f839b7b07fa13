"""Where shards are embedded: in this process, in several, or by the workers of a Dask cluster. All give equal bytes."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from autodetect import errors
from autodetect.dataset.shard_work import ShardDone, ShardWork, Tell, embed_elsewhere, embed_shard
from autodetect.errors import AutoDetectError, StageFailedError, UsageError
from autodetect.lake.objects import ObjectStore

if TYPE_CHECKING:
    from autodetect.embeddings.engines import Engine

PROGRAM = "autodetect.dataset.shard_worker"
CONNECT_S = 10.0  # for the scheduler's first answer

Shards = Sequence[Sequence[str]]


def run_shards(
    shards: Shards, work: ShardWork, engine: "Engine", objects: ObjectStore, tell: Tell
) -> Iterator[ShardDone]:
    """Embed shards where the settings say; yield each as it is finished, in any order.

    Args:
        shards: digests, ascending within each.
        work: which backbone, which view; its settings say `backbone.dask` and `backbone.processes`.
        engine: this process's own, of the work's identity.
        objects: the lake's objects.
        tell: called as photos are done.

    Raises:
        UsageError: `backbone.dask` names a cluster that cannot be asked.
        StageFailedError: a process that embeds died, or has another engine.
    """
    settings = work.settings.backbone
    if settings.dask:
        return _by_dask(shards, work, settings.dask, tell)
    count = min(settings.processes, len(shards))
    if count > 1:
        return _by_processes(shards, work, count, tell)
    return (embed_shard(digests, work, engine, objects, tell) for digests in shards)


def _by_processes(shards: Shards, work: ShardWork, count: int, tell: Tell) -> Iterator[ShardDone]:
    """Embed in `count` processes, which share the cores; a thread waits for each."""
    asked: SimpleQueue[Sequence[str] | None] = SimpleQueue()
    for digests in [*shards, *[None] * count]:
        asked.put(digests)
    answers: SimpleQueue[ShardDone | int | Exception] = SimpleQueue()
    workers = [_start(cores) for cores in _cores_of_each(count)]
    threads = [threading.Thread(target=_ask, args=(each, work, asked, answers), daemon=True) for each in workers]
    try:
        for thread in threads:
            thread.start()
        for _ in shards:
            while isinstance(answer := answers.get(), int):
                tell(answer)
            if isinstance(answer, Exception):
                raise answer
            yield answer
    finally:
        for worker in workers:
            worker.kill()  # idle ones have nothing to tidy up, busy ones are asked no more
            worker.wait()
        for thread in threads:
            thread.join()


def _start(cores: Sequence[int]) -> "subprocess.Popen[str]":
    threads = str(max(1, len(cores)))
    limits = {"OMP_NUM_THREADS": threads, "TF_NUM_INTRAOP_THREADS": threads, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", PROGRAM, *map(str, cores)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **limits},
    )


def _cores_of_each(count: int) -> list[list[int]]:
    """Return the cores of each of `count` processes: shared out, or all of them where there are fewer than processes.

    Without a way to bind processes to cores, none are named.
    """
    if not hasattr(os, "sched_getaffinity"):
        return [[] for _ in range(count)]
    cores = sorted(os.sched_getaffinity(0))
    return [cores[index::count] if len(cores) >= count else cores for index in range(count)]


def _ask(
    worker: "subprocess.Popen[str]",
    work: ShardWork,
    asked: "SimpleQueue[Sequence[str] | None]",
    answers: "SimpleQueue[ShardDone | int | Exception]",
) -> None:
    """Give one process shard after shard, and pass its answers on."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        worker.stdin.write(work.model_dump_json() + "\n")
        while (digests := asked.get()) is not None:
            worker.stdin.write(json.dumps(list(digests)) + "\n")
            worker.stdin.flush()
            while "batch" in (answer := _read(worker)):
                answers.put(answer["batch"])
            answers.put(_finished(answer))
    except (OSError, ValueError) as error:
        answers.put(_died(error))


def _read(worker: "subprocess.Popen[str]") -> dict[str, Any]:
    assert worker.stdout is not None
    line = worker.stdout.readline()
    if not line:
        raise BrokenPipeError(f"exit code {worker.wait()}")
    answer: dict[str, Any] = json.loads(line)
    return answer


def _finished(answer: dict[str, Any]) -> ShardDone | AutoDetectError:
    if "done" in answer:
        return ShardDone.model_validate(answer["done"])
    kind: type[AutoDetectError] = getattr(errors, answer["error"], StageFailedError)
    return kind(answer["what"], answer["remedy"])


def _died(error: Exception) -> StageFailedError:
    return StageFailedError(
        f"a process that embeds photos ended without having been asked to ({error})",
        "what it said is in the log above; run again: finished shards are kept. Fewer backbone.processes need less "
        "memory",
    )


def _by_dask(shards: Shards, work: ShardWork, address: str, tell: Tell) -> Iterator[ShardDone]:
    """Embed by the workers of a cluster; what they import and the lake must be within their reach."""
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise UsageError(
            "backbone.dask names a cluster, and the package `distributed` is not installed",
            "pip install 'autodetect[dask]', or set backbone.dask to nothing",
        ) from error
    text = work.model_dump_json()
    with _client(Client, address) as client:
        if not client.scheduler_info()["workers"]:
            raise UsageError(f"the Dask cluster {address} (backbone.dask) has no workers", "start some, run again")
        futures = [client.submit(embed_elsewhere, list(digests), text, pure=False) for digests in shards]
        for future in as_completed(futures, loop=client.loop):  # type: ignore[no-untyped-call]
            try:
                done: ShardDone = future.result()
            except (AutoDetectError, GeneratorExit):
                raise
            except Exception as error:
                raise StageFailedError(
                    f"a worker of the Dask cluster {address} could not embed its photos: "
                    f"{type(error).__name__}: {error}",
                    "its log says more: it needs this program, the lake, and the engine of this machine; run again, "
                    "finished shards are kept",
                ) from error
            tell(done.photos)
            yield done


def _client(kind: Callable[..., Any], address: str) -> Any:
    try:
        return kind(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"the scheduler {address} (backbone.dask) does not answer: {error}",
            "start it, correct the address, or set backbone.dask to nothing",
        ) from error
