"""Checkpoints: the whole state of a training in one file, whole or absent, whatever kills the writer.

`step-00000400.npz` holds every variable in order and, as JSON, what belongs to them. The last two are kept: where one
was damaged afterwards, training goes on from the one before.
"""

import json
import logging
import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from autodetect.lake.objects.durable import partial_file, sync_file, sync_folder

KEPT = 2

_NAME = re.compile(r"step-(\d{8})\.npz")
_META = "meta"
# What NumPy and zipfile raise on a file that is cut, overwritten or no archive at all.
_UNREADABLE = (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error)

log = logging.getLogger(__name__)


class Checkpoint(NamedTuple):
    """`step` updates were done; `arrays` are the variables after them, in order; `meta` is the rest."""

    step: int
    arrays: list[npt.NDArray[Any]]
    meta: dict[str, Any]


def path_of(folder: Path, step: int) -> Path:
    """Return the file of a step's checkpoint."""
    return folder / f"step-{step:08d}.npz"


def save(folder: Path, step: int, arrays: Sequence[npt.NDArray[Any]], meta: dict[str, Any]) -> Path:
    """Write a checkpoint in one step, on disk when this returns, and remove all but the last `KEPT`."""
    path = path_of(folder, step)
    named: dict[str, Any] = {f"v{index:05d}": array for index, array in enumerate(arrays)}
    named[_META] = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    with partial_file(folder) as (partial, file):
        np.savez(file, **named)
        sync_file(file)
        partial.replace(path)
    sync_folder(folder)
    for old in _steps(folder)[:-KEPT]:
        path_of(folder, old).unlink()
    return path


def newest(folder: Path) -> Checkpoint | None:
    """Return the last checkpoint that can be read; None where there is none. A damaged one is told in the log."""
    for step in reversed(_steps(folder)):
        path = path_of(folder, step)
        try:
            # Reading checks every part's CRC.
            with np.load(path, allow_pickle=False) as archive:
                meta = json.loads(archive[_META].tobytes())
                names = sorted(name for name in archive.files if name != _META)
                return Checkpoint(step, [archive[name] for name in names], meta)
        except _UNREADABLE as error:
            log.warning("the checkpoint %s cannot be read (%s): going on from the one before", path, error)
    return None


def _steps(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    return sorted(int(found[1]) for path in folder.iterdir() if (found := _NAME.fullmatch(path.name)))
