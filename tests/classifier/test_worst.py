"""The worst classes: surely bad ones first, shown with the photos that fooled the model."""

import numpy as np

from autodetect.classifier.pooling import by_vehicle
from autodetect.classifier.worst import worst_classes


def judged(answers, truth, vehicles, photos=()):
    """Return the worst classes of photos given as (answer, probability) of three classes."""
    probabilities = np.zeros((len(answers), 3))
    for row, (answer, probability) in enumerate(answers):
        probabilities[row] = (1 - probability) / 2
        probabilities[row, answer] = probability
    pooled = by_vehicle(np.log(probabilities), np.array(truth), vehicles)
    return worst_classes(pooled, probabilities, photos, ("a", "b", "c"))


def test_a_class_that_is_surely_bad_comes_before_one_that_had_bad_luck():
    # Class 0: its one car is wrong. Class 1: 12 of 20 cars are. Class 2 is right.
    answers = [(1, 0.9)] + [(2, 0.9)] * 9 + [(0, 0.9)] * 3 + [(1, 0.9)] * 8 + [(2, 0.9)]
    found = judged(answers, [0] + [1] * 20 + [2], [f"v{i:02}" for i in range(22)])
    assert [(each.name, each.top1.n, each.top1.share, each.taken_for) for each in found] == [
        ("b", 20, 0.4, "c"),
        ("a", 1, 0.0, "b"),
    ]
    assert found[0].photos == ()


def test_photos_are_the_surest_mistakes_one_per_car():
    answers = [(1, 0.6), (1, 0.8), (2, 0.7), (0, 0.99), (1, 0.5)]
    [found] = judged(answers, [0] * 5, ["x", "x", "y", "z", "z"], photos=list("pqrst"))
    assert [(each.sha256, each.answer, each.probability) for each in found.photos] == [
        ("q", "b", 0.8),
        ("r", "c", 0.7),
        ("t", "b", 0.5),
    ]


def test_a_model_without_mistakes_has_no_worst_class():
    assert judged([(0, 0.9), (1, 0.9)], [0, 1], ["x", "y"]) == ()
