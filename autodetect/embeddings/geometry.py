"""The one canonical way from a photo to network input; training, `identify`, Core ML and the app all follow it.

A photo becomes a square in one of two ways, never by cropping: `squash` scales both sides to the square's, `letterbox`
scales both by the same factor and fills the rest with grey. Which one belongs to the backbone: a model that is trained
on one geometry and asked with another loses most of its accuracy.
"""

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image

Geometry = Literal["squash", "letterbox"]
GEOMETRIES: tuple[Geometry, ...] = get_args(Geometry)

# Core ML takes pixels as `scale * pixel + bias`: these two numbers are the whole of `scale` below.
PIXEL_SCALE = 1 / 127.5
PIXEL_BIAS = -1.0

_NAMES = {"squash": "squash-bilinear-v1", "letterbox": "letterbox-bilinear-v1"}
_GREY = (128, 128, 128)  # next to 0 after scaling


def preprocessing_name(size: int, geometry: Geometry = "squash") -> str:
    """Return the name under which embeddings of this geometry are kept, e.g. `squash-bilinear-v1@224`."""
    return f"{_NAMES[geometry]}@{size}"


def to_input(image: Image.Image, size: int, geometry: Geometry = "squash") -> npt.NDArray[np.uint8]:
    """Return the photo as network input: uint8, shape (size, size, 3), RGB.

    Args:
        image: a decoded photo whose EXIF orientation has been applied already. Other modes than RGB are converted as
            Pillow does; alpha is dropped.
        size: side of the square, pixels. Pillow's bilinear filter widens with the shrink factor (antialiasing).
        geometry: `squash`, or `letterbox`: the photo in the middle, at least one pixel wide and high, grey around it.
    """
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    if geometry == "squash":
        return np.asarray(rgb.resize((size, size), Image.Resampling.BILINEAR), dtype=np.uint8)
    longer = max(rgb.size)
    width, height = (max(1, round(side * size / longer)) for side in rgb.size)
    square = Image.new("RGB", (size, size), _GREY)
    square.paste(rgb.resize((width, height), Image.Resampling.BILINEAR), ((size - width) // 2, (size - height) // 2))
    return np.asarray(square, dtype=np.uint8)


def scale(batch: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return pixels 0..255 as float32 in [-1, 1]: x / 127.5 - 1, the range that InceptionV3 was trained on."""
    return batch.astype(np.float32) / np.float32(127.5) + np.float32(PIXEL_BIAS)
