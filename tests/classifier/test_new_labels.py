import numpy as np
import pytest

from autodetect.classifier.new_labels import disagreement
from autodetect.errors import StageFailedError
from tests.classifier.new_nights import FIRST

IDS = (10, 20, 30, 40, 50, 60, 70, 80, 90)


def answer(*shares: float) -> list[float]:
    """Return probabilities: these for the first classes, what is left spread over the others."""
    return [*shares, *[(1 - sum(shares)) / (len(IDS) - len(shares))] * (len(IDS) - len(shares))]


def seen(rows, truth, vehicles, sellers=None, **changed):
    asked = {"class_ids": IDS, "confidence": 0.9, "choices": 3} | changed
    return disagreement(
        np.array(rows), truth, vehicles=vehicles, sellers=["s"] * len(truth) if sellers is None else sellers, **asked
    )


def test_a_label_is_doubted_where_it_is_none_of_the_few_likely_classes():
    rows = [
        answer(0.95),  # sure of the first
        answer(0.5, 0.45),  # sure of two
        answer(0.4, 0.3, 0.25),  # sure of three
        answer(0.3, 0.3, 0.2),  # not sure
    ]
    for truth, doubted in ((10, []), (20, [0]), (30, [0, 1]), (40, [0, 1, 2])):
        found = seen(rows, [truth] * 4, ["a", "b", "c", "d"])
        assert found.confident.tolist() == [True, True, True, False]
        assert np.flatnonzero(found.disagreeing).tolist() == doubted
        assert found.answered.tolist() == [10] * 4
    assert seen(rows, [10] * 4, list("abcd"), choices=1).confident.tolist() == [True, False, False, False]


def test_of_few_classes_at_most_a_third_may_be_likely():
    rows = [[0.95, 0.03, 0.02], [0.5, 0.49, 0.01]]
    found = seen(rows, [3, 3], ["a", "b"], class_ids=(1, 2, 3))
    assert found.confident.tolist() == [True, False]
    assert found.disagreeing.tolist() == [True, False]


def test_the_photos_of_a_vehicle_are_one_label_and_two_sellers_are_two():
    rows = [answer(0.95), answer(0.95), answer(0.95), answer(0.01, 0.95)]
    found = seen(rows, [20] * 4, ["a", "a", "a", "b"], sellers=["x", "x", "y", ""])
    assert list(zip(found.sellers.tolist(), found.vehicles.tolist(), found.photos.tolist(), strict=True)) == [
        ("", "b", 1),
        ("x", "a", 2),
        ("y", "a", 1),
    ]
    assert found.of_sellers() == {"x": (1, 1, 1), "y": (1, 1, 1)}
    rest = found.without(frozenset({"x"}))
    assert (rest.sellers.tolist(), rest.disagreeing.tolist()) == (["", "y"], [False, True])
    kept = found.record(FIRST, min_seller_labels=1)
    assert (kept.photos, kept.labels, kept.confident, kept.disagreeing) == (4, 3, 3, 2)
    assert kept.sellers == ((1, 1), (1, 1))


def test_photos_that_contradict_each_other_make_the_champion_unsure():
    found = seen([answer(0.97), answer(0.01, 0.97), answer(0.97)], [10] * 3, ["a", "a", "b"], confidence=0.8)
    assert found.confident.tolist() == [True, True]  # of two classes
    assert found.disagreeing.tolist() == [False, False]
    single = seen([answer(0.97), answer(0.01, 0.97)], [10] * 2, ["a", "a"], confidence=0.8, choices=1)
    assert single.confident.tolist() == [False]


def test_labels_of_classes_that_the_champion_does_not_know_are_left_out():
    found = seen([answer(0.95), answer(0.95)], [10, 99], ["a", "b"])
    assert found.vehicles.tolist() == ["a"]
    assert len(seen([answer(0.95)], [99], ["a"]).truth) == 0


@pytest.mark.parametrize("broken", [np.nan, -0.1, np.inf])
def test_answers_that_are_no_probabilities_are_told(broken):
    with pytest.raises(StageFailedError, match="are no probabilities"):
        seen([[broken, *answer(0.9)[1:]]], [10], ["a"])


def test_a_vehicle_under_two_classes_is_told():
    with pytest.raises(StageFailedError, match="1 new vehicles are under more than one class each, first b"):
        seen([answer(0.9)] * 3, [10, 10, 20], ["a", "b", "b"])
