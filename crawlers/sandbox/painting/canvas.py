"""A camera and a canvas: metres around a car become pixels of an image."""

import math

import numpy as np
from PIL import ImageDraw

from crawlers.sandbox.painting.body import Points

Colour = tuple[int, int, int]

COLOURS: dict[str, Colour] = {
    "black": (18, 18, 20),
    "dark": (52, 53, 56),
    "chrome": (196, 200, 205),
    "lamp": (238, 240, 232),
    "red": (190, 22, 24),
    "amber": (235, 140, 30),
    "plate": (225, 226, 215),
    "blue": (28, 60, 140),
    "white": (236, 236, 232),
    "glass": (38, 48, 58),
    "tyre": (24, 24, 26),
}
CIRCLE = np.linspace(0, 2 * math.pi, 28, endpoint=False)


def _clip(value: float) -> int:
    """A channel's value, held in 0..255."""
    return max(0, min(255, round(value)))


def shade(colour: Colour, light: float) -> Colour:
    """The colour under `light` (1 leaves it; above 1 it moves towards white)."""
    if light <= 1:
        red, green, blue = (_clip(part * light) for part in colour)
        return red, green, blue
    red, green, blue = (_clip(part + (255 - part) * min(light - 1, 1)) for part in colour)
    return red, green, blue


class Camera:
    """A pinhole camera that looks at the middle of a car.

    Args:
        azimuth: radians around the car; 0 looks at the nose, pi/2 at the side with positive z, pi at the tail.
        distance: metres from the middle of the car.
        eye: the camera's height in metres.
        length: the car's length in metres.
    """

    def __init__(self, azimuth: float, distance: float, eye: float, length: float) -> None:
        middle = np.array([length / 2, 0.65, 0.0])
        self.position = middle + np.array([-distance * math.cos(azimuth), eye - 0.65, distance * math.sin(azimuth)])
        forward = middle - self.position
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0.0, 1.0, 0.0])
        right /= np.linalg.norm(right)
        self._axes = np.stack([right, np.cross(right, forward), forward])
        self.near_side = 1.0 if math.sin(azimuth) >= 0 else -1.0
        self.sees_front = math.cos(azimuth) > 0

    def project(self, points: Points) -> Points:
        """(n, 2) image coordinates, x to the right and y up, for (n, 3) points."""
        seen = (points - self.position) @ self._axes.T
        return seen[:, :2] / seen[:, 2:]

    def horizon(self) -> float:
        """The image y of points infinitely far away on the ground."""
        forward = self._axes[2]
        flat = np.array([[forward[0], 0.0, forward[2]]]) * 1e6 + self.position
        return float(self.project(flat)[0, 1])


class Canvas:
    """Draws polygons given in metres through a camera onto an image.

    Args:
        draw: the image's drawing handle.
        camera: where the car is seen from.
        scale: pixels for one unit of the camera's image plane.
        origin: the pixel of the image plane's origin.
        tilt: radians the photographer held the camera askew.
    """

    def __init__(
        self, draw: ImageDraw.ImageDraw, camera: Camera, scale: float, origin: tuple[float, float], tilt: float
    ) -> None:
        self.draw = draw
        self.camera = camera
        cosine, sine = scale * math.cos(tilt), scale * math.sin(tilt)
        self._matrix = np.array([[cosine, sine], [sine, -cosine]])
        self._origin = np.array(origin)

    def pixels(self, points: Points) -> Points:
        """(n, 2) pixels of (n, 3) points."""
        return self.camera.project(points) @ self._matrix.T + self._origin

    def polygon(self, points: Points, colour: Colour) -> None:
        """Fill a polygon of (n, 3) points."""
        self.draw.polygon(self.pixels(points).ravel().tolist(), fill=colour)

    def line(self, points: Points, colour: Colour, width: int) -> None:
        """Draw an open line through (n, 3) points."""
        self.draw.line(self.pixels(points).ravel().tolist(), fill=colour, width=width, joint="curve")
