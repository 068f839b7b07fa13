"""The one canonical way from a photo to network input; training, `identify`, Core ML and the app all follow it.

A photo is squashed to a square, not cropped and not letterboxed: a phone does the same with one call, and a model that
is trained on one geometry and asked with another loses most of its accuracy.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image

GEOMETRY = "squash-bilinear-v1"

# Core ML takes pixels as `scale * pixel + bias`: these two numbers are the whole of `scale` below.
PIXEL_SCALE = 1 / 127.5
PIXEL_BIAS = -1.0


def preprocessing_name(size: int) -> str:
    """Return the name under which embeddings of this geometry are kept, e.g. `squash-bilinear-v1@224`."""
    return f"{GEOMETRY}@{size}"


def to_input(image: Image.Image, size: int) -> npt.NDArray[np.uint8]:
    """Return the photo as network input: uint8, shape (size, size, 3), RGB.

    Args:
        image: a decoded photo whose EXIF orientation has been applied already. Other modes than RGB are converted as
            Pillow does; alpha is dropped.
        size: side of the square, pixels. Pillow's bilinear filter widens with the shrink factor (antialiasing).
    """
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    return np.asarray(rgb.resize((size, size), Image.Resampling.BILINEAR), dtype=np.uint8)


def scale(batch: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return pixels 0..255 as float32 in [-1, 1]: x / 127.5 - 1, the range that InceptionV3 was trained on."""
    return batch.astype(np.float32) / np.float32(127.5) + np.float32(PIXEL_BIAS)
