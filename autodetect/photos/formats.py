"""What bytes that no decoder took begin as: a format that is not read here, or one that is, damaged."""

from collections.abc import Mapping

from PIL import features

# ISO base media files (ISO/IEC 14496-12): a box `ftyp` with a major brand and compatible ones.
BRANDS = {
    "HEIC": frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}),
    "AVIF": frozenset({b"avif", b"avis"}),
    "HEIF": frozenset({b"mif1", b"mif2", b"msf1"}),
}
UNREAD = {
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL \r\n\x87\n": "JPEG XL",
    b"\0\0\0\x0cjP  \r\n\x87\n": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"8BPS": "Photoshop",
    b"%PDF-": "PDF",
    b"\0\0\x01\0": "icon",
}
READ = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
# A JPEG's frame header (ITU-T T.81, B.2.2): SOF0 to SOF15 without DHT, JPG and DAC, which share the numbers.
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
DEEP = frozenset({12, 16})  # bits per sample that the standard knows beside 8; any other number is damage
STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length


def unsupported_format(data: bytes) -> str:
    """Return the name of the format that bytes begin as if it is not read, e.g. `HEIC`; empty for any other bytes.

    A format that is read appears here only by a variety that is not: `JPEG, 12 bits`.
    """
    if data[4:8] == b"ftyp":
        name = _media_file(data)
        return "" if name == "AVIF" and features.check("avif") else name
    if data.startswith(b"\xff\xd8"):
        bits = _jpeg_bits(data)
        return f"JPEG, {bits} bits" if bits in DEEP else ""
    return _named(UNREAD, data)


def damaged_format(data: bytes) -> str:
    """Return the name of the format that bytes begin as if it is one that is read; empty for any other bytes."""
    if data[4:8] == b"ftyp":
        return _media_file(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return _named(READ, data)


def _named(beginnings: Mapping[bytes, str], data: bytes) -> str:
    return next((name for beginning, name in beginnings.items() if data.startswith(beginning)), "")


def _media_file(data: bytes) -> str:
    """Return the format that an ISO media file's brands name; the major brand (the first) may be a general one."""
    box = data[8 : max(12, min(int.from_bytes(data[:4], "big"), 256))]
    brands = {box[:4], *(box[i : i + 4] for i in range(8, len(box), 4))}  # after the major brand: its version
    return next((name for name, known in BRANDS.items() if brands & known), "")


def _jpeg_bits(data: bytes) -> int:
    """Return the bits per sample that a JPEG's frame header tells; 0 without one."""
    place = 2
    while place + 5 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker in FRAMES:
            return data[place + 4]
        step = 1 if marker == 0xFF else 2  # fill bytes may precede a marker
        if marker != 0xFF and marker not in STANDALONE:
            step += max(2, int.from_bytes(data[place + 2 : place + 4], "big"))
        place += step
    return 0
