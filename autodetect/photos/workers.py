"""Processes that look at photos: started together, replaced when they die, ended together.

They are programs of their own, not children of `multiprocessing`: those import the parent's main module, and with it
all that a night needs.
"""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from io import FileIO
from multiprocessing import Pipe
from queue import SimpleQueue
from tempfile import TemporaryFile
from types import TracebackType
from typing import Self

from autodetect.errors import StageFailedError
from autodetect.photos.decode import Decoded
from autodetect.photos.first_look import Look

log = logging.getLogger(__name__)
PROGRAM = "autodetect.photos.worker"
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}  # there is a worker per core
START_S = 120.0  # for its imports; half a second where nothing else runs
DEADLINE_S = 120.0  # for an answer: the largest sound ones take seconds, a progressive JPEG of a million scans for ever
END_S = 10.0  # for a worker that nobody asks any more; it has nothing to tidy up


class WorkerLostError(Exception):
    """The worker died, or did not answer in time, over what it was asked."""


class Worker:
    """One process, which one thread at a time may ask.

    Args:
        max_pixels: a larger image is refused.
        min_side: pixels; a photo with a shorter side is not hashed.
        deadline_s: how long it may take to answer.
    """

    def __init__(self, *, max_pixels: int, min_side: int, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self._ready = False
        self._mailbox = _memory_file()
        self._connection, theirs = Pipe()
        mailbox = self._mailbox.fileno()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", PROGRAM, str(mailbox), str(max_pixels), str(min_side)],
                stdin=theirs.fileno(),
                pass_fds=(mailbox,),
                env={**os.environ, **ONE_THREAD},
            )

    @property
    def pid(self) -> int:
        """Return the id of the process."""
        return self._process.pid

    def look(self, photos: Sequence[bytes]) -> list[Look]:
        """Return what `first_look.look_at_all` says of each photo.

        Raises:
            WorkerLostError: one of them ended the worker, which is of no more use.
            StageFailedError: the worker ended for a reason of its own.
        """
        if not self._ready:
            self._wait_until_ready()
        try:
            self._mailbox.seek(0)
            for data in photos:
                self._mailbox.write(data)
            self._connection.send([len(data) for data in photos])
            if self._connection.poll(self._deadline_s):
                answers: list[Look] = self._connection.recv()
                return answers
        except (EOFError, ConnectionError):
            code = self._code()
            if code >= 0:
                raise _broken(f"exit code {code}") from None
            raise WorkerLostError(signal.Signals(-code).name) from None
        self.kill()
        raise WorkerLostError(f"no answer within {self._deadline_s:.0f} s")

    def end(self) -> None:
        """Let it end, and wait for that: it sees that nobody asks any more."""
        self._connection.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._code()

    def kill(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._code()

    def _wait_until_ready(self) -> None:
        try:
            if self._connection.poll(START_S):
                self._connection.recv()
                self._ready = True
                return
        except (EOFError, ConnectionError):
            raise _broken(f"code {self._code()} while starting") from None
        self.kill()
        raise _broken(f"not started within {START_S:.0f} s")

    def _code(self) -> int:
        """Return how it ended: the exit code, or minus the signal."""
        self._connection.close()
        self._mailbox.close()
        return self._process.wait()


class Workers:
    """Several workers for many threads; a context manager, which ends them.

    Args:
        count: how many processes.
        max_pixels: a larger image is refused.
        min_side: pixels; a photo with a shorter side is not hashed.
        deadline_s: how long one answer may take.
    """

    def __init__(self, count: int, *, max_pixels: int, min_side: int, deadline_s: float = DEADLINE_S) -> None:
        self._new = partial(Worker, max_pixels=max_pixels, min_side=min_side, deadline_s=deadline_s)
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        for _ in range(count):
            self._idle.put(self._new())

    def look(self, photos: Sequence[bytes]) -> list[Look]:
        """Return what the next free worker says of each photo.

        What ends a worker is asked again, photo by photo: the one at fault has the rule `photo.decoder_crashed`.

        Raises:
            StageFailedError: a worker ended for a reason of its own.
        """
        worker = self._idle.get()
        try:
            try:
                return worker.look(photos)
            except WorkerLostError as error:
                log.warning("one of %d photos ended its process: %s", len(photos), error)
                worker = self._new()
            answers: list[Look] = []
            for data in photos:
                try:
                    answers += worker.look([data])
                except WorkerLostError as error:
                    log.warning("a photo of %d bytes ended its process: %s", len(data), error)
                    answers.append(Look(Decoded(None, rule="photo.decoder_crashed", detail=str(error))))
                    worker = self._new()
            return answers
        finally:
            self._idle.put(worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while not self._idle.empty():
            self._idle.get().end()


def _memory_file() -> FileIO:
    """Return a new file without a name, in memory where the system has such."""
    if hasattr(os, "memfd_create"):
        return FileIO(os.memfd_create("photos"), "r+")
    with TemporaryFile() as file:
        return FileIO(os.dup(file.fileno()), "r+")


def _broken(how: str) -> StageFailedError:
    return StageFailedError(
        f"a process that looks at photos ended without having been asked to ({how})",
        "what it said is in the log above; with photos.processes = 1 photos are looked at without such processes",
    )
