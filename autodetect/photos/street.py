"""A listing photo as a phone would see the car in the street: the phone slice of the evaluation.

A seller's photo shows the car alone, level, filling the frame, in good light. A phone held upright shows it smaller,
with what stands around it, a little askew, in worse light, blurred by the hand and pressed into a JPEG. What a model
loses between the two is what it would lose on the phone.

Surroundings are made of the photo itself: its outermost bands, mirrored outwards again and again and blurred, so that
ground, sky and walls go on and no second car appears. One photo gives one view in whatever order or night it is made;
what changes the picture changes its name, `STREET`.
"""

import hashlib
import io

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

STREET = "street-v1"  # the `view` of embeddings made of such photos

# A phone's upright 3:4, as small as keeps more detail than the network is shown.
WIDTH, HEIGHT = 480, 640
MOST_TURN = 5.0  # degrees either way

_MARGIN = 1.12  # the canvas beyond the frame: what a turn by 5 degrees brings into its corners
_SURROUND = 8  # surroundings are made at an eighth of the size: they are blurred anyway
_BAND = 0.12  # of a side: the band at its ends that surroundings repeat
_FEATHER = 0.03  # of the shorter side: how softly the photo passes into them

Floats = npt.NDArray[np.float32]


def street(image: Image.Image, seed_text: str) -> Image.Image:
    """Return the photo as a phone's: RGB, `WIDTH` x `HEIGHT` pixels, the same for the same photo.

    A wide photo takes 78 to 110 % of the frame's width, a tall one of its height: a car that fills its photo may lose
    a twentieth at either end, as it does on a phone that is held upright too close.

    Args:
        image: a decoded, upright photo of at least one pixel, any mode; alpha is dropped.
        seed_text: what seeds every choice: the photo's sha256.
    """
    digest = hashlib.sha256(f"{STREET}/{seed_text}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    framed = _framed(_rgb(image), rng)
    turned = framed.rotate(float(rng.uniform(-MOST_TURN, MOST_TURN)), Image.Resampling.BICUBIC)
    left, top = (turned.width - WIDTH) // 2, (turned.height - HEIGHT) // 2
    seen = turned.crop((left, top, left + WIDTH, top + HEIGHT))
    return _pressed(_noisy(_blurred(_darker(seen, rng), rng), rng), int(rng.integers(35, 66)))


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode in {"La", "RGBa"}:  # Pillow converts premultiplied alpha one way only
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    return image.convert("RGB")


def _framed(photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return the canvas: the photo smaller, a little below the middle, within its own blurred surroundings."""
    width, height = round(WIDTH * _MARGIN), round(HEIGHT * _MARGIN)
    scale = rng.uniform(0.78, 1.10) * min(WIDTH / photo.width, HEIGHT / photo.height)
    size = max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
    small = photo.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
    spare_x, spare_y = WIDTH - size[0], HEIGHT - size[1]
    left = (width - WIDTH) // 2 + round(spare_x * rng.uniform(0.2, 0.8))
    top = (height - HEIGHT) // 2 + round(spare_y * rng.uniform(0.4, 0.75))
    canvas = _surroundings(small, (width, height), (left, top))
    canvas.paste(small, (left, top), _feathered(size))
    return canvas


def _surroundings(photo: Image.Image, size: tuple[int, int], at: tuple[int, int]) -> Image.Image:
    """Return the photo continued beyond its edges until it fills `size`, out of focus."""
    tiny = np.asarray(photo.resize([max(1, round(side / _SURROUND)) for side in photo.size], Image.Resampling.BOX))
    columns, rows = (
        _continued(side, -(-whole // _SURROUND), round(start / _SURROUND))
        for side, whole, start in zip((tiny.shape[1], tiny.shape[0]), size, at, strict=True)
    )
    around = Image.fromarray(tiny[rows[:, None], columns[None, :]])
    return around.filter(ImageFilter.GaussianBlur(1.5)).resize(size, Image.Resampling.BICUBIC)


def _continued(side: int, length: int, start: int) -> npt.NDArray[np.int64]:
    """Return which of `side` pixels stands at each of `length` places: 0.. from `start` on, mirrored bands around."""
    band = max(1, round(_BAND * side))
    places = np.arange(length) - start
    beyond = np.where(places < 0, -1 - places, np.maximum(places - side, 0)) % (2 * band)
    into = np.minimum(beyond, 2 * band - 1 - beyond)
    return np.where(places < 0, into, np.where(places < side, places, side - 1 - into))


def _feathered(size: tuple[int, int]) -> Image.Image:
    """Return the mask of a photo that passes softly into what surrounds it."""
    soft = max(1.0, _FEATHER * min(size))
    ramps = []
    for side in size:
        places = np.arange(side) + 0.5
        ramps.append(np.clip(np.minimum(places, side - places) / soft, 0, 1))
    return Image.fromarray(np.rint(255 * np.outer(ramps[1], ramps[0])).astype(np.uint8))


def _darker(photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return the photo in less and not quite white light: 45 to 85 % of it, shadows deeper still."""
    light, gamma = rng.uniform(0.45, 0.85), rng.uniform(1.0, 1.35)
    tint = rng.uniform(0.93, 1.07, size=3)
    levels = (np.arange(256) / 255) ** gamma * 255 * light
    table = np.clip(np.rint(levels[None, :] * tint[:, None]), 0, 255).astype(np.uint8)
    return photo.point(table.reshape(-1).tolist())


def _blurred(photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return the photo out of focus by 0.6 to 1.6 pixels and drawn along by a hand, 1 to 5 pixels in some direction."""
    photo = photo.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.6, 1.6))))
    length, angle = rng.uniform(1, 5), rng.uniform(0, np.pi)
    kernel = np.zeros((5, 5))
    for along in np.linspace(-length / 2, length / 2, 21):
        kernel[2 + round(along * np.sin(angle)), 2 + round(along * np.cos(angle))] += 1
    return photo.filter(ImageFilter.Kernel((5, 5), kernel.reshape(-1).tolist()))


def _noisy(photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return the photo with a sensor's noise of 2 to 7 levels, the same in all three colours for two thirds of it."""
    sigma = rng.uniform(2.0, 7.0)
    grey = rng.standard_normal((HEIGHT, WIDTH, 1), dtype=np.float32)
    colour = rng.standard_normal((HEIGHT, WIDTH, 3), dtype=np.float32)
    noise: Floats = np.float32(sigma) * (np.float32(0.8) * grey + np.float32(0.6) * colour)
    pixels = np.asarray(photo, dtype=np.float32) + noise
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def _pressed(photo: Image.Image, quality: int) -> Image.Image:
    """Return the photo after a JPEG of this quality with halved colour."""
    sink = io.BytesIO()
    photo.save(sink, "JPEG", quality=quality, subsampling="4:2:0")
    sink.seek(0)
    with Image.open(sink, formats=("JPEG",)) as pressed:
        return pressed.convert("RGB")
