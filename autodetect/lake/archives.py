"""Zip archives whose bytes depend on their content alone, and reading archives that nobody vouches for."""

import hashlib
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from shutil import copyfileobj, rmtree
from typing import BinaryIO
from uuid import uuid4

from autodetect.errors import CorruptError, UsageError
from autodetect.lake.objects.durable import (
    CHUNK_BYTES,
    PARTIAL_PREFIX,
    make_folder,
    partial_file,
    read_chunks,
    sync_file,
    sync_folder,
)

FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip archive can name
MAX_ENTRIES = 100_000
MAX_UNPACKED_BYTES = 8 << 30

# What reading and unpacking a damaged, encrypted or contradictory archive (a file and a folder of one name) raises.
_UNSOUND = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    UnicodeDecodeError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    FileExistsError,
    NotADirectoryError,
)


def sha256_bytes(data: bytes) -> str:
    """Return the SHA-256 as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of the file's bytes as 64 hexadecimal digits.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def zip_folder(folder: Path, target: Path, arc_prefix: str = "") -> str:
    """Pack the folder's files into `target`; equal names and bytes give an equal archive. Empty folders are left out.

    Args:
        folder: what to pack.
        target: the archive, replaced in one step.
        arc_prefix: put before each name, e.g. `AutoDetect.mlpackage/`.

    Returns:
        The archive's SHA-256.

    Raises:
        UsageError: the folder is not there, or holds something that is neither file nor folder.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder that could be packed", "check the path")
    paths = sorted(folder.rglob("*"))
    if odd := [path for path in paths if path.is_symlink() or not (path.is_file() or path.is_dir())]:
        raise UsageError(f"{odd[0]} is neither a file nor a folder", "replace the link by what it points to")
    files = {f"{arc_prefix}{path.relative_to(folder).as_posix()}": path for path in paths if path.is_file()}
    with _new_archive(target) as archive:
        for name in sorted(files):
            with _new_entry(archive, name, files[name].stat().st_size) as entry:
                entry.writelines(read_chunks(files[name]))
    return sha256_file(target)


def repack_zip(
    source: Path, target: Path, *, drop: Collection[str] = (), replace: Mapping[str, bytes] | None = None
) -> str:
    """Copy an archive without what differs between two equal ones: order, times, modes, and the entries named.

    A `.keras` file is such an archive: its `metadata.json` holds the date of saving.

    Args:
        source: the archive to read.
        target: the archive to write, replaced in one step; may be `source`.
        drop: names of entries to leave out.
        replace: names of entries and the bytes to put there instead.

    Returns:
        The new archive's SHA-256.

    Raises:
        UsageError: an entry named is not in the archive.
        CorruptError: the source is no sound archive.
    """
    replace = replace or {}
    with _reading(source) as archive:
        entries = {entry.filename: entry for entry in _checked_entries(source, archive, MAX_UNPACKED_BYTES)}
        if absent := sorted({*drop, *replace} - set(entries)):
            raise UsageError(f"{source} has no entry '{absent[0]}'", f"it has: {', '.join(sorted(entries))}")
        with _new_archive(target) as packed:
            for name in sorted(set(entries) - set(drop)):
                if name in replace:
                    with _new_entry(packed, name, len(replace[name])) as copy:
                        copy.write(replace[name])
                else:
                    with archive.open(name) as original, _new_entry(packed, name, entries[name].file_size) as copy:
                        copyfileobj(original, copy, CHUNK_BYTES)
    return sha256_file(target)


def entry_sizes(archive: Path, max_bytes: int = MAX_UNPACKED_BYTES) -> dict[str, int]:
    """Return the size in bytes of every file in an archive, by name, once all of them would be unpacked by `unzip`.

    Raises:
        UsageError: there is no such file.
        CorruptError: the archive is damaged, or an entry is a link, leaves the folder, appears twice, or is too large.
    """
    with _reading(archive) as source:
        return {entry.filename: entry.file_size for entry in _checked_entries(archive, source, max_bytes)}


def unzip(archive: Path, folder: Path, max_bytes: int = MAX_UNPACKED_BYTES) -> None:
    """Unpack into `folder`, which is whole or as it was.

    Args:
        archive: the archive, which nobody vouches for.
        folder: made if absent; must be empty.
        max_bytes: the most that the entries may unpack to, all together.

    Raises:
        UsageError: the folder is not empty.
        CorruptError: the archive is damaged, or an entry is a link, leaves the folder, appears twice, or is too large.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty", "unpack into a new folder")
    make_folder(folder.parent)
    partial = folder.parent / f"{PARTIAL_PREFIX}{uuid4().hex}"
    try:
        with _reading(archive) as source:
            partial.mkdir()
            for entry in _checked_entries(archive, source, max_bytes):
                path = partial / entry.filename
                path.parent.mkdir(parents=True, exist_ok=True)
                with source.open(entry) as packed, path.open("xb") as file:
                    copyfileobj(packed, file, CHUNK_BYTES)
            partial.replace(folder)
        sync_folder(folder.parent)
    finally:
        rmtree(partial, ignore_errors=True)


@contextmanager
def _new_archive(target: Path) -> Iterator[zipfile.ZipFile]:
    with partial_file(target.parent) as (partial, file):
        with zipfile.ZipFile(file, "w") as archive:
            yield archive
        sync_file(file)
        partial.replace(target)
    sync_folder(target.parent)


@contextmanager
def _new_entry(archive: zipfile.ZipFile, name: str, size: int) -> Iterator[BinaryIO]:
    """Add a file. Stored, not deflated: weights shrink little, and deflated bytes differ between builds of zlib."""
    entry = zipfile.ZipInfo(name, FIXED_TIME)
    entry.compress_type = zipfile.ZIP_STORED
    entry.create_system = 3  # Unix, also where this runs on something else
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    entry.file_size = size
    with archive.open(entry, "w") as file:
        yield file  # type: ignore[misc]


@contextmanager
def _reading(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except FileNotFoundError as error:
        raise UsageError(f"the archive {path} does not exist", "check the path") from error
    except _UNSOUND as error:
        raise _corrupt(path, str(error)) from error


def _checked_entries(path: Path, archive: zipfile.ZipFile, max_bytes: int) -> list[zipfile.ZipInfo]:
    """Return the entries that are files; zipfile itself refuses an entry that yields more than it declares."""
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise _corrupt(path, f"it has {len(entries):,} entries, more than {MAX_ENTRIES:,}")
    if (total := sum(entry.file_size for entry in entries)) > max_bytes:
        raise _corrupt(path, f"it unpacks to {total:,} bytes, more than {max_bytes:,}")
    names, length = set(), path.stat().st_size
    for entry in entries:
        if not 0 <= entry.header_offset < length:
            raise _corrupt(path, f"the entry {entry.filename!r} starts outside the archive")
        name, kind = entry.filename, stat.S_IFMT(entry.external_attr >> 16)
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts or "\\" in entry.orig_filename or ":" in parts[0]:
            raise _corrupt(path, f"the entry {name!r} leaves the folder")
        if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise _corrupt(path, f"the entry {name!r} is a link or a device")
        if parts in names:
            raise _corrupt(path, f"the entry {name!r} appears twice")
        names.add(parts)
    return [entry for entry in entries if not entry.is_dir()]


def _corrupt(path: Path, why: str) -> CorruptError:
    return CorruptError(f"the archive {path} cannot be used: {why}", "fetch it again from where it was made")
