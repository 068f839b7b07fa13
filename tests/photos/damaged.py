"""Files as photo hosts serve them on a bad day, and sound ones of every kind, with the rule that each should meet."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

HTML = b"<!DOCTYPE html>\n<html><head><title>503</title></head><body>Service Unavailable</body></html>"


def photo(width: int = 160, height: int = 120) -> Image.Image:
    """A picture with detail of every size, so that its JPEG has many bytes to lose."""
    rng = np.random.default_rng(width * height)
    layers = [
        np.asarray(
            Image.fromarray(rng.integers(0, 85, (n, n, 3), dtype=np.uint8)).resize((width, height)), dtype=np.uint8
        )
        for n in (2, 9, 70)
    ]
    return Image.fromarray(layers[0] + layers[1] + layers[2])


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def png(width: int, height: int, *, bits: int, colour: int, rows: bytes) -> bytes:
    """A PNG written by hand: `rows` are the unfiltered scan lines, each after a zero byte."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, body) for kind, body in parts)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def media_file(major: bytes, *compatible: bytes) -> bytes:
    """The head of an ISO base media file, as HEIC and AVIF have it, and a `meta` box with nothing in it."""
    brands = major + b"\0\0\0\0" + b"".join(compatible)
    boxes = ((b"ftyp", brands), (b"meta", bytes(40)), (b"mdat", bytes(4000)))
    return b"".join(struct.pack(">I", 8 + len(body)) + kind + body for kind, body in boxes)


def frame_header(data: bytes) -> int:
    """Where a baseline JPEG's frame header tells bits per sample; height and width follow (2 bytes each)."""
    return data.index(b"\xff\xc0") + 4


def vast_jpeg(side: int) -> bytes:
    """A small JPEG that says it is a vast one."""
    data = bytearray(saved(photo(), "JPEG"))
    place = frame_header(bytes(data)) + 1
    data[place : place + 4] = struct.pack(">HH", side, side)
    return bytes(data)


def deep_jpeg() -> bytes:
    data = bytearray(saved(photo(), "JPEG"))
    data[frame_header(bytes(data))] = 12
    return bytes(data)


def vast_png(side: int) -> bytes:
    """A decompression bomb that would really open: one bit per pixel, all zeros, 50 kB for 50 MB."""
    return png(side, side, bits=1, colour=0, rows=bytes(side * (side // 8 + 1)))


def sixteen_bits(colour: int) -> bytes:
    """A 16-bit PNG of 80x64, grey (0) or RGB (2)."""
    samples = {0: 1, 2: 3}[colour]
    rows = np.random.default_rng(0).integers(0, 65_536, (64, 80 * samples), dtype=np.uint16).astype(">u2")
    return png(80, 64, bits=16, colour=colour, rows=b"".join(b"\0" + row.tobytes() for row in rows))


def corrupt_chunk() -> bytes:
    """A PNG with one damaged byte in the middle of its pixels: the chunk's checksum no longer fits."""
    data = bytearray(saved(photo(), "PNG"))
    data[len(data) // 2] ^= 0xFF
    return bytes(data)


def animated(kind: str) -> bytes:
    frames = [photo(), Image.new("RGB", (160, 120), "red")]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)


def turned(orientation: int, kind: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(photo(), kind, exif=exif)


def cases(limit: int) -> dict[str, tuple[bytes, str, str]]:
    """Name -> bytes, the rule they should meet ('' for a sound photo), the format to be told; `limit`: max_pixels."""
    jpeg = saved(photo(), "JPEG")
    progressive = saved(photo(), "JPEG", progressive=True)
    side = 20_000
    assert side * side > limit
    refused = {
        "empty": (b"", "photo.empty", ""),
        "error page": (HTML, "photo.not_an_image", ""),
        "error page of nothing but blanks": (b" \n" * 400, "photo.not_an_image", ""),
        "json": (b'{"errors": [{"errorId": 11001}]}', "photo.not_an_image", ""),
        "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "photo.not_an_image", ""),
        "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "photo.not_an_image", ""),
        "heic": (media_file(b"heic", b"mif1", b"heic"), "photo.format_unsupported", "HEIC"),
        "heic, general brand first": (media_file(b"mif1", b"mif1", b"heic"), "photo.format_unsupported", "HEIC"),
        "heif": (media_file(b"mif1", b"mif1"), "photo.format_unsupported", "HEIF"),
        "heic, brand list cut": (media_file(b"heic", b"mif1")[:14], "photo.format_unsupported", "HEIC"),
        "film": (media_file(b"isom", b"mp41"), "photo.not_an_image", ""),
        "avif without pictures": (media_file(b"avif", b"mif1"), "photo.truncated", "AVIF"),
        "jpeg xl": (b"\xff\x0a" + bytes(100), "photo.format_unsupported", "JPEG XL"),
        "jpeg of 12 bits": (deep_jpeg(), "photo.format_unsupported", "JPEG, 12 bits"),
        "pdf": (b"%PDF-1.7\n" + bytes(100), "photo.format_unsupported", "PDF"),
        "png bomb": (vast_png(side), "photo.too_many_pixels", "PNG"),
        "jpeg bomb": (vast_jpeg(side), "photo.too_many_pixels", "JPEG"),
        "jpeg, cut in its header": (jpeg[:100], "photo.truncated", "JPEG"),
        "corrupt chunk": (corrupt_chunk(), "photo.truncated", "PNG"),
        "sixteen bits, cut": (sixteen_bits(2)[:-4000], "photo.truncated", "PNG"),
        "cmyk, cut": (saved(photo().convert("CMYK"), "JPEG")[:-500], "photo.truncated", "JPEG"),
    }
    cut = {
        f"{name}, {share:.0%} of it": (data[: int(len(data) * share)], "photo.truncated", name.upper())
        for name, data in (
            ("jpeg", jpeg),
            ("png", saved(photo(), "PNG")),
            ("webp", saved(photo(), "WEBP")),
            ("avif", saved(photo(), "AVIF")),
            ("bmp", saved(photo(), "BMP")),
            ("gif", saved(photo(), "GIF")),
            ("tiff", saved(photo(), "TIFF", compression="tiff_lzw")),
        )
        for share in (0.5, 0.9, 0.99)
    }
    cut |= {
        f"progressive, {share:.0%} of it": (progressive[: int(len(progressive) * share)], "photo.truncated", "JPEG")
        for share in (0.3, 0.5, 0.7, 0.9, 0.99)
    }
    sound = {
        "jpeg": (jpeg, "", "JPEG"),
        "progressive": (progressive, "", "JPEG"),
        "jpeg with a tail": (jpeg + HTML, "", "JPEG"),
        "grey jpeg": (saved(photo().convert("L"), "JPEG"), "", "JPEG"),
        "cmyk jpeg": (saved(photo().convert("CMYK"), "JPEG"), "", "JPEG"),
        "restart markers": (saved(photo(), "JPEG", restart_marker_rows=1), "", "JPEG"),
        "stack of jpegs": (animated("MPO"), "", "MPO"),
        "one pixel": (saved(Image.new("RGB", (1, 1)), "PNG"), "", "PNG"),
        "one pixel jpeg": (saved(Image.new("RGB", (1, 1)), "JPEG"), "", "JPEG"),
        "one row": (saved(photo(4000, 1), "JPEG"), "", "JPEG"),
        "png": (saved(photo(), "PNG"), "", "PNG"),
        "png with alpha": (saved(photo().convert("RGBA"), "PNG"), "", "PNG"),
        "png, grey with alpha": (saved(photo().convert("LA"), "PNG"), "", "PNG"),
        "png with palette": (saved(photo().quantize(64), "PNG"), "", "PNG"),
        "png of black and white": (saved(photo().convert("1"), "PNG"), "", "PNG"),
        "png of 16 bits, grey": (sixteen_bits(0), "", "PNG"),
        "png of 16 bits, rgb": (sixteen_bits(2), "", "PNG"),
        "gif": (saved(photo(), "GIF"), "", "GIF"),
        "animated gif": (animated("GIF"), "", "GIF"),
        "webp": (saved(photo(), "WEBP"), "", "WEBP"),
        "animated webp": (animated("WEBP"), "", "WEBP"),
        "avif": (saved(photo(), "AVIF"), "", "AVIF"),
        "tiff": (saved(photo(), "TIFF"), "", "TIFF"),
        "tiff, packed": (saved(photo(), "TIFF", compression="tiff_lzw"), "", "TIFF"),
        "bmp": (saved(photo(), "BMP"), "", "BMP"),
        **{f"turned {i}": (turned(i), "", "JPEG") for i in range(1, 9)},
        **{f"tiff turned {i}": (turned(i, "TIFF"), "", "TIFF") for i in range(1, 9)},
    }
    return refused | cut | sound
