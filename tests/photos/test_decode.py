"""Decoding: a sound photo comes back upright in RGB, a bad file costs only itself and names its rule."""

import io
import struct
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from autodetect.photos.decode import FORMATS, Decoded, decode, decode_grey

MAX_PIXELS = 1_100_000
RULES = {
    "",
    "photo.empty",
    "photo.not_an_image",
    "photo.format_unsupported",
    "photo.too_many_pixels",
    "photo.truncated",
}
HTML = b"<!DOCTYPE html>\n<html><head><title>503</title></head><body>Service Unavailable</body></html>"


def gradient(width: int = 96, height: int = 64) -> Image.Image:
    """Red rises to the right, green downwards: every orientation looks different."""
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([across, down, 0 * across], axis=-1).astype(np.uint8))


def textured(width: int, height: int) -> Image.Image:
    """The gradient with patches of every size: most coefficients of a JPEG's blocks are in use."""
    rng = np.random.default_rng(0)
    patches = sum(
        np.asarray(Image.fromarray(rng.integers(0, 60, (n, n), dtype=np.uint8)).resize((width, height)), dtype=int)
        for n in (3, 16, 80)
    )
    return Image.fromarray(((np.asarray(gradient(width, height)) // 3) + patches[..., None]).astype(np.uint8))


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def read(data: bytes) -> Decoded:
    return decode(data, max_pixels=MAX_PIXELS)


def pixels(decoded: Decoded) -> np.ndarray:
    assert decoded.image is not None, decoded.rule
    assert decoded.image.mode == "RGB"
    return np.asarray(decoded.image).astype(int)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_comes_back_as_the_picture_it_holds(kind: str) -> None:
    decoded = read(encoded(gradient(), kind))
    assert (decoded.format, decoded.width, decoded.height, decoded.rule) == (kind, 96, 64, "")
    assert np.abs(pixels(decoded) - np.asarray(gradient()).astype(int)).mean() < 12  # GIF has 256 colours


SOUND = {kind: encoded(gradient(), kind) for kind in FORMATS} | {
    "progressive": encoded(gradient(), "JPEG", progressive=True)
}


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "photo.empty"),
        (HTML, "photo.not_an_image"),
        (b"\0" * 1000, "photo.not_an_image"),
        (b"\xff\xd8\xff", "photo.truncated"),
        (SOUND["JPEG"][:-200], "photo.truncated"),
        (SOUND["progressive"][: len(SOUND["progressive"]) // 2], "photo.truncated"),
        (SOUND["PNG"][: len(SOUND["PNG"]) // 2], "photo.truncated"),
        (encoded(Image.new("L", (1100, 1001))), "photo.too_many_pixels"),
        (encoded(Image.new("1", (40_000, 40_000))), "photo.too_many_pixels"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n", "photo.not_an_image"),
    ],
    ids=["empty", "html", "zeros", "marker", "jpeg", "progressive", "png", "pixels", "bomb", "eps"],
)
def test_a_damaged_file_names_the_rule_it_breaks(data: bytes, rule: str) -> None:
    decoded = read(data)
    assert (decoded.image, decoded.rule) == (None, rule)


def test_a_single_pixel_is_readable_and_judged_by_its_size() -> None:
    decoded = read(encoded(Image.new("RGB", (1, 1), "red"), "JPEG"))
    assert (decoded.width, decoded.height, decoded.rule) == (1, 1, "")


def test_the_limit_counts_pixels_and_includes_the_last() -> None:
    assert read(encoded(Image.new("L", (1100, 1000)))).rule == ""


def test_the_reason_shows_how_the_file_begins() -> None:
    assert "<!DOCTYPE html>" in read(HTML).detail


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF", "TIFF", "MPO"])
def test_an_animation_or_a_stack_shows_its_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (70, 70), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    assert np.abs(pixels(read(data))[35, 35] - [255, 0, 0]).max() <= 2


def test_four_ink_colours_become_three_light_ones() -> None:
    decoded = read(encoded(gradient().convert("CMYK"), "JPEG", quality=95))
    assert np.abs(pixels(decoded) - np.asarray(gradient()).astype(int)).mean() < 6


@pytest.mark.filterwarnings("ignore:Palette images")  # Pillow would rather have made them RGBA
def test_a_palette_with_transparent_colours_keeps_its_colours() -> None:
    image = gradient().quantize(16)
    wanted = np.asarray(image.convert("RGB")).astype(int)
    for transparency in (0, bytes(range(0, 160, 10))):
        assert (pixels(read(encoded(image, "PNG", transparency=transparency))) == wanted).all()
    assert (pixels(read(encoded(image, "GIF", transparency=0))) == wanted).all()


def test_sixteen_bits_of_colour_keep_their_high_byte() -> None:
    high = np.asarray(gradient(8, 4)).astype(np.uint16)
    rows = b"".join(b"\0" + row.tobytes() for row in (high * 256 + 255).astype(">u2"))
    header = struct.pack(">IIBBBBB", 8, 4, 16, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
    assert (pixels(read(data)) == high).all()


def test_a_small_frame_on_a_vast_canvas_is_refused_by_the_canvas() -> None:
    frame = encoded(Image.new("RGB", (16, 16), "red"), "WEBP")[12:]
    box = bytes(6) + (15).to_bytes(3, "little") * 2 + bytes(4) + frame
    side = (16_382).to_bytes(3, "little")
    chunks = ((b"VP8X", b"\x02\0\0\0" + side + side), (b"ANIM", bytes(6)), (b"ANMF", box))
    body = b"WEBP" + b"".join(kind + struct.pack("<I", len(part)) + part for kind, part in chunks)
    decoded = read(b"RIFF" + struct.pack("<I", len(body)) + body)
    assert (decoded.image, decoded.rule, decoded.detail) == (None, "photo.too_many_pixels", "16383x16383")


def test_sixteen_bits_of_grey_keep_their_shades() -> None:
    shades = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    for kind in ("PNG", "TIFF"):
        found = pixels(read(encoded(Image.fromarray(shades), kind)))[..., 0]
        assert np.abs(found - shades / 257).max() <= 1


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    image = (
        Image.new("RGB", (64, 64), "white").convert("L").convert(mode) if mode != "I;16" else Image.new(mode, (64, 64))
    )
    assert pixels(read(encoded(image))).shape == (64, 64, 3)


def small(data: bytes, side: int = 32) -> tuple[Decoded, np.ndarray | None]:
    return decode_grey(data, max_pixels=MAX_PIXELS, side=side)


def luma(data: bytes, side: int = 32) -> np.ndarray:
    facts, grey = small(data, side)
    assert grey is not None, facts.rule
    assert grey.dtype == np.uint8
    return grey.astype(int)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(("size", "shape"), [((512, 400), (50, 64)), ((250, 127), (64, 125)), ((90, 63), (63, 90))])
def test_a_small_grey_picture_shows_what_the_full_one_shows(
    kind: str, size: tuple[int, int], shape: tuple[int, int]
) -> None:
    data = encoded(gradient(*size), kind)
    facts, _ = small(data, side=64)
    assert facts == Decoded(None, kind, *size)
    grey = luma(data, side=64)
    assert grey.shape == shape
    wanted = np.asarray(gradient(*size).convert("L").resize(shape[::-1], Image.Resampling.BOX)).astype(int)
    assert np.abs(grey - wanted).mean() < 6


@pytest.mark.parametrize("size", [(255, 200), (256, 200), (257, 9), (1000, 77), (1024, 1024), (9, 1030)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_longer_side_keeps_as_many_pixels_as_asked_for(size: tuple[int, int], kind: str) -> None:
    for side in (16, 32, 128):
        longer = max(luma(encoded(gradient(*size), kind), side).shape)
        assert longer >= min(side, max(size))
        assert longer < 2 * side or longer == -(-max(size) // 8)


JPEG_KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("RGB", {}),
    "progressive": ("RGB", {"progressive": True}),
    "grey": ("L", {}),
    "grey progressive": ("L", {"progressive": True}),
    "inks": ("CMYK", {}),
    "restart markers": ("RGB", {"restart_marker_blocks": 3}),
    "4:4:4": ("RGB", {"subsampling": 0}),
    "4:2:2": ("RGB", {"subsampling": 1}),
    "red, green and blue": ("RGB", {"keep_rgb": True}),
    "rough": ("RGB", {"quality": 20}),
}


def jpeg(kind: str, size: tuple[int, int] = (301, 203)) -> bytes:
    mode, options = JPEG_KINDS[kind]
    return encoded(textured(*size).convert(mode), "JPEG", **options)


@pytest.mark.parametrize("kind", JPEG_KINDS)
def test_the_quick_decoder_and_pillow_see_the_same_pixels(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = jpeg(kind)
    quick = [luma(data, side) for side in (32, 64, 128, 256)]

    def refuse(*arguments: Any, **options: Any) -> None:
        raise ValueError("Premature end of JPEG file")

    monkeypatch.setattr(simplejpeg, "decode_jpeg", refuse)
    for side, found in zip((32, 64, 128, 256), quick, strict=True):
        assert (luma(data, side) == found).all()


@pytest.mark.parametrize("kind", JPEG_KINDS)
def test_a_cut_jpeg_is_never_taken_for_a_whole_one(kind: str) -> None:
    data = jpeg(kind, (64, 48))
    for length in [*range(1, len(data) - 80, 37), *range(len(data) - 80, len(data))]:
        rule = small(data[:length])[0].rule
        assert rule == read(data[:length]).rule
        wanted = "photo.truncated" if length > 2 else "photo.not_an_image"
        # The last two bytes, the end marker, are not always missed: all pixels are there.
        assert rule == wanted or length >= len(data) - 2


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", JPEG_KINDS)
def test_what_pillow_forgives_is_not_refused(kind: str) -> None:
    data = jpeg(kind)
    rng = np.random.default_rng(0)
    forgiven = 0
    for _ in range(60):
        hit = bytearray(data)
        for place in rng.integers(len(data) // 2, len(data) - 2, 3):
            hit[place] = rng.integers(256)
        facts, grey = small(bytes(hit))
        assert facts == replace(read(bytes(hit)), image=None)
        forgiven += grey is not None
    assert forgiven


def test_bytes_after_the_end_and_between_segments_do_not_matter() -> None:
    data = jpeg("plain")
    wanted = luma(data)
    assert (luma(data + b"<!-- served by a proxy -->" * 9) == wanted).all()
    assert (luma(data[:2] + b"\xff\xfe\x00\x0bhi there." + data[2:]) == wanted).all()


# Where the picture's first row and first column lie in the file, by EXIF orientation (CIPA DC-008, table of tag 274).
SHOWN_FROM = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: stored[::-1].swapaxes(0, 1),
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: lambda stored: stored[:, ::-1].swapaxes(0, 1),
}


@pytest.mark.parametrize("orientation", SHOWN_FROM)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_turned_photo_is_shown_upright(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    wanted = SHOWN_FROM[orientation](np.asarray(gradient()).astype(int))
    decoded = read(encoded(gradient(), kind, exif=exif))
    assert (decoded.height, decoded.width) == wanted.shape[:2]
    assert np.abs(pixels(decoded) - wanted).mean() < 4


@pytest.mark.parametrize("orientation", SHOWN_FROM)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_turned_photo_is_hashed_upright(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = textured(200, 120)
    data = encoded(stored, kind, exif=exif)
    full = read(data)
    facts, _ = small(data, side=100)
    assert facts == replace(full, image=None)
    wanted = SHOWN_FROM[orientation](np.asarray(stored.convert("L").reduce(2)).astype(int))
    assert luma(data, side=100).shape == wanted.shape
    assert np.abs(luma(data, side=100) - wanted).mean() < 6


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_impossible_orientation_turns_nothing(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert (pixels(read(encoded(gradient(), exif=exif))) == np.asarray(gradient())).all()


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow tells of the damage
@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", b"Exif\0\0" + b"\xff" * 40])
def test_damaged_camera_notes_do_not_cost_the_photo(exif: bytes) -> None:
    assert read(encoded(gradient(), "JPEG", exif=exif)).rule == ""


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(deadline=None, max_examples=400)
@given(
    st.sampled_from(sorted(SOUND)),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=12),
    st.floats(0, 1),
    st.booleans(),
)
def test_no_damage_raises(kind: str, hits: list[tuple[float, int]], length: float, head: bool) -> None:
    data = bytearray(SOUND[kind])
    for place, value in hits:
        data[int(place * (min(len(data), 200) if head else len(data)))] = value
    decoded = read(bytes(data[: round(len(data) * length)] if length < 0.5 else data))
    assert (decoded.image is None) == bool(decoded.rule)
    assert decoded.rule in RULES
    assert decoded.width * decoded.height <= MAX_PIXELS or decoded.rule == "photo.too_many_pixels"
    facts, grey = small(bytes(data[: round(len(data) * length)] if length < 0.5 else data))
    assert facts == replace(decoded, image=None)
    assert (grey is None) == bool(decoded.rule)
