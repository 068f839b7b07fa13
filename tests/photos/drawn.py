"""Pictures that are no photographs, drawn and saved as JPEG the way marketplaces serve them; every one from a seed."""

import io
import random
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIZES = ((200, 150), (225, 225), (340, 255), (400, 300), (640, 480), (500, 375), (800, 600), (1200, 900), (600, 800))
SAYINGS = (
    "No photo available",
    "Image coming soon",
    "NO IMAGE",
    "Photo not available",
    "Awaiting image",
    "Kein Foto vorhanden",
    "Pictures to follow",
)
Colour = tuple[int, int, int]


def greys(rng: random.Random, low: int, high: int) -> Colour:
    level = rng.randint(low, high)
    return (level, level, level)


def colours(rng: random.Random) -> Colour:
    return (rng.randint(0, 255), rng.randint(0, 255), rng.randint(0, 255))


def apart(rng: random.Random, background: Colour) -> Colour:
    """A colour that a designer would set on this background: its grey differs by at least 60 levels."""
    while True:
        found = colours(rng)
        if abs(luma(found) - luma(background)) >= 60:
            return found


def luma(colour: Colour) -> float:
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def write(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, fill: Colour, *, width: float) -> None:
    """Write `text` centred on a point, as wide as told."""
    font = ImageFont.load_default(max(8, int(2 * width / len(text))))
    draw.text(at, text, fill=fill, font=font, anchor="mm")


def camera(draw: ImageDraw.ImageDraw, x: float, y: float, side: float, fill: Colour, back: Colour) -> None:
    draw.rounded_rectangle((x - side, y - 0.6 * side, x + side, y + 0.6 * side), side / 8, fill)
    draw.rectangle((x - 0.35 * side, y - 0.85 * side, x + 0.35 * side, y - 0.5 * side), fill)
    draw.ellipse((x - 0.4 * side, y - 0.4 * side, x + 0.4 * side, y + 0.4 * side), back)
    draw.ellipse((x - 0.28 * side, y - 0.28 * side, x + 0.28 * side, y + 0.28 * side), fill)


def silhouette(draw: ImageDraw.ImageDraw, x: float, y: float, side: float, fill: Colour, back: Colour) -> None:
    """A car as icon makers draw it: a cabin, a body and two wheels."""
    outline = [(-1, 0.15), (-0.95, -0.1), (-0.5, -0.15), (-0.25, -0.45), (0.35, -0.45), (0.6, -0.15), (1, -0.08)]
    draw.polygon([(x + side * dx, y + side * dy) for dx, dy in [*outline, (1, 0.15)]], fill)
    for dx in (-0.55, 0.6):
        for radius, colour in ((0.22, back), (0.17, fill)):
            centre = (x + side * dx, y + side * 0.15)
            draw.ellipse(
                (
                    centre[0] - radius * side,
                    centre[1] - radius * side,
                    centre[0] + radius * side,
                    centre[1] + radius * side,
                ),
                colour,
            )


def placeholder(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    """'No photo available' on a flat ground, with or without a camera or a car."""
    width, height = size
    back = greys(rng, 200, 255) if rng.random() < 0.7 else colours(rng)
    image = Image.new("RGB", size, back)
    draw = ImageDraw.Draw(image)
    ink = apart(rng, back)
    icon = rng.choice((camera, silhouette, None))
    if icon is not None:
        icon(draw, width / 2, height * 0.4, min(width, height) * rng.uniform(0.15, 0.35), ink, back)
    write(draw, (width / 2, height * (0.75 if icon else 0.5)), rng.choice(SAYINGS), ink, width=width * 0.7)
    if rng.random() < 0.4:
        draw.rectangle((0, 0, width - 1, height - 1), outline=ink, width=max(1, width // 80))
    return image


def graded_placeholder(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    """The same on a gradient, with a soft shadow below the icon."""
    width, height = size
    image = gradient(rng, size)
    back = greys(rng, 180, 255)
    shadow = Image.new("RGB", size, (255, 255, 255))
    silhouette(
        ImageDraw.Draw(shadow), width / 2, height * 0.42, min(width, height) * 0.35, (120, 120, 120), (255, 255, 255)
    )
    image = Image.blend(image, shadow.filter(ImageFilter.GaussianBlur(width / 60)), 0.4)
    draw = ImageDraw.Draw(image)
    silhouette(draw, width / 2, height * 0.4, min(width, height) * 0.35, greys(rng, 30, 120), back)
    write(draw, (width / 2, height * 0.8), rng.choice(SAYINGS), greys(rng, 0, 60), width=width * 0.7)
    return image


def text_card(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    """A dealer's card: lines of text in a few sizes on one colour, a stripe, a telephone number."""
    width, height = size
    back = colours(rng)
    image = Image.new("RGB", size, back)
    draw = ImageDraw.Draw(image)
    ink = apart(rng, back)
    lines = rng.randint(2, 6)
    for line in range(lines):
        text = rng.choice((*SAYINGS, "Call 555-0134", "Low mileage", "Finance available", "WWW.EXAMPLE.COM", "SALE"))
        write(draw, (width / 2, height * (line + 0.7) / (lines + 0.5)), text, ink, width=width * rng.uniform(0.4, 0.8))
    if rng.random() < 0.5:
        draw.rectangle((0, height * 0.9, width, height), fill=apart(rng, back))
    return image


def logo(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    """Rings, bars and polygons in two or three colours, with a name below."""
    width, height = size
    back = (255, 255, 255) if rng.random() < 0.6 else colours(rng)
    image = Image.new("RGB", size, back)
    draw = ImageDraw.Draw(image)
    radius = min(width, height) * 0.3
    x, y = width / 2, height * 0.42
    for _ in range(rng.randint(2, 4)):
        ink = apart(rng, back)
        kind = rng.choice(("ring", "disc", "star", "bar"))
        if kind == "ring":
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=ink, width=int(radius / 5) + 1)
        elif kind == "disc":
            draw.ellipse((x - radius / 2, y - radius / 2, x + radius / 2, y + radius / 2), ink)
        elif kind == "bar":
            draw.rectangle((x - radius, y - radius / 6, x + radius, y + radius / 6), ink)
        else:
            draw.regular_polygon((x, y, radius * 0.7), rng.randint(3, 8), rng.uniform(0, 90), ink)
    write(
        draw,
        (x, height * 0.87),
        rng.choice(("MOTORS", "AUTO GROUP", "Example Cars")),
        apart(rng, back),
        width=width / 2,
    )
    return image


def gradient(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    """A smooth change from one colour to another: along a line, or from the middle outwards."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    x, y = x / width, y / height
    angle = rng.uniform(0, 2 * np.pi)
    line = x * np.cos(angle) + y * np.sin(angle)
    ramp = line if rng.random() < 0.7 else np.hypot(x - 0.5, y - 0.5)
    ramp = (ramp - ramp.min()) / (ramp.max() - ramp.min())
    first = colours(rng)
    second = apart(rng, first)
    mixed = np.array(first) + ramp[..., None] * (np.array(second) - np.array(first))
    return Image.fromarray(mixed.round().astype(np.uint8), "RGB")


def document(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    """A page as a scanner gives it: a heading, rows of small text, perhaps a table, on white."""
    width, height = size
    image = Image.new("RGB", size, greys(rng, 235, 255))
    draw = ImageDraw.Draw(image)
    ink = greys(rng, 0, 60)
    write(draw, (width / 2, height * 0.07), "CERTIFICATE OF TITLE", ink, width=width * 0.6)
    rows = rng.randint(14, 30)
    font = ImageFont.load_default(max(7, int(0.5 * height / rows)))
    for row in range(rows):
        words = " ".join("".join(rng.choices("aeinorstlmdv", k=rng.randint(2, 9))) for _ in range(rng.randint(3, 12)))
        draw.text((width * 0.06, height * (0.14 + 0.84 * row / rows)), words, fill=ink, font=font)
    if rng.random() < 0.5:
        for row in range(4):
            draw.line((width * 0.05, height * (0.2 + 0.2 * row), width * 0.95, height * (0.2 + 0.2 * row)), ink)
    return image


def screenshot(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    """A page of an application: a bar above, a list of rows with icons and text."""
    width, height = size
    dark = rng.random() < 0.3
    back = greys(rng, 10, 40) if dark else greys(rng, 240, 255)
    ink = greys(rng, 190, 255) if dark else greys(rng, 0, 80)
    image = Image.new("RGB", size, back)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width, height * 0.1), apart(rng, back))
    rows = rng.randint(4, 9)
    font = ImageFont.load_default(max(8, int(0.35 * height / rows)))
    for row in range(rows):
        top = height * (0.12 + 0.88 * row / rows)
        side = 0.6 * 0.88 * height / rows
        if rng.random() < 0.7:
            draw.rounded_rectangle((width * 0.04, top, width * 0.04 + side, top + side), side / 5, apart(rng, back))
        draw.text((width * 0.08 + side, top), rng.choice(SAYINGS), fill=ink, font=font)
        draw.line((0, top + 1.4 * side, width, top + 1.4 * side), greys(rng, 120, 200))
    return image


def code(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    """A square code on white with a line of text, as sellers who want to be called put up."""
    width, height = size
    modules = np.array([[rng.random() < 0.5 for _ in range(29)] for _ in range(29)])
    side = int(min(width, height) * 0.7)
    squares = Image.fromarray(np.where(modules, 0, 255).astype(np.uint8)).resize((side, side), Image.Resampling.NEAREST)
    image = Image.new("RGB", size, (255, 255, 255))
    image.paste(squares.convert("RGB"), ((width - side) // 2, int(height * 0.05)))
    write(ImageDraw.Draw(image), (width / 2, height * 0.88), "Scan for details", (0, 0, 0), width=width / 2)
    return image


DRAWN: dict[str, Callable[[random.Random, tuple[int, int]], Image.Image]] = {
    "placeholder": placeholder,
    "graded placeholder": graded_placeholder,
    "text card": text_card,
    "logo": logo,
    "gradient": gradient,
    "document": document,
    "screenshot": screenshot,
    "code": code,
}


def drawn(kind: str, seed: int) -> bytes:
    """The JPEG of one picture: its style, size and quality follow from kind and seed."""
    rng = random.Random(f"{kind} {seed}")
    image = DRAWN[kind](rng, rng.choice(SIZES))
    target = io.BytesIO()
    image.save(target, "JPEG", quality=rng.choice((60, 75, 85, 92)))
    return target.getvalue()
