"""What happens to photos on their way to a marketplace: copies that were edited a little, files that are no photo."""

import io

from PIL import Image, ImageEnhance, ImageOps

from crawlers.sandbox.painting.scene import to_jpeg

COPY_KINDS: tuple[str, ...] = ("identical", "reencoded", "resized", "cropped", "brightened", "mirrored", "bordered")
BROKEN_KINDS: tuple[str, ...] = ("truncated", "html", "empty", "pixel")
CROP_SHARE = 0.02  # of each side
_ERROR_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>503</title></head><body><h1>Service Unavailable</h1></body></html>\n"
)


def copied(photo: bytes, kind: str) -> bytes:
    """The photo as somebody uploads it again; `kind` is one of `COPY_KINDS`."""
    if kind == "identical":
        return photo
    image = Image.open(io.BytesIO(photo)).convert("RGB")
    width, height = image.size
    if kind == "resized":
        image = image.resize((round(width * 0.8), round(height * 0.8)), Image.Resampling.LANCZOS)
    elif kind == "cropped":
        dx, dy = round(width * CROP_SHARE), round(height * CROP_SHARE)
        image = image.crop((dx, dy, width - dx, height - dy))
    elif kind == "brightened":
        image = ImageEnhance.Brightness(image).enhance(1.15)
    elif kind == "mirrored":
        image = ImageOps.mirror(image)
    elif kind == "bordered":
        image = ImageOps.expand(image, border=max(4, round(height * 0.04)), fill="white")
    return to_jpeg(image, 70 if kind == "reencoded" else 88)


def broken(photo: bytes, kind: str) -> bytes:
    """What the photo host delivers instead of the photo; `kind` is one of `BROKEN_KINDS`."""
    if kind == "truncated":
        return photo[: len(photo) // 3]
    if kind == "pixel":
        return to_jpeg(Image.new("RGB", (1, 1), (128, 128, 128)), 80)
    return _ERROR_PAGE if kind == "html" else b""
