"""What becomes of photos that are used again: re-encoded, cut, framed, stamped, mirrored, tilted; from a seed."""

import io
import math
import random
from collections.abc import Callable
from functools import partial

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

Edit = Callable[[Image.Image, random.Random], Image.Image]

STAMP = "www.cars.example"
USUAL_QUALITIES = (70, 80, 88, 92)


def edits() -> dict[str, Edit]:
    """Return every edit by name; each takes an RGB image and returns another."""
    named: dict[str, Edit] = {f"re-encode, quality {quality}": _same for quality in (50, 70, 90)}
    for scale in (0.5, 0.75, 1.5):
        named[f"resize x {scale}"] = partial(_resized, scale=scale)
    for percent in (2, 4, 6, 8, 10):
        share = percent / 100
        named[f"crop {percent} % a side"] = partial(_cropped, share=share)
        named[f"crop {percent} % a side, off centre"] = partial(_cropped_aside, share=share)
        named[f"crop {2 * percent} % of one side"] = partial(_cropped_on_one_side, share=2 * share)
    for factor in (0.8, 1.2):
        named[f"brightness x {factor}"] = partial(_enhanced, what=ImageEnhance.Brightness, factor=factor)
    for factor in (0.75, 1.3):
        named[f"contrast x {factor}"] = partial(_enhanced, what=ImageEnhance.Contrast, factor=factor)
    for percent in (5, 10):
        for colour in ("white", "black"):
            named[f"{colour} border, {percent} %"] = partial(_framed, share=percent / 100, colour=colour)
        named[f"blurred border, {percent} %"] = partial(_framed_by_blur, share=percent / 100)
    named["strip below, 8 %"] = _strip_below
    named["watermark in a corner"] = partial(_stamped, across=0.45)
    named["watermark across the middle"] = partial(_stamped, across=0.9)
    named["mirror"] = _mirrored
    named["mirror, crop 4 %"] = lambda image, rng: _cropped(_mirrored(image, rng), rng, share=0.04)
    named["mirror, crop 6 % off centre"] = lambda image, rng: _cropped_aside(_mirrored(image, rng), rng, share=0.06)
    for degrees in (1, 2, 3, 5):
        named[f"rotate {degrees} degrees, black corners"] = partial(_turned, degrees=degrees)
        named[f"rotate {degrees} degrees, cut out"] = partial(_turned_and_cut, degrees=degrees)
    named["rotate 3 degrees, whole on white"] = partial(_turned_on_white, degrees=3)
    named["crop 4 %, resize x 0.7, quality 65"] = lambda image, rng: _resized(
        _cropped(image, rng, share=0.04), rng, scale=0.7
    )
    named["crop 4 % off centre, brighter, x 0.8"] = lambda image, rng: _enhanced(
        _resized(_cropped_aside(image, rng, share=0.04), rng, scale=0.8),
        rng,
        what=ImageEnhance.Brightness,
        factor=1.15,
    )
    return named


def turns() -> dict[str, Edit]:
    """Return the edits that are not expected to be found: photos turned by quarters are none of a marketplace's."""
    return {
        "rotate 90 degrees": lambda image, _: image.transpose(Image.Transpose.ROTATE_90),
        "rotate 180 degrees": lambda image, _: image.transpose(Image.Transpose.ROTATE_180),
    }


def saved(image: Image.Image, name: str, rng: random.Random) -> bytes:
    """Return the JPEG of an edited image, in the quality that the edit's name tells, else in a usual one."""
    _, told, quality = name.partition("quality ")
    target = io.BytesIO()
    image.save(target, "JPEG", quality=int(quality) if told else rng.choice(USUAL_QUALITIES))
    return target.getvalue()


def _same(image: Image.Image, _: random.Random) -> Image.Image:
    return image


def _resized(image: Image.Image, _: random.Random, *, scale: float) -> Image.Image:
    return image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)


def _cut(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    width, height = image.size
    box = (round(width * left), round(height * top), width - round(width * right), height - round(height * bottom))
    return image.crop(box)


def _cropped(image: Image.Image, _: random.Random, *, share: float) -> Image.Image:
    return _cut(image, share, share, share, share)


def _cropped_aside(image: Image.Image, rng: random.Random, *, share: float) -> Image.Image:
    """As much is cut as at the centre, but anywhere."""
    left, top = rng.uniform(0, 2 * share), rng.uniform(0, 2 * share)
    return _cut(image, left, top, 2 * share - left, 2 * share - top)


def _cropped_on_one_side(image: Image.Image, rng: random.Random, *, share: float) -> Image.Image:
    left, top, right, bottom = rng.sample([share, 0.0, 0.0, 0.0], 4)
    return _cut(image, left, top, right, bottom)


def _enhanced(
    image: Image.Image,
    _: random.Random,
    *,
    what: type[ImageEnhance.Brightness] | type[ImageEnhance.Contrast],
    factor: float,
) -> Image.Image:
    return what(image).enhance(factor)


def _framed(image: Image.Image, _: random.Random, *, share: float, colour: str) -> Image.Image:
    return ImageOps.expand(image, round(share * min(image.size)), colour)


def _framed_by_blur(image: Image.Image, _: random.Random, *, share: float) -> Image.Image:
    """The picture on a larger, blurred one of itself, as social media frame it."""
    border = round(share * min(image.size))
    larger = image.resize((image.width + 2 * border, image.height + 2 * border), Image.Resampling.BICUBIC)
    framed = larger.filter(ImageFilter.GaussianBlur(min(image.size) / 25))
    framed.paste(image, (border, border))
    return framed


def _strip_below(image: Image.Image, _: random.Random) -> Image.Image:
    whole = Image.new("RGB", (image.width, round(image.height * 1.08)), "white")
    whole.paste(image)
    return whole


def _stamped(image: Image.Image, rng: random.Random, *, across: float) -> Image.Image:
    """A half-transparent word over a part of the width: across the middle, or in a corner if it is less than half."""
    width, height = image.size
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    size = max(8.0, 10 * across * width / draw.textlength(STAMP, ImageFont.load_default(10)))
    font = ImageFont.load_default(size)
    left, top, right, bottom = (round(edge) for edge in draw.textbbox((0, 0), STAMP, font=font))
    room = width - (right - left), height - (bottom - top)
    x, y = (
        (room[0] // 2, room[1] // 2) if across > 0.5 else (rng.choice([4, room[0] - 4]), rng.choice([4, room[1] - 4]))
    )
    place = (x - left, y - top)
    draw.text(place, STAMP, font=font, fill=(255, 255, 255, 170), stroke_width=1, stroke_fill=(0, 0, 0, 120))
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def _mirrored(image: Image.Image, _: random.Random) -> Image.Image:
    return ImageOps.mirror(image)


def _turned(image: Image.Image, rng: random.Random, *, degrees: float) -> Image.Image:
    return image.rotate(rng.choice([-degrees, degrees]), Image.Resampling.BICUBIC, fillcolor=(0, 0, 0))


def _turned_on_white(image: Image.Image, rng: random.Random, *, degrees: float) -> Image.Image:
    angle = rng.choice([-degrees, degrees])
    return image.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=(255, 255, 255))


def _turned_and_cut(image: Image.Image, rng: random.Random, *, degrees: float) -> Image.Image:
    """Turned, and cut to the largest picture of the same shape that has no corner in it."""
    width, height = image.size
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    kept = min(width / (width * cosine + height * sine), height / (width * sine + height * cosine))
    away = (1 - kept) / 2
    turned = image.rotate(rng.choice([-degrees, degrees]), Image.Resampling.BICUBIC)
    return turned.crop(
        (math.ceil(width * away), math.ceil(height * away), int(width * (1 - away)), int(height * (1 - away)))
    )
