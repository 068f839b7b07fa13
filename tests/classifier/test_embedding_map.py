"""The map of test vehicles: the same each time, one point a vehicle, neighbours stay neighbours."""

import numpy as np

from autodetect.classifier.embedding_map import MOST_VEHICLES, EmbeddingMap, embedding_map

CENTRES = np.random.default_rng(0).normal(size=(4, 64))


def photos(vehicles, seed=0):
    """Return two photos a vehicle of four classes with ids 0, 10, 20, 30: embeddings, classes, vehicles."""
    y = np.repeat(np.arange(vehicles) % 4, 2)
    x = CENTRES[y] + 0.3 * np.random.default_rng(seed).normal(size=(len(y), 64))
    return x.astype(np.float32), 10 * y, np.repeat([f"v{i:05}" for i in range(vehicles)], 2)


def drawn(x, y, vehicles, seed=1):
    labels = {10 * i: f"class {i}" for i in range(4)}
    return embedding_map(x, y, vehicles, labels=labels, groups={0: "ford", 10: "ford", 20: "audi"}, seed=seed)


def test_the_same_vehicles_give_the_same_map():
    x, y, vehicles = photos(60)
    found = drawn(x, y, vehicles)
    assert drawn(x, y, vehicles) == found
    assert drawn(x, y, vehicles, seed=2) != found
    assert EmbeddingMap.model_validate_json(found.model_dump_json()) == found


def test_cars_of_one_class_lie_together():
    found = drawn(*photos(60))
    assert (found.vehicles, len(found.x), len(found.y)) == (60, 60, 60)
    assert (found.labels, found.groups) == (
        ("class 0", "class 1", "class 2", "class 3"),
        ("ford", "ford", "audi", "class 3"),
    )
    places = np.column_stack([found.x, found.y])
    apart = np.linalg.norm(places[:, None] - places[None], axis=2) + 1e9 * np.eye(60)
    classes = np.array(found.classes)
    assert (classes[apart.argmin(axis=1)] == classes).mean() > 0.95


def test_of_many_vehicles_a_stable_choice_is_shown(monkeypatch):
    monkeypatch.setattr("autodetect.classifier.embedding_map.MOST_VEHICLES", 40)
    x, y, vehicles = photos(80)
    found = drawn(x, y, vehicles)
    assert (found.vehicles, len(found.x)) == (80, 40)
    shuffled = np.random.default_rng(3).permutation(len(x))
    assert drawn(x[shuffled], y[shuffled], vehicles[shuffled]).classes == found.classes
    assert MOST_VEHICLES == 1_500


def test_a_few_vehicles_or_equal_ones_have_no_map():
    assert drawn(*photos(11)) is None
    assert drawn(*photos(12)) is not None
    x, y, vehicles = photos(20)
    assert drawn(np.zeros_like(x), y, vehicles) is None
    half = np.where(np.arange(len(x))[:, None] < 20, 0, x)  # many equal ones among others
    assert np.isfinite(drawn(half, y, vehicles).x).all()
