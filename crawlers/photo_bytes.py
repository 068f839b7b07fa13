"""Whether a photo host's answer is worth keeping as a photo: by its bytes, without decoding them.

What is kept stays as it came: truncated, animated, turned or with four inks. Curation decodes and judges the picture.
"""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from PIL import Image

log = logging.getLogger(__name__)
_LIMIT = Lock()  # held while Pillow's limit is off

MARKS = {
    "JPEG": (b"\xff\xd8\xff",),
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
}
# What the ISO media containers of AVIF and HEIC call themselves (their `ftyp` box, right at the beginning).
AVIF_BRANDS = frozenset({b"avif", b"avis"})
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
BMP_HEADER_BYTES = frozenset({12, 40, 52, 56, 64, 108, 124})


def refusal_of(data: bytes, *, max_pixels: int) -> str:
    """Judge the bytes of a photo.

    Args:
        data: the bytes as the photo host served them.
        max_pixels: width times height, as the header says, that is still kept.

    Returns:
        An empty string for bytes worth keeping, else the rule they break: `empty`, `not_an_image`, `too_many_pixels`.
        A photo whose header is damaged, or of a kind that cannot be read here (HEIC), tells no size and is kept.
    """
    if not data:
        return "empty"
    kind = image_format(data)
    if not kind:
        return "not_an_image"
    width, height = _size(data, kind)
    return "too_many_pixels" if width * height > max_pixels else ""


def image_format(data: bytes) -> str:
    """Return the image format that the first bytes are of, in Pillow's spelling, or an empty string."""
    for kind, marks in MARKS.items():
        if data.startswith(marks):
            return kind
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in BMP_HEADER_BYTES:
        return "BMP"  # two letters alone could begin any text
    return _iso_media_format(data)


def _iso_media_format(data: bytes) -> str:
    if data[4:8] != b"ftyp":
        return ""
    box = data[8 : max(min(int.from_bytes(data[:4], "big"), 256), 12)]
    brands = {box[:4], *(box[place : place + 4] for place in range(8, len(box), 4))}
    if brands & AVIF_BRANDS:
        return "AVIF"
    return "HEIC" if brands & HEIC_BRANDS else ""


def _size(data: bytes, kind: str) -> tuple[int, int]:
    """Return width and height in pixels as the header says, (0, 0) where it cannot be read. Nothing is decoded."""
    if kind == "HEIC":
        return 0, 0
    try:
        with _without_pillows_limit(), Image.open(io.BytesIO(data), formats=(kind,)) as opened:
            return opened.size
    except Exception as error:  # noqa: BLE001 - on damaged bytes Pillow's parsers raise whatever they stumble over
        log.debug("a %s photo of %d bytes tells no size: %r", kind, len(data), error)
        return 0, 0


@contextmanager
def _without_pillows_limit() -> Iterator[None]:
    """Turn off Pillow's own bomb limit, one of the process, which would warn or raise before ours is asked."""
    with _LIMIT:
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before
