"""What a photo host sends is kept as it came if it is an image by its bytes, and no larger than is wanted."""

import io
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from crawlers.photo_bytes import refusal_of

MAX_PIXELS = 10_000
KINDS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF")


def encoded(kind: str, width: int = 100, height: int = 100, mode: str = "RGB", **options: Any) -> bytes:
    target = io.BytesIO()
    Image.new(mode, (width, height)).save(target, kind, **options)
    return target.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width: int, height: int) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", b"")


def heic() -> bytes:
    return struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic" + b"\0" * 100


@pytest.mark.parametrize("kind", KINDS)
def test_every_image_format_is_kept_up_to_the_last_pixel(kind: str) -> None:
    assert refusal_of(encoded(kind), max_pixels=MAX_PIXELS) == ""
    assert refusal_of(encoded(kind), max_pixels=MAX_PIXELS - 1) == "too_many_pixels"


@pytest.mark.parametrize(
    "data",
    [
        encoded("JPEG")[:-50],
        encoded("PNG")[:60],
        b"\xff\xd8\xff",
        b"II*\0",
        encoded("GIF", save_all=True, append_images=[Image.new("RGB", (100, 100), "red")]),
        encoded("WEBP", save_all=True, append_images=[Image.new("RGB", (100, 100), "red")]),
        encoded("JPEG", mode="CMYK"),
        encoded("PNG", mode="I;16"),
        encoded("PNG", mode="P", transparency=0),
        encoded("JPEG", exif=b"Exif\0\0" + b"\xff" * 40),
        heic(),
    ],
    ids=["truncated", "cut off", "three bytes", "four bytes", "animated", "animated webp", "cmyk", "16 bits", "palette",
         "damaged exif", "heic"],
)  # fmt: skip
def test_what_only_decoding_can_judge_is_kept(data: bytes) -> None:
    assert refusal_of(data, max_pixels=MAX_PIXELS) == ""


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE html><html><body>404</body></html>",
        b"BMW for sale, one owner, " * 10,
        b"GIF, but not quite",
        b"RIFF\0\0\0\0WAVEfmt ",
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"%PDF-1.7\n",
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0" * 40,
        b'{"errors": []}',
        b"\0" * 1000,
        b"\xff",
        b" " + encoded("PNG"),
    ],
)
def test_what_is_no_image_by_its_bytes_is_refused(data: bytes) -> None:
    assert refusal_of(data, max_pixels=MAX_PIXELS) == "not_an_image"


def test_nothing_is_not_a_photo() -> None:
    assert refusal_of(b"", max_pixels=MAX_PIXELS) == "empty"


@pytest.mark.filterwarnings("error")  # Pillow's own limit would warn
@pytest.mark.parametrize(
    "data",
    [png_header(50_000, 50_000), png_header(2**31 - 1, 2**31 - 1), encoded("PNG", 30_000, 30_000, "1")],
    ids=["fifty thousand", "largest", "whole"],
)
def test_a_bomb_is_known_by_its_header_whatever_pillow_thinks(data: bytes) -> None:
    before = Image.MAX_IMAGE_PIXELS
    assert refusal_of(data, max_pixels=60_000_000) == "too_many_pixels"
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.filterwarnings("error")
def test_a_limit_above_pillows_own_is_obeyed() -> None:
    assert refusal_of(png_header(20_000, 20_000), max_pixels=400_000_000) == ""
    assert refusal_of(png_header(20_000, 20_000), max_pixels=399_999_999) == "too_many_pixels"


def test_pixels_are_not_decoded() -> None:
    data = bytearray(encoded("PNG"))
    at = data.index(b"IDAT") + 4
    data[at : at + 10] = b"\xff" * 10  # nothing can be decompressed from here on
    with pytest.raises(OSError, match=r"."):
        Image.open(io.BytesIO(bytes(data))).load()
    assert refusal_of(bytes(data), max_pixels=MAX_PIXELS) == ""


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow tells of the damage
@settings(deadline=None, max_examples=400)
@given(
    st.sampled_from([encoded(kind, 40, 40) for kind in KINDS] + [heic()]),
    st.lists(st.tuples(st.integers(0, 120), st.integers(0, 255)), max_size=12),
    st.integers(0, 2000),
)
def test_any_bytes_are_judged(data: bytes, hits: list[tuple[int, int]], length: int) -> None:
    damaged = bytearray(data)
    for place, value in hits:
        damaged[min(place, len(damaged) - 1)] = value
    assert refusal_of(bytes(damaged[:length]), max_pixels=MAX_PIXELS) in {
        "", "empty", "not_an_image", "too_many_pixels",
    }  # fmt: skip
