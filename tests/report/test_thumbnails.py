"""Small copies: upright, without what the photo's file says about its owner, and never a crash on a damaged file."""

import random

import pytest
from PIL import Image

from autodetect.report.thumbnails import thumbnail


def test_a_photo_is_shown_upright_and_without_its_metadata(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side
    exif[0x010E] = "home address"
    Image.new("RGB", (800, 400), "red").save(tmp_path / "p.jpg", exif=exif, comment=b"home address")
    assert thumbnail(tmp_path / "p.jpg", tmp_path / "t.jpg")
    with Image.open(tmp_path / "t.jpg") as small:
        assert small.size == (100, 200)
        assert not small.getexif()
    assert b"home address" not in (tmp_path / "t.jpg").read_bytes()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_pixel_becomes_a_jpeg(tmp_path, mode):
    name = "p.tiff" if mode == "CMYK" else "p.png"
    Image.new(mode, (300, 300)).save(tmp_path / name)
    assert thumbnail(tmp_path / name, tmp_path / "t.jpg")
    with Image.open(tmp_path / "t.jpg") as small:
        assert (small.format, small.mode, small.size) == ("JPEG", "RGB", (200, 200))


def test_a_picture_too_large_to_decode_is_not_shown(tmp_path):
    Image.new("1", (20_000, 20_000)).save(tmp_path / "p.png")
    assert not thumbnail(tmp_path / "p.png", tmp_path / "t.jpg")


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n" + b"\0" * 50])
def test_what_is_no_picture_is_not_shown(tmp_path, content):
    (tmp_path / "p").write_bytes(content)
    assert not thumbnail(tmp_path / "p", tmp_path / "t.jpg")
    assert not thumbnail(tmp_path, tmp_path / "t.jpg")
    assert not (tmp_path / "t.jpg").exists()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"])
def test_damage_never_stops_the_report(tmp_path, form):
    Image.effect_noise((90, 70), 80).convert("RGB").save(tmp_path / "p", form)
    sound = (tmp_path / "p").read_bytes()
    noise = random.Random(form)
    answers = set()
    for _ in range(120):
        content = bytearray(sound[: noise.randrange(1, len(sound) + 1)])
        for _ in range(noise.randrange(12)):
            content[noise.randrange(min(len(content), 300))] = noise.randrange(256)
        (tmp_path / "p").write_bytes(content)
        answers.add(thumbnail(tmp_path / "p", tmp_path / "t.jpg"))
    assert False in answers
