"""Where and how a car is photographed: background, daylight, shadow, sensor noise and the JPEG itself."""

import io
import math
import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from crawlers.sandbox.painting.backdrop import PLACES, backdrop
from crawlers.sandbox.painting.body import Body, BodyShape
from crawlers.sandbox.painting.canvas import Camera, Canvas
from crawlers.sandbox.painting.drawing import paint_car
from crawlers.sandbox.painting.finish import Finish

SIZES: tuple[tuple[int, int], ...] = ((320, 240), (340, 255), (360, 270), (400, 300), (400, 267), (360, 240))
SUPERSAMPLE = 2
OUT_OF_FOCUS = 5  # pixels over which the background blurs
MIRRORED_SHARE = 0.25  # most sellers walk up to the same side of the car
DUSK_SHARE = 0.12


@dataclass(frozen=True)
class View:
    """One photograph's circumstances, chosen before anything is drawn."""

    size: tuple[int, int]
    azimuth: float
    distance: float
    eye: float
    fill: float
    shift: tuple[float, float]
    tilt: float
    place: str
    dusk: bool
    seed: int

    @classmethod
    def choose(cls, rng: random.Random, position: int) -> "View":
        """A seeded choice: first photos are mostly front three-quarter views, later ones walk around the car."""
        quarter = rng.choices(("front", "side", "rear"), (8, 1.5, 0.5) if position == 0 else (4, 3, 3))[0]
        degrees = {"front": rng.uniform(32, 60), "side": rng.uniform(76, 100), "rear": rng.uniform(122, 148)}[quarter]
        return cls(
            size=rng.choice(SIZES),
            azimuth=math.radians(degrees) * (-1 if rng.random() < MIRRORED_SHARE else 1),
            distance=rng.uniform(7.0, 10.0),
            eye=rng.uniform(1.1, 1.8),
            fill=rng.uniform(0.78, 0.98),
            shift=(rng.uniform(-0.03, 0.03), rng.uniform(-0.03, 0.05)),
            tilt=rng.gauss(0, 0.025),
            place=rng.choice(list(PLACES)),
            dusk=rng.random() < DUSK_SHARE,
            seed=rng.getrandbits(32),
        )


def photograph(shape: BodyShape, finish: Finish, view: View) -> Image.Image:
    """Draw a car in its surroundings as the camera's sensor saw it."""
    width, height = (side * SUPERSAMPLE for side in view.size)
    body = Body(shape)
    camera = Camera(view.azimuth, view.distance, view.eye, shape.length)
    scale, origin = _framing(body, camera, view, width, height)
    rng = random.Random(view.seed)
    horizon = origin[1] - scale * camera.horizon()
    image = backdrop(view.place, width, height, horizon, rng)
    image = image.reduce(OUT_OF_FOCUS).resize((width, height), Image.Resampling.BILINEAR)
    image = _shadow(image, Canvas(ImageDraw.Draw(image), camera, scale, origin, view.tilt), body)
    paint_car(Canvas(ImageDraw.Draw(image), camera, scale, origin, view.tilt), body, finish)
    return _expose(image.resize(view.size, Image.Resampling.BOX), view)


def to_jpeg(image: Image.Image, quality: int) -> bytes:
    """The bytes a camera writes."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _framing(body: Body, camera: Camera, view: View, width: int, height: int) -> tuple[float, tuple[float, float]]:
    """Scale and origin that make the car fill `view.fill` of the frame."""
    line = body.line
    sides = np.concatenate([body.surface(line[:, 0], line[:, 1], side) for side in (-1.0, 1.0)])
    seen = camera.project(np.concatenate([sides, sides * [1, 0, 1]]))
    low, high = seen.min(axis=0), seen.max(axis=0)
    scale = view.fill * min(width / (high[0] - low[0]), 0.92 * height / (high[1] - low[1]))
    middle = 0.5 * (low + high)
    return scale, (
        width * (0.5 + view.shift[0]) - scale * middle[0],
        height * (0.54 + view.shift[1]) + scale * middle[1],
    )


def _shadow(image: Image.Image, canvas: Canvas, body: Body) -> Image.Image:
    """A soft dark patch under the car, drawn small and blurred."""
    shape = body.shape
    x = np.array([0.0, shape.length, shape.length, 0.0]) + np.array([-0.1, 0.1, 0.1, -0.1])
    z = np.array([-1.0, -1.0, 1.0, 1.0]) * (shape.width / 2 + 0.12)
    corners = canvas.pixels(np.stack([x, np.zeros(4), z], axis=1)) / 8
    mask = Image.new("L", (image.width // 8, image.height // 8))
    ImageDraw.Draw(mask).polygon(corners.ravel().tolist(), fill=190)
    mask = mask.filter(ImageFilter.GaussianBlur(2)).resize(image.size, Image.Resampling.BILINEAR)
    return Image.composite(Image.new("RGB", image.size, (14, 14, 16)), image, mask)


def _expose(image: Image.Image, view: View) -> Image.Image:
    """Daylight, lens softness and sensor noise."""
    rng = np.random.default_rng(view.seed)
    if rng.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 0.9))))
    pixels = np.asarray(image, dtype=np.float32)
    gain = np.array([0.56, 0.54, 0.62] if view.dusk else [1.0, 1.0, 1.0])
    gain = (gain * rng.uniform(0.82, 1.16) * rng.normal(1.0, 0.025, 3)).astype(np.float32)
    slope = np.linspace(1 - rng.uniform(0, 0.14), 1 + rng.uniform(0, 0.14), image.width, dtype=np.float32)
    grain = np.float32(rng.uniform(2, 8) * (1.3 if view.dusk else 1.0))
    noise = grain * rng.standard_normal(pixels.shape[:2], dtype=np.float32)
    exposed = pixels * gain * slope[None, :, None] + noise[:, :, None]
    return Image.fromarray(np.clip(exposed, 0, 255).astype(np.uint8))
