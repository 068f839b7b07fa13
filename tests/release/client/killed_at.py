"""A client whose process dies by SIGKILL just before its n-th change to the disk: python -m tests... STORE CACHE N."""

import itertools
import os
import signal
import sys
from pathlib import Path

from autodetect.lake.objects import LocalStore
from tests.release.client.asking import synced

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate"}


def main(store: str, cache: str, n: str) -> None:
    count = itertools.count(1)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        writes = event == "open" and isinstance(arguments[1], str) and arguments[1].strip("rb") != ""
        if (writes or event in CHANGES) and str(arguments[0]).startswith(cache) and next(count) == int(n):
            os.kill(os.getpid(), signal.SIGKILL)

    opened = LocalStore(Path(store))
    sys.addaudithook(hook)
    synced(opened, Path(cache))


if __name__ == "__main__":
    main(*sys.argv[1:])
