"""Paints one car with Pillow: panels from far to near, its face, then the near side, the glass and the wheels."""

import itertools

import numpy as np

from crawlers.sandbox.painting.body import Body, Decal, Points
from crawlers.sandbox.painting.canvas import CIRCLE, COLOURS, Canvas, Colour, shade
from crawlers.sandbox.painting.finish import Finish, contrast
from crawlers.sandbox.painting.fittings import add_fittings, tread, wheel


def paint_car(canvas: Canvas, body: Body, finish: Finish) -> None:
    """Paint the whole car, far things first."""
    near = canvas.camera.near_side
    for axle in body.shape.axles:
        wheel(canvas, body, finish, axle, -near, near=False)
        tread(canvas, body, axle, near)
    _underbody(canvas, body)
    _panels(canvas, body, finish)
    _end_decals(canvas, body, finish)
    flank = _Flank(canvas, body)
    _paint_flank(flank, body, finish)
    _side_windows(flank, body, finish)
    _side_lines(flank, body, finish)
    for axle in body.shape.axles:
        wheel(canvas, body, finish, axle, near, near=True)
    add_fittings(canvas, body, finish, near)


def _underbody(canvas: Canvas, body: Body) -> None:
    """The dark between the wheels."""
    shape = body.shape
    x = np.array([0.25, shape.length - 0.25, shape.length - 0.25, 0.25])
    for side in (-0.85, 0.85):
        z = np.full(4, side * shape.width / 2)
        y = np.array([body.sill + 0.1, body.sill + 0.1, body.sill - 0.04, body.sill - 0.04])
        canvas.polygon(np.column_stack([x, y, z]), COLOURS["black"])


def _panels(canvas: Canvas, body: Body, finish: Finish) -> None:
    """Bonnet, screens, roof and tail: strips across the car that face the camera."""
    line, parts = body.line, body.parts
    middles = 0.5 * (line[:-1] + line[1:])
    steps = np.diff(line, axis=0)
    normals = np.column_stack([-steps[:, 1], steps[:, 0], np.zeros(len(steps))])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    to_camera = canvas.camera.position - np.column_stack([middles, np.zeros(len(middles))])
    facing = (normals * to_camera).sum(axis=1) > 0
    for i in np.argsort(-np.linalg.norm(to_camera, axis=1)):
        if not facing[i]:
            continue
        light = 0.62 + 0.5 * max(0.0, float(normals[i, 1])) + 0.08 * float(normals[i, 0] < 0)
        _strip(canvas, body, line[i : i + 2], _panel_colour(parts[i], finish, light), 1.0)
        if parts[i] in ("windshield", "backlight"):
            pane = shade(COLOURS["glass"], finish.tint + 0.25 * float(normals[i, 1]))
            _strip(canvas, body, line[i : i + 2], pane, 0.88)


def _panel_colour(part: str, finish: Finish, light: float) -> Colour:
    """Paint under `light`, except for load beds and two-tone roofs."""
    if part == "bed" and "bed" in finish.options:
        return shade(COLOURS["dark"], light * 0.8)
    if part == "roof" and "two_tone" in finish.options:
        return shade(contrast(finish), light)
    return shade(finish.paint, light)


def _strip(canvas: Canvas, body: Body, segment: Points, colour: Colour, reach: float) -> None:
    """One panel across the car; `reach` below 1 leaves a frame at both sides."""
    x, y = segment[[0, 1, 1, 0], 0], segment[[0, 1, 1, 0], 1]
    z = body.half_width(x, y) * reach * np.array([-1.0, -1.0, 1.0, 1.0])
    canvas.polygon(np.column_stack([x, y, z]), colour)


def _decal_points(decal: Decal) -> Points:
    """(n, 2) outline of a decal in its own units."""
    (u, v), (half_u, half_v) = decal.at, decal.size
    if decal.kind == "oval":
        return np.column_stack([u + half_u * np.cos(CIRCLE), v + half_v * np.sin(CIRCLE)])
    return np.array([[u, v]]) + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [half_u, half_v]


def _decal_colour(name: str, finish: Finish) -> Colour:
    """A named colour, or a shade of the paint."""
    if name == "shade":
        return shade(finish.paint, 0.55)
    return shade(finish.paint, 0.75) if name == "body_dark" else COLOURS[name]


def _end_decals(canvas: Canvas, body: Body, finish: Finish) -> None:
    """The face, or the tail's lamps, whichever the camera sees."""
    which = "front" if canvas.camera.sees_front else "rear"
    for decal in body.shape.front if which == "front" else body.shape.rear:
        points = _decal_points(decal)
        for mirror in (1.0, -1.0) if decal.both else (1.0,):
            canvas.polygon(body.end(which, points[:, 0] * mirror, points[:, 1]), _decal_colour(decal.colour, finish))


class _Flank:
    """The side of the body that the camera sees; areas are given in x and y."""

    def __init__(self, canvas: Canvas, body: Body) -> None:
        self._canvas = canvas
        self._body = body

    def fill(self, x: Points, y: Points, colour: Colour, *, out: float = 0.0) -> None:
        """Fill an area that stands `out` metres off the body."""
        side = self._canvas.camera.near_side
        self._canvas.polygon(self._body.surface(x, y, side) + np.array([0, 0, side * out]), colour)

    def band(self, x: Points, lower: Points, upper: Points, colour: Colour) -> None:
        """Fill a band between two lines."""
        self.fill(np.concatenate([x, x[::-1]]), np.concatenate([upper, lower[::-1]]), colour)

    def line(self, x: Points, y: Points, colour: Colour) -> None:
        """Draw a thin line."""
        self._canvas.line(self._body.surface(x, y, self._canvas.camera.near_side), colour, 2)


def _paint_flank(flank: _Flank, body: Body, finish: Finish) -> None:
    """The near side: one silhouette, darker towards the sill, with a lit shoulder under the windows."""
    line = body.line
    flank.fill(line[:, 0], line[:, 1], shade(finish.paint, 0.84))
    x = np.linspace(0.06, body.shape.length - 0.06, 24)
    sill = np.full(24, body.sill)
    for depth, light in ((0.52, 0.74), (0.3, 0.62)):
        upper = np.minimum(body.sill + depth * (body.belt(x) - body.sill), body.top(x))
        flank.band(x, sill, upper, shade(finish.paint, light))
    x, sill = x[2:-2], sill[2:-2]
    shoulder = np.minimum(body.belt(x) - 0.1, body.top(x) - 0.03)
    flank.band(x, shoulder - 0.035, shoulder, shade(finish.paint, 1.06))
    if "cladding" in finish.options:
        flank.band(x, sill - 0.02, sill + 0.1, COLOURS["dark"])
    if "side_stripe" in finish.options:
        stripe = body.belt(x) - 0.2
        flank.band(x, stripe - 0.09, stripe, contrast(finish))


def _side_windows(flank: _Flank, body: Body, finish: Finish) -> None:
    """The glass between the belt and the roof line, split by the pillars."""
    front, rear = body.shape.glass
    if "two_tone" in finish.options:
        x = np.linspace(front - 0.1, rear + 0.1, 20)
        roof, belt = body.top(x), body.belt(x)
        flank.band(x, np.maximum(roof - 0.1, belt), np.maximum(roof, belt), contrast(finish))
    for left, right in itertools.pairwise([front, *body.shape.pillars, rear]):
        x = np.linspace(left + 0.035, right - 0.035, 12)
        lower, upper = body.belt(x) + 0.02, body.top(x) - 0.075
        x, lower, upper = (values[upper - lower > 0.03] for values in (x, lower, upper))
        if len(x) < 2:
            continue
        flank.band(x, lower, upper, shade(COLOURS["glass"], finish.tint))
        if right - left > 0.6:  # a slanted reflection
            low, high = len(x) // 4, len(x) // 2
            along = np.array([x[low], x[low] + 0.18, x[high] + 0.12, x[high]])
            heights = np.array([lower[low], lower[low], upper[high], upper[high]])
            flank.fill(along, heights, shade(COLOURS["glass"], finish.tint + 0.16))


def _side_lines(flank: _Flank, body: Body, finish: Finish) -> None:
    """Door gaps, handles, the mirror and what the model carries on its side."""
    gap = shade(finish.paint, 0.45)
    for i, x in enumerate(body.shape.doors):
        belt = float(body.belt(np.array([x]))[0])
        flank.line(np.full(2, x), np.array([body.sill + 0.08, belt]), gap)
        if i > 0:
            handle = _decal_points(Decal("box", (x - 0.18, belt - 0.14), (0.09, 0.02), "shade"))
            flank.fill(handle[:, 0], handle[:, 1], gap)
    for decal in body.shape.side:
        points = _decal_points(decal)
        flank.fill(points[:, 0], points[:, 1], _decal_colour(decal.colour, finish))
    mirror = _decal_points(Decal("oval", (body.shape.glass[0] + 0.12, body.shape.belt[0] + 0.07), (0.1, 0.075), "dark"))
    flank.fill(mirror[:, 0], mirror[:, 1], shade(finish.paint, 0.7), out=0.12)
