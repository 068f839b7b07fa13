"""A package as a person has it: a `.mlpackage` folder, or a zip archive that holds one."""

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autodetect.errors import CorruptError, UsageError
from autodetect.lake.archives import unzip

SUFFIX = ".mlpackage"
_MANIFEST = "Manifest.json"
_REMEDY = "name a .mlpackage folder, or a .zip archive that holds one"


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """Yield the folder of a package; an archive is unpacked into a temporary folder meanwhile.

    Args:
        path: a folder or an archive, which nobody vouches for.

    Raises:
        UsageError: it is neither.
        CorruptError: the archive is damaged, or would write outside its folder.
    """
    if path.is_dir():
        yield _package(path, path)
    elif not path.is_file():
        raise UsageError(f"there is no package at {path}", _REMEDY)
    elif not zipfile.is_zipfile(path):
        if path.suffix == ".zip":
            raise CorruptError(f"the archive {path} cannot be used: it has no directory", "fetch it again, whole")
        raise UsageError(f"{path} is no Core ML package", _REMEDY)
    else:
        with tempfile.TemporaryDirectory(prefix="autodetect-verify-") as folder:
            unpacked = Path(folder) / "package"
            unzip(path, unpacked)
            yield _package(unpacked, path)


def _package(folder: Path, named: Path) -> Path:
    """Return the one package in a folder, or the folder where it is one itself."""
    if folder.suffix == SUFFIX or (folder / _MANIFEST).is_file():
        return folder
    found = sorted(path for path in folder.glob(f"*{SUFFIX}") if path.is_dir())
    if len(found) != 1:
        raise UsageError(f"{named} holds {len(found) or 'no'} Core ML packages, not one", _REMEDY)
    return found[0]
