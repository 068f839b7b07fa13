"""Ends this process when the process that wanted it is gone, however that one died."""

import ctypes
import os
import signal
import sys
import threading
import time
from types import FrameType

POLL_S = 0.25
_PR_SET_PDEATHSIG = 1


def exit_with_parent(parent: int) -> None:
    """Exit with status 1 as soon as `parent` no longer is this process's parent.

    A thread watches the parent's process id everywhere; on Linux the kernel's signal makes it immediate. That signal
    also comes when merely the thread that started this process ends, hence the check in its handler.

    Args:
        parent: the parent's process id.
    """

    def leave_if_orphaned(_signal: int = 0, _frame: FrameType | None = None) -> None:
        if os.getppid() != parent:
            os._exit(1)

    def watch() -> None:
        while True:
            leave_if_orphaned()
            time.sleep(POLL_S)

    if sys.platform == "linux" and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGUSR1, leave_if_orphaned)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGUSR1), 0, 0, 0)
    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
