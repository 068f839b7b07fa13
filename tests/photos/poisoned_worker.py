"""A worker whose decoder has a fault, as native ones have: some photos kill its process, hang it or raise.

A photo says by its last bytes what it does. Run in place of `autodetect.photos.worker`, with the same arguments.
"""

import os
import signal
import time
from collections.abc import Iterable
from typing import Any

from autodetect.photos import worker
from autodetect.photos.first_look import look_at_all

CRASH, OUT_OF_MEMORY, HANG, RAISE = b"<segfault>", b"<out of memory>", b"<hang>", b"<raise>"


def faulty(photos: Iterable[bytes], **limits: Any) -> Any:
    kept = list(photos)
    for data in kept:
        if data.endswith(CRASH):
            os.kill(os.getpid(), signal.SIGSEGV)
        if data.endswith(OUT_OF_MEMORY):
            os.kill(os.getpid(), signal.SIGKILL)
        if data.endswith(HANG):
            time.sleep(3600)
        if data.endswith(RAISE):
            raise RuntimeError("a fault in our own code")
    return look_at_all(kept, **limits)


if __name__ == "__main__":
    worker.look_at_all = faulty
    worker.main()
