"""Pictures to ask a model about where there are no photos: made from a number, of kinds that stress arithmetic."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Pixels = npt.NDArray[np.uint8]
_SHAPES = 12


def generated_pictures(count: int, size: int, *, seed: int = 0) -> Pixels:
    """Return pictures of every kind in turn: uint8 (count, size, size, 3), RGB.

    The same numbers give the same pictures, and the first ones do not depend on how many there are.

    Args:
        count: how many.
        size: side of the square, pixels.
        seed: of the random ones.
    """
    pictures = np.empty((count, size, size, 3), np.uint8)
    for index in range(count):
        draw = _KINDS[index % len(_KINDS)]
        pictures[index] = draw(np.random.default_rng((seed, index)), size)
    return pictures


def _shapes(rng: np.random.Generator, size: int) -> Pixels:
    """Boxes, discs and lines in bright colours on a ground of one colour."""
    image = Image.new("RGB", (size, size), _colour(rng))
    draw = ImageDraw.Draw(image)
    for kind in rng.integers(3, size=_SHAPES):
        (left, right), (top, bottom) = np.sort(rng.integers(size, size=(2, 2)), axis=1).tolist()
        box, fill = (left, top, right, bottom), _colour(rng)
        if kind == 0:
            draw.rectangle(box, fill)
        elif kind == 1:
            draw.ellipse(box, fill)
        else:
            draw.line(box, fill, width=1 + size // 40)
    return np.asarray(image, np.uint8)


def _clouds(rng: np.random.Generator, size: int) -> Pixels:
    """Colours that change softly, as large as the picture and smaller."""
    total = np.zeros((size, size, 3))
    for cells in (3, 7, 17):
        coarse = Image.fromarray(rng.integers(256, size=(cells, cells, 3), dtype=np.uint8), "RGB")
        total += np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC), float) * 3 / cells
    low, high = total.min(), total.max()
    return ((total - low) / max(high - low, 1e-9) * 255).astype(np.uint8)


def _gradient(rng: np.random.Generator, size: int) -> Pixels:
    """One colour turning into another along a line."""
    angle, ramp = rng.uniform(0, 2 * np.pi), np.linspace(-1, 1, size)
    along = (np.cos(angle) * ramp[None, :] + np.sin(angle) * ramp[:, None]) / 2**0.5 / 2 + 0.5
    first, second = (np.array(_colour(rng), float) for _ in range(2))
    return (first + along[..., None] * (second - first)).clip(0, 255).astype(np.uint8)


def _noise(rng: np.random.Generator, size: int) -> Pixels:
    """Every value of every pixel on its own."""
    return rng.integers(256, size=(size, size, 3), dtype=np.uint8)


def _stripes(rng: np.random.Generator, size: int) -> Pixels:
    """Black and white bars of some width, tinted."""
    width, across = 1 + int(rng.integers(size // 4)), bool(rng.integers(2))
    bars = (np.arange(size) // width % 2).astype(np.uint8)
    plane = np.broadcast_to(bars[:, None] if across else bars, (size, size))
    return (plane[..., None] * np.array(_colour(rng), np.uint8)).astype(np.uint8)


def _flat(rng: np.random.Generator, size: int) -> Pixels:
    """One colour; black, white and the middle grey are among them."""
    colour = [(0, 0, 0), (255, 255, 255), (128, 128, 128), _colour(rng)][int(rng.integers(4))]
    return np.broadcast_to(np.array(colour, np.uint8), (size, size, 3))


def _colour(rng: np.random.Generator) -> tuple[int, ...]:
    return tuple(rng.integers(256, size=3).tolist())


_KINDS: tuple[Callable[[np.random.Generator, int], Pixels], ...] = (
    _shapes,
    _clouds,
    _gradient,
    _noise,
    _shapes,
    _clouds,
    _stripes,
    _flat,
)
