"""A snapshot's photos as network input in one file, mapped into memory: a training holds none of them itself.

They are decoded once, in the order given, through the geometry of the backbone. What is on disk is noted after every
block, so that a killed run goes on behind the last one. A photo that is gone or damaged is told and left out.
"""

import json
import logging
import shutil
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from autodetect.classifier.finetune.scratch import PIXELS_SUFFIX
from autodetect.durations import duration
from autodetect.embeddings.geometry import Geometry, to_input
from autodetect.errors import CorruptError, UsageError
from autodetect.lake.blobs import BlobStore
from autodetect.lake.objects import ObjectMissingError
from autodetect.lake.objects.durable import make_folder, sync_file, write_file
from autodetect.photos.decode import decode
from autodetect.records import canonical_digest

Pixels = npt.NDArray[np.uint8]

BLOCK = 128  # photos decoded at a time: 45 MB at 342 pixels
_MOST_TOLD = 10  # photos named in the log, one line each; the rest is counted

log = logging.getLogger(__name__)


class Wanted(NamedTuple):
    """Photos by their digest and what they shall become: squares of `side` pixels in the backbone's geometry."""

    digests: tuple[str, ...]
    side: int
    geometry: Geometry

    @property
    def name(self) -> str:
        """Return the name of the files that hold them."""
        return canonical_digest([self.digests, self.side, self.geometry])[:16]


class Gathered(NamedTuple):
    """`pixels` uint8 (n, side, side, 3), mapped; `kept` (n,) the position of each among those wanted; who is gone."""

    pixels: Pixels
    kept: npt.NDArray[np.int64]
    vanished: tuple[str, ...]


def gather(photos: BlobStore, wanted: Wanted, *, max_pixels: int, folder: Path, threads: int) -> Gathered:
    """Return the photos as one mapped file in `folder`, made or gone on with.

    Args:
        photos: the lake's.
        wanted: which, and as what.
        max_pixels: as they were examined with.
        folder: local; holds the file, `side` * `side` * 3 bytes a photo, and how far it has come.
        threads: reading, decoding and resizing leave the interpreter lock.

    Raises:
        UsageError: the disk has not enough room.
        DependencyDownError: the photo store does not answer.
    """
    path, state = folder / f"{wanted.name}{PIXELS_SUFFIX}", folder / f"{wanted.name}.json"
    done, vanished = _state_of(path, state, wanted)
    if done < len(wanted.digests):
        make_folder(folder)
        _check_room(wanted, path, folder)
        read = partial(_input_of, photos, wanted=wanted, max_pixels=max_pixels)
        started, first = time.perf_counter(), done
        with path.open("r+b" if done else "w+b") as file, ThreadPoolExecutor(threads) as pool:
            file.seek((done - len(vanished)) * _bytes_of(wanted))
            while done < len(wanted.digests):
                block = wanted.digests[done : done + BLOCK]
                vanished += _write_block(file, block, pool.map(read, block), len(vanished))
                done += len(block)
                write_file(state, [json.dumps({"done": done, "vanished": vanished}).encode()])
                left = (len(wanted.digests) - done) * (time.perf_counter() - started) / (done - first)
                log.info("fine-tune: %d of %d photos read, %s left", done, len(wanted.digests), duration(left))
    return _mapped(path, wanted, vanished)


def _write_block(file: BinaryIO, block: Sequence[str], inputs: Iterable[Pixels | str], gone_before: int) -> list[str]:
    """Append the block's photos, on disk when this returns; return those that are gone."""
    gone = []
    for sha256, found in zip(block, inputs, strict=True):
        if isinstance(found, str):
            gone.append(sha256)
            if gone_before + len(gone) <= _MOST_TOLD:
                log.warning("fine-tune: photo %s is left out: %s", sha256, found)
        else:
            file.write(found.tobytes())
    sync_file(file)
    return gone


def _input_of(photos: BlobStore, sha256: str, *, wanted: Wanted, max_pixels: int) -> Pixels | str:
    """Return the photo, uint8 (side, side, 3), or why there is none."""
    try:
        decoded = decode(photos.read(sha256), max_pixels=max_pixels)
    except ObjectMissingError:
        return "it is missing in the lake"
    except CorruptError as error:
        return error.what
    if decoded.image is None:
        return f"it was sound and is now {decoded.rule}"
    return to_input(decoded.image, wanted.side, wanted.geometry)


def _state_of(path: Path, state: Path, wanted: Wanted) -> tuple[int, list[str]]:
    """Return how many photos were looked at, and who of them is gone; nothing where the file is not whole."""
    if not (path.is_file() and state.is_file()):
        return 0, []
    found = json.loads(state.read_bytes())
    whole = path.stat().st_size >= (found["done"] - len(found["vanished"])) * _bytes_of(wanted)
    return (found["done"], found["vanished"]) if whole else (0, [])


def _mapped(path: Path, wanted: Wanted, vanished: Sequence[str]) -> Gathered:
    gone = frozenset(vanished)
    kept = np.array([at for at, sha256 in enumerate(wanted.digests) if sha256 not in gone], dtype=np.int64)
    shape = (len(kept), wanted.side, wanted.side, 3)
    # An empty file cannot be mapped; a plain array over the map picks photos without NumPy's bookkeeping of maps.
    pixels = np.asarray(np.memmap(path, np.uint8, "r", shape=shape)) if len(kept) else np.empty(shape, np.uint8)
    return Gathered(pixels, kept, tuple(vanished))


def _check_room(wanted: Wanted, path: Path, folder: Path) -> None:
    held = path.stat().st_size if path.is_file() else 0
    needed, free = len(wanted.digests) * _bytes_of(wanted) - held, shutil.disk_usage(folder).free
    if needed > free:
        raise UsageError(
            f"fine-tuning wants {needed / 1e9:.1f} GB for its photos in {folder}, where {free / 1e9:.1f} GB are free",
            "make room, let `work` name another disk, or lower dataset.max_photos_per_class",
        )


def _bytes_of(wanted: Wanted) -> int:
    return wanted.side * wanted.side * 3
