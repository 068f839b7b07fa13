"""Small copies of photos beside the page, so that the report's folder can be moved and read offline."""

import struct
import warnings
import zlib
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

MAX_SIDE = 200  # pixels
MAX_PIXELS = 60_000_000  # a larger image is not decoded only to be shown small
# What Pillow's decoders raise on damaged files: refused photos are shown too, and many of them are damaged.
DAMAGE = (
    Image.DecompressionBombError,
    UnidentifiedImageError,
    EOFError,
    IndexError,
    KeyError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


def thumbnail(photo: Path, target: Path) -> bool:
    """Write a JPEG of at most 200 px a side, upright, in RGB; return whether the photo could be read.

    Args:
        photo: an image file of any kind Pillow knows, possibly damaged or missing.
        target: where the small copy goes; not touched when the photo cannot be read.
    """
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(photo) as image:
            if image.width * image.height > MAX_PIXELS:
                return False
            image.draft("RGB", (2 * MAX_SIDE, 2 * MAX_SIDE))
            small = image.copy()
            small.thumbnail((2 * MAX_SIDE, 2 * MAX_SIDE))
            small = ImageOps.exif_transpose(small).convert("RGB")
            small.thumbnail((MAX_SIDE, MAX_SIDE))
            small.info.clear()  # comments and positions stay with the photo
    except DAMAGE:
        return False
    small.save(target, "JPEG", quality=82)
    return True
