"""Bytes -> an upright RGB image, or the name of the rule that the bytes break."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image, ImageFile

# A photo cut off in transfer must be refused, not shown with a grey half.
ImageFile.LOAD_TRUNCATED_IMAGES = False
# Pillow's own bomb limit warns first and raises later; ours is a setting and is checked before decoding.
Image.MAX_IMAGE_PIXELS = None
# What photo hosts serve. Pillow knows many more, some of which start other programs (EPS) or are seldom exercised.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "BMP", "TIFF")
# EXIF orientation -> what brings the image upright (CIPA DC-008, tag 274).
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


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
        opened: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Exception as error:  # noqa: BLE001 - on damaged bytes Pillow's parsers raise whatever they stumble over
        return Decoded(None, rule="photo.not_an_image", detail=f"{_first_bytes(data)} ({type(error).__name__})")
    width, height = opened.size
    if width * height > max_pixels:
        return Decoded(None, opened.format or "", width, height, "photo.too_many_pixels", f"{width}x{height}")
    try:
        rgb = _to_rgb(opened)
    except Exception as error:  # noqa: BLE001 - likewise
        return Decoded(None, opened.format or "", width, height, "photo.truncated", str(error))
    upright = _upright(opened, rgb)
    return Decoded(upright, opened.format or "", upright.width, upright.height)


def _to_rgb(image: Image.Image) -> Image.Image:
    """Return the first frame as RGB; 16-bit grey keeps its high byte (Pillow would clip it to white)."""
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")


def _upright(original: Image.Image, rgb: Image.Image) -> Image.Image:
    """Turn the image as its EXIF orientation says; a damaged EXIF block says nothing."""
    try:
        orientation = original.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # noqa: BLE001 - likewise
        return rgb
    turn = TURNS.get(orientation) if isinstance(orientation, int) else None
    return rgb if turn is None else rgb.transpose(turn)


def _first_bytes(data: bytes) -> str:
    return repr(data[:24].decode("latin-1"))
