"""A process that embeds shards for another one: `python -m autodetect.dataset.shard_worker CORE...`.

Requests come as lines of JSON by the standard input: first the work, then the digests of one shard after another. Every
answer is a line of JSON: `{"batch": n}` after each batch, then the finished shard, or the error that a person is told.
The process ends when nobody asks any more; a shard that it has begun then is lost, never half written.
"""

import json
import os
import signal
import sys
from typing import Any, TextIO

from autodetect.errors import AutoDetectError


def main() -> None:
    """Serve whoever started this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides what ends
    given = {int(argument) for argument in sys.argv[1:]}
    if given and hasattr(os, "sched_setaffinity"):  # what computes has as many threads as the process has cores
        os.sched_setaffinity(0, given)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    try:
        _serve(answers)
    except BrokenPipeError:
        os._exit(0)  # nobody listens any more


def _serve(answers: TextIO) -> None:
    from autodetect.dataset.shard_work import embed_elsewhere

    def answer(**value: Any) -> None:
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    work = sys.stdin.readline()
    for line in sys.stdin:
        try:
            done = embed_elsewhere(json.loads(line), work, lambda photos: answer(batch=photos))
        except AutoDetectError as error:
            answer(error=type(error).__name__, what=error.what, remedy=error.remedy)
        else:
            answer(done=done.model_dump(mode="json"))


if __name__ == "__main__":
    main()
