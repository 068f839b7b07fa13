"""Top-k: micro and macro, and per class, against counts by hand."""

import numpy as np

from autodetect.classifier.accuracy import accuracy, class_scores, ranks
from autodetect.classifier.intervals import wilson

# Six cars: four of class 0 (places 0, 0, 0, 4), one of class 2 (place 2), one of class 5 (place 9); none of 1, 3, 4.
RANKS, TRUTH = np.array([0, 0, 0, 4, 2, 9]), np.array([0, 0, 0, 0, 2, 5])


def test_micro_weighs_cars_and_macro_weighs_classes():
    found = accuracy(RANKS, TRUTH)
    assert [found.top1.share, found.top3.share, found.top5.share] == [0.5, round(4 / 6, 6), round(5 / 6, 6)]
    assert found.macro_top1 == 0.25  # 3/4, 0, 0
    assert found.macro_top3 == round((0.75 + 1 + 0) / 3, 6)
    assert found.macro_top5 == round((1 + 1 + 0) / 3, 6)


def test_of_equal_scores_the_first_counts_as_the_answer():
    scores = np.array([[0.2, 0.4, 0.4], [0.2, 0.4, 0.4], [0.4, 0.4, 0.2]])
    assert ranks(scores, np.array([1, 2, 2])).tolist() == [0, 1, 2]
    assert scores.argmax(axis=1).tolist() == [1, 1, 0]


def test_a_class_has_the_interval_of_its_vehicles_by_photo_too():
    # One class, ten photos of two cars.
    photo_ranks, photo_truth = np.array([0] * 8 + [1, 3]), np.full(10, 1)
    [score] = class_scores(photo_ranks, photo_truth, np.array([0, 1]), np.array([1, 1]), ("a", "b"))
    assert (score.name, score.photos, score.vehicles) == ("b", 10, 2)
    assert (score.top1, score.top3, score.top5) == (0.8, 0.9, 1.0)
    assert (score.vehicle_top1, score.vehicle_top3, score.vehicle_top5) == (0.5, 1.0, 1.0)
    assert score.top1_interval == tuple(round(bound, 6) for bound in wilson(0.8, 2))
    assert score.vehicle_top1_interval == tuple(round(bound, 6) for bound in wilson(0.5, 2))
    assert score.vehicle_top3_interval == tuple(round(bound, 6) for bound in wilson(1.0, 2))
