"""The places where cars are photographed: sky or wall above the horizon, ground below it, and what stands there."""

import random

import numpy as np
from PIL import Image, ImageDraw

from crawlers.sandbox.painting.canvas import Colour, shade

# The colours above and below the horizon of each place.
PLACES: dict[str, tuple[Colour, Colour]] = {
    "street": ((172, 190, 210), (104, 104, 106)),
    "lot": ((150, 186, 226), (120, 120, 122)),
    "garage": ((196, 192, 184), (142, 140, 138)),
    "grass": ((140, 180, 228), (96, 132, 66)),
    "sky": ((110, 160, 222), (176, 164, 140)),
    "showroom": ((226, 228, 230), (190, 190, 192)),
}


def _gradient(width: int, height: int, top: Colour, bottom: Colour) -> Image.Image:
    """A vertical blend of two colours."""
    blend = np.linspace(np.array(top, float), np.array(bottom, float), max(height, 1))
    return Image.fromarray(blend.astype(np.uint8)[:, None, :].repeat(width, axis=1))


def backdrop(place: str, width: int, height: int, horizon: float, rng: random.Random) -> Image.Image:
    """Sky or wall above the horizon, ground below it, and what stands there."""
    line = int(max(0.12 * height, min(0.75 * height, horizon)))
    light = rng.uniform(0.8, 1.1)
    above, below = PLACES[place]
    image = Image.new("RGB", (width, height))
    image.paste(_gradient(width, line, shade(above, light), shade(above, light * 1.12)), (0, 0))
    image.paste(_gradient(width, height - line, shade(below, light * 0.82), shade(below, light * 1.05)), (0, line))
    draw = ImageDraw.Draw(image)
    if place in ("street", "lot"):
        _buildings(draw, width, line, rng)
    if place in ("grass", "sky", "lot"):
        _trees(draw, width, line, rng, count=rng.randint(2, 9))
    if place == "garage":
        _garage_door(draw, width, line, rng)
    if place in ("lot", "street"):
        _markings(draw, width, height, line, rng)
    if place in ("lot", "street") and rng.random() < 0.4:
        _parked_car(draw, width, line, rng)
    return image


def _buildings(draw: ImageDraw.ImageDraw, width: int, line: int, rng: random.Random) -> None:
    """A row of houses with windows."""
    x = -rng.randint(0, 60)
    while x < width:
        wide, tall = rng.randint(width // 8, width // 3), int(line * rng.uniform(0.35, 1.1))
        colour = rng.choice(((150, 120, 104), (178, 172, 160), (130, 134, 140), (196, 186, 160), (110, 96, 92)))
        draw.rectangle((x, line - tall, x + wide, line), fill=colour)
        for wx in range(x + 12, x + wide - 20, 44):
            for wy in range(line - tall + 14, line - 24, 48):
                draw.rectangle((wx, wy, wx + 20, wy + 26), fill=shade(colour, 0.62))
        x += wide + rng.choice((0, 0, 14))


def _trees(draw: ImageDraw.ImageDraw, width: int, line: int, rng: random.Random, count: int) -> None:
    """Round trees on the horizon."""
    for _ in range(count):
        x, size = rng.randint(0, width), rng.randint(30, 110)
        green = (rng.randint(40, 90), rng.randint(84, 128), rng.randint(36, 64))
        draw.rectangle((x - 4, line - size // 2, x + 4, line), fill=(84, 66, 48))
        for _ in range(4):
            cx, cy = x + rng.randint(-size // 3, size // 3), line - size // 2 - rng.randint(0, size // 2)
            r = rng.randint(size // 4, size // 2)
            draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=shade(green, rng.uniform(0.75, 1.1)))


def _garage_door(draw: ImageDraw.ImageDraw, width: int, line: int, rng: random.Random) -> None:
    """A panelled door in the wall."""
    left = rng.randint(0, width // 3)
    right = left + rng.randint(width // 2, width)
    colour = rng.choice(((214, 212, 206), (150, 156, 164), (120, 92, 74), (232, 230, 226)))
    draw.rectangle((left, int(line * 0.08), right, line), fill=colour)
    for y in range(int(line * 0.08), line, max(line // 6, 8)):
        draw.line((left, y, right, y), fill=shade(colour, 0.78), width=3)


def _markings(draw: ImageDraw.ImageDraw, width: int, height: int, line: int, rng: random.Random) -> None:
    """Slanted parking lines."""
    slant = rng.randint(-width // 2, width // 2)
    for x in range(-width, 2 * width, rng.randint(width // 4, width // 2)):
        draw.line((x, line + 6, x + slant, height), fill=(206, 204, 190), width=5)


def _parked_car(draw: ImageDraw.ImageDraw, width: int, line: int, rng: random.Random) -> None:
    """A car far away, no more than a hint."""
    size = rng.randint(70, 150)
    x = rng.choice((rng.randint(-60, width // 6), rng.randint(width - width // 4, width)))
    colour = rng.choice(((120, 30, 34), (60, 70, 96), (180, 182, 184), (40, 40, 42)))
    draw.ellipse((x + size * 0.2, line - size * 0.34, x + size * 0.8, line + size * 0.2), fill=(60, 66, 74))
    draw.rounded_rectangle((x, line - size * 0.14, x + size, line + size * 0.12), size * 0.1, fill=colour)
    for wheel in (0.2, 0.8):
        left, top = x + size * (wheel - 0.08), line + size * 0.02
        draw.ellipse((left, top, left + size * 0.16, top + size * 0.16), fill=(20, 20, 22))
