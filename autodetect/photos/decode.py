"""Bytes -> an upright RGB image, or the name of the rule that the bytes break."""

import io
from dataclasses import dataclass

from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

# A photo cut off in transfer must be refused, not shown with a grey half.
ImageFile.LOAD_TRUNCATED_IMAGES = False
# Pillow's own bomb limit warns first and raises later; ours is a setting and is checked before decoding.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True)
class Decoded:
    """An upright RGB image with the format its bytes have, or the rule (`photo.…`) that refused it."""

    image: Image.Image | None
    format: str = ""
    width: int = 0
    height: int = 0
    rule: str = ""
    detail: str = ""


def decode(data: bytes, *, max_pixels: int) -> Decoded:
    """Decode a photo.

    Args:
        data: the bytes as the photo host served them.
        max_pixels: a larger image (a decompression bomb) is refused before it is decoded.

    Returns:
        The image, EXIF orientation applied; or the rule: `photo.empty`, `photo.not_an_image`, `photo.too_many_pixels`,
        `photo.truncated`. A bad file costs only itself: nothing is raised.
    """
    if not data:
        return Decoded(None, rule="photo.empty")
    try:
        opened = Image.open(io.BytesIO(data))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        return Decoded(None, rule="photo.not_an_image", detail=f"{_first_bytes(data)} ({type(error).__name__})")
    width, height = opened.size
    if width * height > max_pixels:
        return Decoded(None, opened.format or "", width, height, "photo.too_many_pixels", f"{width}x{height}")
    try:
        upright = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        return Decoded(None, opened.format or "", width, height, "photo.truncated", str(error))
    return Decoded(upright, opened.format or "", upright.width, upright.height)


def _first_bytes(data: bytes) -> str:
    return repr(data[:24].decode("latin-1"))
