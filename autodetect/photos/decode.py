"""Bytes -> an upright picture, in colour or small and grey, or the name of the rule that the bytes break.

Which files are sound is Pillow's verdict alone. simplejpeg, which is quicker, serves those JPEGs that it reads without
a warning; it warns of everything that Pillow refuses and of much that Pillow forgives, so a warning means: ask Pillow.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile

from autodetect.photos.formats import damaged_format, unsupported_format

# A photo cut off in transfer must be refused, not shown with a grey half.
ImageFile.LOAD_TRUNCATED_IMAGES = False
# Pillow's own bomb limit warns first and raises later; ours is a setting and is checked before decoding.
Image.MAX_IMAGE_PIXELS = None
# What photo hosts serve. Pillow knows many more, some of which start other programs (EPS) or are seldom exercised.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "BMP", "TIFF")
# A JPEG's blocks of 8x8 pixels can be decoded at these fractions of their side for free; other formats follow suit, so
# that one picture is hashed at one size whatever it was saved as.
SCALES = (8, 4, 2)
JPEGS = frozenset({"JPEG", "MPO"})  # MPO: several JPEGs in one file, as stereo cameras and some phones save them

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class Turn:
    """What brings a stored picture upright, for a Pillow image and for an array (h, w)."""

    of_image: Image.Transpose
    of_array: Callable[[Grey], Grey]


# EXIF orientation -> what brings the picture upright (CIPA DC-008, tag 274). From 5 on, width and height change places.
TURNS = {
    2: Turn(Image.Transpose.FLIP_LEFT_RIGHT, lambda stored: stored[:, ::-1]),
    3: Turn(Image.Transpose.ROTATE_180, lambda stored: stored[::-1, ::-1]),
    4: Turn(Image.Transpose.FLIP_TOP_BOTTOM, lambda stored: stored[::-1]),
    5: Turn(Image.Transpose.TRANSPOSE, lambda stored: stored.T),
    6: Turn(Image.Transpose.ROTATE_270, lambda stored: stored[::-1].T),
    7: Turn(Image.Transpose.TRANSVERSE, lambda stored: stored[::-1, ::-1].T),
    8: Turn(Image.Transpose.ROTATE_90, lambda stored: stored[:, ::-1].T),
}
SIDEWAYS = 5


@dataclass(frozen=True)
class Decoded:
    """An upright RGB image with the format its bytes have, or the rule (`photo.…`) that refused it.

    Attributes:
        image: the picture; None where a rule refused it or only the facts were wanted.
        format: as Pillow names it; empty when unknown.
        width: pixels, upright.
        height: pixels, upright.
        rule: `photo.empty`, `photo.not_an_image`, `photo.format_unsupported`, `photo.too_many_pixels`,
            `photo.truncated`; empty for a sound photo.
        detail: what a person wants to know beside the rule.
    """

    image: Image.Image | None
    format: str = ""
    width: int = 0
    height: int = 0
    rule: str = ""
    detail: str = ""


def decode(data: bytes, *, max_pixels: int) -> Decoded:
    """Decode a photo in full.

    Args:
        data: the bytes as the photo host served them.
        max_pixels: a larger image (a decompression bomb) is refused before it is decoded.

    Returns:
        The image, EXIF orientation applied; or the rule. A bad file costs only itself: nothing is raised.
    """
    opened, facts = _open(data, max_pixels)
    if opened is None:
        return facts
    try:
        rgb = _eight_bits(opened).convert("RGB")
    except Exception as error:  # noqa: BLE001 - on damaged bytes Pillow's decoders raise whatever they stumble over
        return replace(facts, rule="photo.truncated", detail=str(error))
    turn = TURNS.get(_orientation(opened))
    upright = rgb if turn is None else rgb.transpose(turn.of_image)
    return replace(facts, image=upright, width=upright.width, height=upright.height)


def decode_grey(data: bytes, *, max_pixels: int, side: int) -> tuple[Decoded, Grey | None]:
    """Decode a photo small and grey, as hashing wants it: most of a large JPEG's decoding is left out.

    Args:
        data: the bytes as the photo host served them.
        max_pixels: a larger image (a decompression bomb) is refused before it is decoded.
        side: the picture is reduced to an eighth, a quarter or a half, the smallest of them whose longer side has at
            least so many pixels; it may be far longer, for nothing is reduced further.

    Returns:
        What `decode` tells of the photo, without the image, and the upright luma, uint8 (h, w); None under a rule.
    """
    opened, facts = _open(data, max_pixels)
    if opened is None:
        return facts, None
    divisor = next((scale for scale in SCALES if -(-max(opened.size) // scale) >= side), 1)
    try:
        stored = _grey(opened, data, divisor)
    except Exception as error:  # noqa: BLE001 - likewise
        return replace(facts, rule="photo.truncated", detail=str(error)), None
    orientation = _orientation(opened)
    if orientation >= SIDEWAYS:
        facts = replace(facts, width=facts.height, height=facts.width)
    turn = TURNS.get(orientation)
    return facts, stored if turn is None else np.ascontiguousarray(turn.of_array(stored))


def _open(data: bytes, max_pixels: int) -> tuple[Image.Image | None, Decoded]:
    """Read the header: the image, not decoded yet, with its facts; or None and the rule."""
    if not data:
        return None, Decoded(None, rule="photo.empty")
    try:
        opened: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Exception as error:  # noqa: BLE001 - on damaged bytes Pillow's parsers raise whatever they stumble over
        if name := unsupported_format(data):
            return None, Decoded(None, name, rule="photo.format_unsupported", detail=name)
        if name := damaged_format(data):
            return None, Decoded(None, name, rule="photo.truncated", detail="its header does not open")
        return None, Decoded(None, rule="photo.not_an_image", detail=f"{_first_bytes(data)} ({type(error).__name__})")
    width, height = opened.size
    facts = Decoded(None, opened.format or "", width, height)
    if width * height > max_pixels:
        return None, replace(facts, rule="photo.too_many_pixels", detail=f"{width}x{height}")
    return opened, facts


def _grey(opened: Image.Image, data: bytes, divisor: int) -> Grey:
    """Return the stored picture's luma, reduced; raises whatever Pillow raises on damaged bytes."""
    if opened.format in JPEGS:
        quick = _quick_grey(opened, data, divisor)
        if quick is not None:
            return quick
        # The size that makes Pillow choose this divisor; the shorter side may be less than one of its pixels.
        opened.draft("L", (max(1, opened.width // divisor), max(1, opened.height // divisor)))
        return np.asarray(opened.convert("L"))
    grey = _eight_bits(opened).convert("L")
    return np.asarray(grey.reduce(divisor) if divisor > 1 else grey)


def _quick_grey(opened: Image.Image, data: bytes, divisor: int) -> Grey | None:
    """Return a JPEG's luma by simplejpeg; None for what only Pillow can judge: inks, and anything out of order."""
    if opened.mode not in {"L", "RGB"}:
        return None
    height, width = -(-opened.height // divisor), -(-opened.width // divisor)
    try:
        grey: Grey = simplejpeg.decode_jpeg(
            data, "GRAY", min_height=height, min_width=width, min_factor=divisor, strict=True
        )[:, :, 0]
    except ValueError:
        return None
    return grey if grey.shape == (height, width) else None


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return the first frame with at most 8 bits a channel: of 16-bit grey the high byte (Pillow would clip it)."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation; a missing or damaged EXIF block says 1, upright. Ask when the image is loaded."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # noqa: BLE001 - likewise
        return 1
    return orientation if orientation in TURNS else 1


def _first_bytes(data: bytes) -> str:
    return repr(data[:24].decode("latin-1"))
