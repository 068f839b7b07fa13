"""Photos to copy: real ones where the recorded marketplace is here, and those that the sandbox draws."""

import io
import random
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from autodetect.photos.decode import decode
from crawlers.sandbox.painting.body import vary
from crawlers.sandbox.painting.finish import Finish
from crawlers.sandbox.painting.scene import View, photograph
from crawlers.sandbox.painting.shapes import SHAPES

MARKETPLACE = Path(__file__).parents[3] / "shared" / "marketplace" / "photos"


def marketplace_photos(count: int, *, seed: int = 7) -> Iterator[Image.Image]:
    """Readable photos of the recorded marketplace, none with a side below 64 pixels, RGB."""
    for path in random.Random(seed).sample(sorted(MARKETPLACE.iterdir()), count):
        image = decode(path.read_bytes(), max_pixels=10**8).image
        if image is not None and min(image.size) >= 64:
            yield image


def drawn_photos() -> list[Image.Image]:
    """One photo of each drawn model, RGB."""
    photos = []
    for name, shape in SHAPES.items():
        rng = random.Random(f"copies/{name}")
        varied = vary(shape, rng)
        photos.append(photograph(varied, Finish.choose(varied, rng), View.choose(rng, 0)))
    return photos


def saved(image: Image.Image, quality: int = 88) -> Image.Image:
    """The image as it comes back from a JPEG."""
    target = io.BytesIO()
    image.save(target, "JPEG", quality=quality)
    return Image.open(target).convert("RGB")
