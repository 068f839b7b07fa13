"""Perceptual hashes (imagehash-compatible bits) of a photo, its mirror image and slightly cropped variants.

A uniform border is trimmed first: without that a plain frame around a copied photo hides it from any hash.
Hashes carry `PIPELINE`, since bits of different pipelines must never be compared.
"""

from dataclasses import dataclass

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

PIPELINE = "pillow-l256-trim-phash64-v1"
HASHED_SIDE = 256  # the longer side is reduced to this before hashing: more pixels do not change 64 bits
THUMBNAIL_SIDE = 32
CROPS = (0.02, 0.04)  # of each side: what sellers' tools and marketplaces cut off
BORDER_TOLERANCE = 12  # grey levels a border may vary by (JPEG noise)


@dataclass(frozen=True)
class Hashes:
    """64-bit hashes as signed integers (the lake has no unsigned ones) and a 32x32 grey thumbnail, 1,024 bytes."""

    phash: int
    phash_mirror: int
    phash_crops: tuple[int, ...]
    dhash: int
    thumbnail: bytes
    contrast: float


def hashes(image: Image.Image) -> Hashes:
    """Hash an RGB image of any size.

    Returns:
        The hashes; `contrast` is the standard deviation of the grey levels (0 to 127.5): near 0 for a blank picture.
    """
    grey = image.convert("L")
    grey.thumbnail((HASHED_SIDE, HASHED_SIDE), Image.Resampling.BOX)
    trimmed = trim_border(grey)
    return Hashes(
        phash=_signed(imagehash.phash(trimmed)),
        phash_mirror=_signed(imagehash.phash(ImageOps.mirror(trimmed))),
        phash_crops=tuple(_signed(imagehash.phash(_cropped(trimmed, share))) for share in CROPS),
        dhash=_signed(imagehash.dhash(trimmed)),
        thumbnail=trimmed.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX).tobytes(),
        contrast=float(np.asarray(grey, dtype=np.float32).std()),
    )


def trim_border(grey: Image.Image) -> Image.Image:
    """Return a grey image without the uniform border around it; unchanged when it is uniform all over.

    A side may lose at most a quarter of the image, so that a sky or a wall is not taken for a border.
    """
    pixels = np.asarray(grey, dtype=np.int16)
    left, right = _uniform_edges(pixels.T)
    top, bottom = _uniform_edges(pixels)
    box = (left, top, grey.width - right, grey.height - bottom)
    return grey if box == (0, 0, grey.width, grey.height) else grey.crop(box)


def _uniform_edges(rows: NDArray[np.int16]) -> tuple[int, int]:
    """Return how many first and last rows are all one grey level, equal to the corner's; 0 unless it is a frame."""
    reference = int(np.median(rows[0]))
    uniform: NDArray[np.bool_] = np.all(np.abs(rows - reference) <= BORDER_TOLERANCE, axis=1)
    limit = len(rows) // 4
    first = int(np.argmin(uniform)) if not uniform.all() else len(rows)
    last = int(np.argmin(uniform[::-1])) if not uniform.all() else len(rows)
    return (first, last) if 0 < first <= limit and 0 < last <= limit else (0, 0)


def _cropped(image: Image.Image, share: float) -> Image.Image:
    dx, dy = round(image.width * share), round(image.height * share)
    return image.crop((dx, dy, image.width - dx, image.height - dy)) if dx or dy else image


def _signed(value: imagehash.ImageHash) -> int:
    bits = np.packbits(value.hash.reshape(-1))
    return int(bits.view(">i8")[0])
