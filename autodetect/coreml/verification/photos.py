"""Photos to try a package on: from a folder, or the test photos of a lake; generated pictures make up the number."""

import hashlib
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from autodetect.coreml.parity.pictures import generated_pictures
from autodetect.embeddings.geometry import Geometry, to_input
from autodetect.errors import CorruptError, UsageError
from autodetect.lake.lake import Lake
from autodetect.lake.objects import ObjectMissingError
from autodetect.lake.schemas import SNAPSHOTS
from autodetect.photos.decode import decode

Pixels = npt.NDArray[np.uint8]
log = logging.getLogger(__name__)


def photo_files(folder: Path) -> list[Path]:
    """Return the files below a folder, sorted.

    Raises:
        UsageError: it is no folder, or empty.
    """
    found = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    if not found:
        raise UsageError(f"{folder} is no folder with photos", "name a folder of photos with --photos")
    return found


def bytes_of_files(files: Iterable[Path]) -> Iterator[bytes]:
    """Yield the content of files."""
    return (path.read_bytes() for path in files)


def bytes_of_test_photos(lake: Lake) -> Iterator[bytes]:
    """Yield the lake's test photos, of any snapshot, in an order that has nothing to do with what they show."""
    rows = lake.tables.read(SNAPSHOTS, columns=["sha256"], where=pc.field("split") == "test")
    digests = sorted(set(rows["sha256"].to_pylist()), key=lambda sha256: hashlib.sha256(sha256.encode()).digest())
    for sha256 in digests:
        try:
            yield lake.photos.read(sha256)
        except (ObjectMissingError, CorruptError) as error:
            log.warning("a test photo is left out: %s", error)


def as_input(
    photos: Iterable[bytes], count: int, *, size: int, geometry: Geometry, max_pixels: int
) -> tuple[Pixels, int]:
    """Return photos as network input, topped up with generated pictures.

    Args:
        photos: their bytes; those that cannot be read are left out.
        count: how many are wanted.
        size: side of the square, pixels.
        geometry: how a photo becomes it.
        max_pixels: of a photo; larger ones are left out.

    Returns:
        uint8 (count, size, size, 3), RGB, photos first, and how many of them are photos.
    """
    found: list[Pixels] = []
    for data in photos:
        if len(found) == count:
            break
        image = decode(data, max_pixels=max_pixels).image
        if image is not None:
            found.append(to_input(image, size, geometry))
    pictures = generated_pictures(count - len(found), size)
    return np.concatenate([np.stack(found), pictures]) if found else pictures, len(found)
