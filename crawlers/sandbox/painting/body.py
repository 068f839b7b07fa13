"""The geometry of a drawn car: a side profile in metres, extruded across the car's width and seen by a pinhole camera.

Coordinates are metres: x runs from the nose (0) to the tail (`length`), y up from the ground, z across from the middle.
"""

import dataclasses
import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Decal:
    """A lamp, slot, grille or badge painted on the nose, the tail or the side.

    Args:
        kind: `oval` or `box`.
        at: centre; across (-1..1 of the half width) and y in metres on nose and tail, x and y in metres on the side.
        size: half extents, in the units of `at`.
        colour: a name in `drawing.COLOURS`.
        both: on nose and tail, repeated on the other half of the car.
    """

    kind: str
    at: tuple[float, float]
    size: tuple[float, float]
    colour: str
    both: bool = False


@dataclass(frozen=True)
class BodyShape:
    """One model's body.

    Args:
        length: metres from nose to tail.
        width: metres across, mirrors folded.
        outline: the profile from the nose's lower edge over the roof to the tail's lower edge, as (x, y, part), the
            part being the panel that begins there: nose, hood, windshield, roof, backlight, deck, bed or tail.
        axles: x of the two axles.
        wheel: the tyres' radius.
        belt: y of the windows' lower edge, at the front and at the rear of the glass.
        glass: x where the side windows begin and end.
        pillars: x of the pillars between the side windows.
        doors: x of the door gaps.
        rounding: how many times the profile's corners are cut (0 is a box).
        tumblehome: how much narrower the roof is than the body, as a fraction.
        taper: the same for the nose and the tail.
        front: what is painted on the nose.
        rear: what is painted on the tail.
        side: what is painted on the side.
        extras: names that `drawing` knows how to add (spare, rails, spoiler, flares, ...).
    """

    length: float
    width: float
    outline: tuple[tuple[float, float, str], ...]
    axles: tuple[float, float]
    wheel: float
    belt: tuple[float, float]
    glass: tuple[float, float]
    pillars: tuple[float, ...] = ()
    doors: tuple[float, ...] = ()
    rounding: int = 2
    tumblehome: float = 0.2
    taper: float = 0.16
    front: tuple[Decal, ...] = ()
    rear: tuple[Decal, ...] = ()
    side: tuple[Decal, ...] = ()
    extras: tuple[str, ...] = ()


def vary(shape: BodyShape, rng: random.Random) -> BodyShape:
    """One vehicle's own body: model years, springs and big wheels move a profile by some centimetres."""
    tall = rng.gauss(1.0, 0.012)
    shift = rng.gauss(0, 0.012)
    knots = tuple((x + rng.gauss(0, 0.015), y * tall + rng.gauss(0, 0.008), part) for x, y, part in shape.outline)
    return dataclasses.replace(
        shape,
        outline=knots,
        wheel=shape.wheel * rng.uniform(0.96, 1.06),
        belt=(shape.belt[0] * tall + shift, shape.belt[1] * tall + shift),
    )


def _cut_corners(xy: Points, parts: list[str], rounds: int) -> tuple[Points, list[str]]:
    """Chaikin's corner cutting of an open line; `parts[i]` names the segment that begins at point i."""
    for _ in range(rounds):
        start, end = xy[:-1], xy[1:]
        near, far = 0.75 * start + 0.25 * end, 0.25 * start + 0.75 * end
        xy = np.concatenate([xy[:1], np.stack([near, far], axis=1).reshape(-1, 2)[1:-1], xy[-1:]])
        parts = [part for part in parts for _ in (0, 1)][:-1]
    return xy, parts


class Body:
    """A shape made ready for drawing.

    Attributes:
        line: (n, 2) points of the smoothed profile. parts: n - 1 names, one for each of its segments.
    """

    def __init__(self, shape: BodyShape) -> None:
        self.shape = shape
        knots = np.array([(x, y) for x, y, _ in shape.outline])
        self.line, self.parts = _cut_corners(knots, [part for _, _, part in shape.outline][:-1], shape.rounding)
        self.height = float(self.line[:, 1].max())
        self.sill = float(0.5 * (self.line[0, 1] + self.line[-1, 1]))
        self._ends = {
            "front": self._end([i for i, part in enumerate(self.parts) if part == "nose"]),
            "rear": self._end([i for i, part in enumerate(self.parts) if part == "tail"]),
        }

    def _end(self, segments: list[int]) -> Points:
        """The profile's points of the nose or the tail, by rising y, for reading x off a height."""
        points = self.line[[*segments, segments[-1] + 1]]
        return points[np.argsort(points[:, 1])]

    def top(self, x: Points) -> Points:
        """The profile's upper y at each x."""
        upper = self.line[np.argmin(self.line[:, 0]) : np.argmax(self.line[:, 0]) + 1]
        rising = np.maximum.accumulate(upper[:, 0])
        return np.interp(x, rising, upper[:, 1])

    def belt(self, x: Points) -> Points:
        """The windows' lower y at each x."""
        return np.interp(x, self.shape.glass, self.shape.belt)

    def half_width(self, x: Points, y: Points) -> Points:
        """Half the car's width at (x, y): narrower towards the nose, the tail and the roof."""
        shape = self.shape
        nose = np.clip((0.2 * shape.length - x) / (0.2 * shape.length), 0, 1)
        tail = np.clip((x - 0.84 * shape.length) / (0.16 * shape.length), 0, 1)
        plan = 1 - shape.taper * np.maximum(nose, tail) ** 2
        belt = self.belt(x)
        above = np.clip((y - belt) / np.maximum(self.height - belt, 0.05), 0, 1)
        return 0.5 * shape.width * plan * (1 - shape.tumblehome * above)

    def surface(self, x: Points, y: Points, side: float) -> Points:
        """(n, 3) points of the body's flank (`side` is -1 or 1)."""
        return np.stack([x, y, side * self.half_width(x, y)], axis=1)

    def end(self, which: str, across: Points, y: Points) -> Points:
        """(n, 3) points on the nose (`front`) or the tail (`rear`); `across` is -1..1 of the half width."""
        line = self._ends[which]
        x = np.interp(y, line[:, 1], line[:, 0]) + (-0.012 if which == "front" else 0.012)
        return np.stack([x, y, across * self.half_width(x, y)], axis=1)
