"""Random views of training photos: crop, flip, colour, blur, erase. NumPy and Pillow only, the same on every backend.

Each photo of each batch draws from a generator of its own, seeded by (seed, batch number, position): which thread makes
a batch, in which order, and what was made before a kill play no part. Nothing here is fitted to the data.
"""

import math

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from autodetect.sections import FinetuneSettings

Pixels = npt.NDArray[np.uint8]

# A crop's sides differ by at most a third, drawn log-uniformly: more would turn a saloon into a van.
_MAX_ASPECT = 4 / 3
# Blur of up to 1 % of the side (standard deviation), about what a hand-held phone in dusk shows.
_MAX_BLUR = 0.01
# A rectangle covers 2 to 20 % of the view (Zhong et al.: Random Erasing Data Augmentation, 2017, up to 40 %).
_ERASED_AREA = (0.02, 0.2)
# Rec. 601 luma.
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def augment(photos: Pixels, size: int, settings: FinetuneSettings, *, seed: int, number: int) -> Pixels:
    """Return one random view of each photo: uint8, shape (n, size, size, 3).

    Args:
        photos: uint8, shape (n, height, width, 3), RGB; larger than `size` is better than enlarged crops.
        size: side of a view, pixels.
        settings: `crop_min_area`, `flip`, `colour`, `blur` and `erase` are used.
        seed: of the training.
        number: which batch of the training this is, from 0.
    """
    views = np.empty((len(photos), size, size, 3), dtype=np.uint8)
    for position, photo in enumerate(photos):
        views[position] = view(photo, size, settings, np.random.default_rng((seed, number, position)))
    return views


def view(photo: Pixels, size: int, settings: FinetuneSettings, generator: np.random.Generator) -> Pixels:
    """Return one random view of a photo: uint8, shape (size, size, 3)."""
    height, width, _ = photo.shape
    box = crop_box(height, width, settings.crop_min_area, generator)
    picture = Image.fromarray(np.ascontiguousarray(photo))
    picture = picture.resize((size, size), Image.Resampling.BILINEAR, box=box)
    if generator.random() < settings.blur:
        picture = picture.filter(ImageFilter.GaussianBlur(size * _MAX_BLUR * float(generator.random())))
    pixels = np.asarray(picture)
    if settings.flip and generator.random() < 0.5:
        pixels = pixels[:, ::-1]
    if settings.colour:
        pixels = recoloured(pixels, settings.colour, generator)
    if generator.random() < settings.erase:
        pixels = erased(pixels, generator)
    return pixels


def crop_box(
    height: int, width: int, min_area: float, generator: np.random.Generator
) -> tuple[float, float, float, float]:
    """Return a random box (left, upper, right, lower) inside the photo, of `min_area` to all of its area."""
    area = float(generator.uniform(min_area, 1))
    # The aspect must leave both sides within the photo: a large crop cannot be long.
    most = max(0.0, min(math.log(_MAX_ASPECT), -math.log(area)))
    aspect = math.exp(float(generator.uniform(-most, most)))
    box_width = min(width * math.sqrt(area * aspect), width)
    box_height = min(height * math.sqrt(area / aspect), height)
    left = float(generator.random()) * (width - box_width)
    upper = float(generator.random()) * (height - box_height)
    return left, upper, min(left + box_width, width), min(upper + box_height, height)


def recoloured(pixels: Pixels, strength: float, generator: np.random.Generator) -> Pixels:
    """Return the view with brightness, contrast and saturation each times a factor in [1 - strength, 1 + strength].

    All three are linear in the pixel, so that one 3 x 3 matrix and one offset do it.
    """
    brightness, contrast, saturation = generator.uniform(1 - strength, 1 + strength, 3).astype(np.float32)
    flat = pixels.astype(np.float32).reshape(-1, 3)
    # The mean as a product: NumPy's own over rows of three takes longer than all the rest.
    grey = np.full(len(flat), 1 / len(flat), dtype=np.float32) @ (flat @ _LUMA)
    matrix = saturation * np.eye(3, dtype=np.float32) + (1 - saturation) * np.outer(_LUMA, np.ones(3, np.float32))
    values = flat @ (matrix * (brightness * contrast))
    values += brightness * (1 - contrast) * grey
    result: Pixels = np.clip(values + 0.5, 0, 255).astype(np.uint8).reshape(pixels.shape)
    return result


def erased(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Return the view with one random rectangle filled with noise."""
    height, width, _ = pixels.shape
    area, aspect = generator.uniform(*_ERASED_AREA), math.exp(float(generator.uniform(-0.7, 0.7)))
    tall = min(max(round(height * math.sqrt(area * aspect)), 1), height)
    wide = min(max(round(width * math.sqrt(area / aspect)), 1), width)
    upper, left = generator.integers(height - tall + 1), generator.integers(width - wide + 1)
    result = pixels.copy()
    result[upper : upper + tall, left : left + wide] = generator.integers(0, 256, (tall, wide, 3), dtype=np.uint8)
    return result
