"""The drawn cars: every body can be seen from everywhere, and no two models look alike."""

import itertools
import math
import random

import numpy as np
import pytest

from crawlers.sandbox.making.models import MODELS, OTHERS
from crawlers.sandbox.painting.backdrop import PLACES
from crawlers.sandbox.painting.body import Body, BodyShape, vary
from crawlers.sandbox.painting.canvas import Camera
from crawlers.sandbox.painting.finish import Finish
from crawlers.sandbox.painting.scene import View, photograph
from crawlers.sandbox.painting.shapes import OTHER_SHAPES, SHAPES

ALL = {**SHAPES, **OTHER_SHAPES}


def view(azimuth: float, place: str = "grass") -> View:
    return View((320, 240), math.radians(azimuth), 8.0, 1.4, 0.9, (0.0, 0.0), 0.0, place, dusk=False, seed=5)


def finish(shape: BodyShape) -> Finish:
    return Finish.choose(shape, random.Random(1))


def test_every_traded_model_has_a_body_of_its_own() -> None:
    assert {model.shape for model in MODELS} == set(SHAPES)
    assert {model.shape for model in OTHERS} == set(OTHER_SHAPES)
    assert len(MODELS) >= 12


@pytest.mark.parametrize("name", ALL)
def test_a_car_can_be_photographed_from_all_around(name: str) -> None:
    for azimuth in range(-170, 180, 40):
        image = np.asarray(photograph(ALL[name], finish(ALL[name]), view(azimuth)), dtype=float)
        assert image.shape == (240, 320, 3)
        assert image.std() > 15


@pytest.mark.parametrize("place", PLACES)
def test_a_car_stands_out_from_every_place(place: str) -> None:
    shape = SHAPES["mustang"]
    car = np.asarray(photograph(shape, finish(shape), view(45, place)), dtype=float)
    other = np.asarray(photograph(SHAPES["wrangler"], finish(SHAPES["wrangler"]), view(45, place)), dtype=float)
    assert np.abs(car - other)[80:200, 60:260].mean() > 15


def test_no_two_models_share_a_silhouette_or_a_face() -> None:
    lines = {}
    for name, shape in ALL.items():
        x = np.linspace(0.03, 0.97, 60)
        lines[name] = Body(shape).top(x * shape.length) / shape.length
    for one, two in itertools.combinations(ALL, 2):
        assert np.abs(lines[one] - lines[two]).max() > 0.02, (one, two)
        assert ALL[one].front != ALL[two].front


def test_two_vehicles_of_a_model_differ_by_centimetres() -> None:
    shape = SHAPES["tt"]
    one, two = (Body(vary(shape, random.Random(seed))).line for seed in (1, 2))
    assert 0.0 < np.abs(one - two).max() < 0.15


def test_a_mirrored_direction_is_a_mirrored_picture() -> None:
    body = Body(SHAPES["beetle"])
    points = body.surface(body.line[:, 0], body.line[:, 1], 1.0)
    left = Camera(0.7, 8.0, 1.4, body.shape.length).project(points)
    right = Camera(-0.7, 8.0, 1.4, body.shape.length).project(points * [1, 1, -1])
    assert np.allclose(left * [-1, 1], right)
