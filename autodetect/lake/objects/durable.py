"""Files that are whole or absent, whatever kills the writer.

Temporary name, sync, rename (or link, which fails if the name exists), sync of the folder.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

PARTIAL_PREFIX = ".partial-"
CHUNK_BYTES = 1 << 20


@contextmanager
def partial_file(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Open a new temporary file in `folder` (made if absent); it is gone afterwards unless it was renamed.

    A killed writer leaves it behind under a name that starts with `PARTIAL_PREFIX`.
    """
    make_folder(folder)
    path = folder / f"{PARTIAL_PREFIX}{uuid4().hex}"
    try:
        with path.open("xb") as file:
            yield path, file
    finally:
        path.unlink(missing_ok=True)


def write_file(path: Path, chunks: Iterable[bytes]) -> None:
    """Put the chunks under `path`, replacing what was there in one step.

    Raises:
        OSError: the disk refused; what was there before is untouched.
    """
    with partial_file(path.parent) as (partial, file):
        _fill(file, chunks)
        partial.replace(path)
    sync_folder(path.parent)


def create_file(path: Path, chunks: Iterable[bytes]) -> bool:
    """Put the chunks under `path` unless the name exists; True for the one caller that made it.

    Raises:
        OSError: the disk refused; there is no file under the name.
    """
    with partial_file(path.parent) as (partial, file):
        _fill(file, chunks)
        try:
            os.link(partial, path)
        except FileExistsError:
            return False
    sync_folder(path.parent)
    return True


def make_folder(folder: Path) -> None:
    """Make the folder and its parents; each new name is on disk before anything is put inside."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_file(file: BinaryIO) -> None:
    """Force what was written to disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Force the folder's names to disk."""
    sync_path(folder)


def sync_path(path: Path) -> None:
    """Force to disk what another writer (or a library that does not) left under a path: a file, or a folder's names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_chunks(path: Path) -> Iterator[bytes]:
    """Yield the file's bytes, at most `CHUNK_BYTES` at a time."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _fill(file: BinaryIO, chunks: Iterable[bytes]) -> None:
    file.writelines(chunks)
    sync_file(file)
