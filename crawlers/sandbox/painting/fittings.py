"""What is bolted onto a drawn car: wheels, wings, roof rails, the spare wheel, stripes."""

import math

import numpy as np

from crawlers.sandbox.painting.body import Body, Points
from crawlers.sandbox.painting.canvas import CIRCLE, COLOURS, Canvas, Colour, shade
from crawlers.sandbox.painting.finish import Finish, contrast


def _disc(x: float, y: float, z: float, radius: float) -> Points:
    """A circle parallel to the car's side."""
    return np.column_stack([x + radius * np.cos(CIRCLE), y + radius * np.sin(CIRCLE), np.full(len(CIRCLE), z)])


def _facing_disc(x: float, y: float, z: float, radius: float) -> Points:
    """A circle across the car, seen from the front or the rear."""
    return np.column_stack([np.full(len(CIRCLE), x), y + radius * np.sin(CIRCLE), z + radius * np.cos(CIRCLE)])


def tread(canvas: Canvas, body: Body, axle: float, side: float) -> None:
    """The tyre's width, seen below the body."""
    radius = body.shape.wheel
    for inset in (0.3, 0.2, 0.1):
        canvas.polygon(_disc(axle, radius, side * (body.shape.width / 2 - inset), radius), COLOURS["tyre"])


def wheel(canvas: Canvas, body: Body, finish: Finish, axle: float, side: float, *, near: bool) -> None:
    """Arch, tyre, rim and spokes of one wheel."""
    radius, z = body.shape.wheel, side * (body.shape.width / 2 - 0.02)
    if near:
        if "fenders" in finish.options:
            fender = _disc(axle, radius + 0.02, z, radius * 1.36)
            canvas.polygon(fender[fender[:, 1] > body.sill - 0.02], shade(finish.paint, 0.95))
        if "flares" in finish.options:
            canvas.polygon(_flare(axle, radius, z + side * 0.04), COLOURS["dark"])
        arch = _disc(axle, radius, z, radius * 1.13)
        canvas.polygon(arch[arch[:, 1] > body.sill - 0.02], COLOURS["black"])
    canvas.polygon(_disc(axle, radius, z, radius), COLOURS["tyre"])
    if not near:
        return
    canvas.polygon(_disc(axle, radius, z, radius * 0.68), shade(finish.rim, 0.45))
    for i in range(finish.spokes):
        angle = 2 * math.pi * i / finish.spokes + axle
        spread = 0.9 / finish.spokes
        turn = angle + spread * np.array([-1.0, -0.6, 0.6, 1.0])
        reach = radius * np.array([0.15, 0.66, 0.66, 0.15])
        spoke = np.column_stack([axle + reach * np.cos(turn), radius + reach * np.sin(turn), np.full(4, z)])
        canvas.polygon(spoke, finish.rim)
    edge = _disc(axle, radius, z, radius * 0.67)
    canvas.line(np.concatenate([edge, edge[:1]]), finish.rim, 2)
    canvas.polygon(_disc(axle, radius, z, radius * 0.16), shade(finish.rim, 0.8))


def _flare(axle: float, radius: float, z: float) -> Points:
    """The angular wheel arch of an off-roader."""
    x = np.array([-1.45, -1.1, -0.9, 0.9, 1.15, 1.5, 1.15, 0.9, -0.9, -1.15])
    y = np.array([0.9, 2.0, 2.22, 2.22, 2.0, 0.9, 0.9, 1.9, 1.9, 0.9])
    return np.column_stack([axle + radius * x, radius * y, np.full(len(x), z)])


def add_fittings(canvas: Canvas, body: Body, finish: Finish, near: float) -> None:
    """What stands off the body or runs along it."""
    shape, front = body.shape, canvas.camera.sees_front
    if "stripes" in finish.options:
        _stripes(canvas, body, finish)
    if "rails" in finish.options:
        x = np.linspace(shape.glass[0] + 0.9, shape.glass[1] - 0.5, 8)
        rail = body.surface(x, body.top(x), near) + np.array([0, 0.05, 0])
        canvas.line(rail, COLOURS["dark"], 4)
    if "spoiler" in finish.options or "whale_tail" in finish.options:
        _spoiler(canvas, body, finish, big="whale_tail" in finish.options)
    if "spare" in finish.options and not front:
        for radius, colour in ((0.38, COLOURS["tyre"]), (0.23, finish.rim)):
            canvas.polygon(_facing_disc(shape.length - 0.02, 1.02, 0.0, radius), colour)
    if "hood_bulge" in finish.options and front:
        _hood_box(canvas, body, (0.3, 0.7), 0.28, shade(finish.paint, 0.7))
    if "engine_lid" in finish.options and not front:
        _lid(canvas, body)
    if "rack_lights" in finish.options:
        for z in (-0.5, -0.17, 0.17, 0.5):
            lamp = _facing_disc(1.8, body.height + 0.07, z, 0.08)
            canvas.polygon(lamp, COLOURS["lamp"] if front else COLOURS["black"])


def _stripes(canvas: Canvas, body: Body, finish: Finish) -> None:
    """Two racing stripes along the bonnet, the roof and the deck, where they face the camera."""
    colour = contrast(finish)
    for i, part in enumerate(body.parts):
        segment = body.line[i : i + 2]
        step = segment[1] - segment[0]
        offset = canvas.camera.position - np.array([segment[0, 0], segment[0, 1], 0.0])
        if part in ("hood", "roof", "deck") and -step[1] * offset[0] + step[0] * offset[1] > 0:
            for low, high in ((-0.32, -0.08), (0.08, 0.32)):
                x, y = segment[[0, 1, 1, 0], 0], segment[[0, 1, 1, 0], 1]
                z = body.half_width(x, y) * np.array([low, low, high, high])
                canvas.polygon(np.column_stack([x, y + 0.004, z]), colour)


def _hood_box(canvas: Canvas, body: Body, span: tuple[float, float], reach: float, colour: Colour) -> None:
    """A bulge or scoop on the bonnet; `span` is a fraction of the bonnet's length."""
    x0, x1 = (body.shape.glass[0] * s for s in span)
    x = np.array([x0, x1, x1, x0])
    y = body.top(x) + 0.01
    canvas.polygon(np.column_stack([x, y, body.half_width(x, y) * reach * np.array([-1, -1, 1, 1])]), colour)


def _lid(canvas: Canvas, body: Body) -> None:
    """The slatted engine lid of a rear-engined car."""
    for s in np.linspace(0.83, 0.9, 5):
        x = np.full(2, s * body.shape.length)
        y = body.top(x) + 0.005
        canvas.line(np.column_stack([x, y, body.half_width(x, y) * np.array([-0.45, 0.45])]), COLOURS["black"], 3)


def _spoiler(canvas: Canvas, body: Body, finish: Finish, *, big: bool) -> None:
    """A wing at the end of the deck."""
    end = body.shape.length * (0.93 if big else 0.975)
    x = np.array([end - (0.35 if big else 0.16), end, end, end - (0.35 if big else 0.16)])
    y = body.top(x) + np.array([0.05, 0.1, 0.1, 0.05]) + (0.06 if big else 0.0)
    z = body.half_width(x, body.top(x)) * np.array([-0.92, -0.92, 0.92, 0.92])
    canvas.polygon(np.column_stack([x, y - 0.06, z]), shade(finish.paint, 0.5))
    canvas.polygon(np.column_stack([x, y, z]), shade(finish.paint, 0.95))
