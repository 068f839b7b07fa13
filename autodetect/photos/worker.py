"""A process that looks at photos for another one: `python -m autodetect.photos.worker FD MAX_PIXELS MIN_SIDE`.

A native decoder that crashes takes its process with it; here that is one which nobody will miss. Requests come over a
socket, the standard input: how many bytes each photo has. The bytes lie one behind the other in the open file FD, for
a socket takes thrice as long over them. This program imports what a photo needs, no more.
"""

import itertools
import os
import signal
import sys
from multiprocessing.connection import Connection

from autodetect.photos.first_look import look_at_all

READY = "ready"


def serve(connection: Connection, mailbox: int, *, max_pixels: int, min_side: int) -> None:
    """Say that all is imported, then answer requests, each with one list, until the other end is closed."""
    try:
        connection.send(READY)
        while True:
            sizes = connection.recv()
            places = itertools.accumulate(sizes, initial=0)
            photos = (os.pread(mailbox, size, place) for size, place in zip(sizes, places, strict=False))
            connection.send(look_at_all(photos, max_pixels=max_pixels, min_side=min_side))
    except (EOFError, ConnectionError):
        return  # nobody asks any more


def main() -> None:
    """Serve whoever started this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides what ends
    mailbox, max_pixels, min_side = (int(argument) for argument in sys.argv[1:])
    with Connection(sys.stdin.fileno()) as connection:
        serve(connection, mailbox, max_pixels=max_pixels, min_side=min_side)


if __name__ == "__main__":
    main()
