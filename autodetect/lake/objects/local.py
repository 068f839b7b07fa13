"""An object store in a folder."""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from autodetect.errors import AutoDetectError, DependencyDownError, UsageError
from autodetect.lake.objects.base import (
    MAX_POLLED_BYTES,
    ObjectMissingError,
    ObjectStore,
    checked_key,
    checked_prefix,
    polled,
)
from autodetect.lake.objects.durable import PARTIAL_PREFIX, create_file, read_chunks, sync_folder, write_file

# What the system says when a part of the key is a folder where a file is wanted, or the other way round.
_CLASH = frozenset({errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY})
_NO_ACCESS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


class LocalStore(ObjectStore):
    """Each object is the file of that name below `root`; the folder is made by the first write."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().resolve()
        self.url = str(self.root)

    def chunks(self, key: str) -> Iterator[bytes]:
        """Yield the file's bytes in pieces."""
        with self._reading(key) as path:
            yield from read_chunks(path)

    def get_if_changed(self, key: str, etag: str | None) -> tuple[bytes, str] | None:
        """Read the file unless it is still the one of that tag: every write makes a new file."""
        with self._reading(key) as path, path.open("rb") as file:
            facts = os.fstat(file.fileno())
            tag = f"{facts.st_ino:x}-{facts.st_size:x}-{facts.st_mtime_ns:x}"
            if tag == etag:
                return None
            return polled(iter([file.read(MAX_POLLED_BYTES + 1)]), f"{self.url}/{key}"), tag

    def put(self, key: str, data: bytes) -> None:
        """Write a temporary file, sync, rename, sync the folder."""
        with self._writing(key) as path:
            write_file(path, [data])

    def put_file(self, key: str, path: Path) -> None:
        """Copy the file as `put` does.

        Raises:
            UsageError: the file to store cannot be read.
        """
        if not path.is_file():
            raise UsageError(f"{path} is no file that could be stored in {self.url}", "check the path")
        with self._writing(key) as target:
            write_file(target, read_chunks(path))

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Write a temporary file, sync, link it to the name (which fails if the name exists), sync the folder."""
        with self._writing(key) as path:
            return create_file(path, [data])

    def size(self, key: str) -> int:
        """Return the file's size in bytes."""
        with self._reading(key) as path:
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, "is a folder", str(path))
            return path.stat().st_size

    def list(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys below the prefix; unfinished writes are left out."""
        parent, _, _ = checked_prefix(prefix).rpartition("/")
        top = self.root / parent
        found = []

        def refused(error: OSError) -> None:
            self._refuse_file(error)
            if not isinstance(error, FileNotFoundError | NotADirectoryError):
                raise self._told(error, "list", prefix) from error

        for folder, _, names in os.walk(top, onerror=refused):
            inside = Path(folder).relative_to(self.root)
            found += [(inside / name).as_posix() for name in names if not name.startswith(PARTIAL_PREFIX)]
        yield from sorted(key for key in found if key.startswith(prefix))

    def delete(self, key: str) -> None:
        """Remove the file; its folder stays."""
        with self._writing(key) as path:
            try:
                path.unlink()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                return
            sync_folder(path.parent)

    def abort_unfinished(self, older_than: timedelta) -> int:
        """Remove temporary files that were last written to longer ago."""
        oldest, dropped = time.time() - older_than.total_seconds(), 0
        for path in self.root.rglob(f"{PARTIAL_PREFIX}*"):
            try:
                if path.stat().st_mtime < oldest:
                    path.unlink()
                    dropped += 1
            except (FileNotFoundError, IsADirectoryError):  # finished meanwhile, or nobody's upload
                continue
            except OSError as error:
                raise self._told(error, "remove", path.name) from error
        return dropped

    def local_path(self, key: str) -> Path | None:
        """Return the object's file; None if there is none."""
        path = self._path(key)
        return path if path.is_file() else None

    def _path(self, key: str) -> Path:
        return self.root / checked_key(key)

    def _refuse_file(self, error: OSError) -> None:
        """Tell a root that is a file from one that is not there yet."""
        if isinstance(error, NotADirectoryError) and self.root.is_file():
            raise UsageError(f"{self.url} is a file, where a folder is meant", "name another folder") from error

    @contextmanager
    def _reading(self, key: str) -> Iterator[Path]:
        try:
            yield self._path(key)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            self._refuse_file(error)
            raise ObjectMissingError(f"{self.url} has no object '{key}'") from error
        except OSError as error:
            raise self._told(error, "read", key) from error

    @contextmanager
    def _writing(self, key: str) -> Iterator[Path]:
        try:
            yield self._path(key)
        except OSError as error:
            raise self._told(error, "write", key) from error

    def _told(self, error: OSError, verb: str, key: str) -> AutoDetectError:
        what = f"cannot {verb} '{key}' in {self.url}: {error.strerror}"
        if error.errno in _CLASH:
            return UsageError(what, "a file and a folder of one name cannot both be: choose another key or store")
        if error.errno in _NO_ACCESS:
            return UsageError(what, "give this user access to the folder, or name another one")
        return DependencyDownError(what, "check that the disk is mounted, healthy and not full, then run again")
