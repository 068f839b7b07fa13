"""Ways in which an app may turn a photo into the square that a package takes: the right one, and common mistakes.

Each takes an upright RGB photo and the side of the square in pixels, and returns uint8 (size, size, 3). What Vision
does is imitated by Pillow: where the two differ in a last bit, this cannot tell.
"""

import io
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

from autodetect.embeddings.geometry import to_input

Square = npt.NDArray[np.uint8]
Preparation = Callable[[Image.Image, int], Square]

BLACK, GREY = (0, 0, 0), (128, 128, 128)
SCREEN = 9 / 16  # width by height of an upright phone's screen


def scale_fill(image: Image.Image, size: int) -> Square:
    """Both sides scaled to the square's: Vision's `scaleFill`, the project's `squash`."""
    return to_input(image, size)


def sampled(image: Image.Image, size: int) -> Square:
    """`scaleFill` by four neighbours for each pixel, as a GPU's texture unit does: no antialiasing."""
    everything = (0, 0, *image.size)
    return _square(image.transform((size, size), Image.Transform.EXTENT, everything, Image.Resampling.BILINEAR))


def center_crop(image: Image.Image, size: int) -> Square:
    """The largest square in the middle: Vision's `centerCrop`."""
    return _middle(image, 1.0, size)


def scale_fit(fill: tuple[int, int, int]) -> Preparation:
    """Return Vision's `scaleFit`: the whole photo, unchanged in shape, in the middle of a square of this colour."""

    def fitted(image: Image.Image, size: int) -> Square:
        longer = max(image.size)
        width, height = (max(1, round(side * size / longer)) for side in image.size)
        square = Image.new("RGB", (size, size), fill)
        small = image.resize((width, height), Image.Resampling.BILINEAR)
        square.paste(small, ((size - width) // 2, (size - height) // 2))
        return _square(square)

    return fitted


def turned(image: Image.Image, size: int) -> Square:
    """A photo taken upright whose orientation is not passed on: it lies on its side."""
    return scale_fill(image.transpose(Image.Transpose.ROTATE_90), size)


def bgr(image: Image.Image, size: int) -> Square:
    """Red and blue exchanged, by handing over a BGR buffer as RGB."""
    return np.ascontiguousarray(scale_fill(image, size)[..., ::-1])


def pressed(quality: int) -> Preparation:
    """Return `scaleFill` of the photo after a JPEG of this quality (Pillow's scale, colour at half size)."""

    def after(image: Image.Image, size: int) -> Square:
        sink = io.BytesIO()
        image.save(sink, "JPEG", quality=quality, subsampling="4:2:0")
        return scale_fill(Image.open(sink).convert("RGB"), size)

    return after


def screenshot(image: Image.Image, size: int) -> Square:
    """What an upright screen that is filled with the photo shows of it, squashed."""
    return _middle(image, SCREEN, size)


def trimmed(share: float) -> Preparation:
    """Return `scaleFill` of the photo without this share of its width and height at every edge: framed too tightly."""

    def inner(image: Image.Image, size: int) -> Square:
        across, down = share * image.width, share * image.height
        box = (across, down, image.width - across, image.height - down)
        return _square(image.resize((size, size), Image.Resampling.BILINEAR, box=box))

    return inner


def surrounded(share: float) -> Preparation:
    """Return `scaleFill` of the photo as part of a larger one, which goes on for this share of its sides (at most 1).

    What goes on is the photo itself, mirrored at its edges: there is no detector here and no larger photo. It stands
    for a car that takes less of the frame than in a seller's photo.
    """

    def within(image: Image.Image, size: int) -> Square:
        across, down = round(share * image.width), round(share * image.height)
        larger = np.pad(np.asarray(image), ((down, down), (across, across), (0, 0)), mode="symmetric")
        return scale_fill(Image.fromarray(larger), size)

    return within


def _middle(image: Image.Image, shape: float, size: int) -> Square:
    """Return the largest part in the middle that has this width by height, squashed."""
    width, height = min(image.width, image.height * shape), min(image.height, image.width / shape)
    left, top = (image.width - width) / 2, (image.height - height) / 2
    box = (left, top, left + width, top + height)
    return _square(image.resize((size, size), Image.Resampling.BILINEAR, box=box))


def _square(image: Image.Image) -> Square:
    return np.asarray(image, dtype=np.uint8)
