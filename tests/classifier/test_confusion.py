"""Lookalikes: which mistakes stay inside a group, counted by hand."""

import numpy as np

from autodetect.classifier.confusion import MOST_GROUPS, lookalikes, outputs_of

NAMES = ("Brz", "86", "Fr-s", "Tahoe", "Yukon", "500")
#                  86->Brz x2, 86 right, Brz->500, Tahoe->Yukon, Yukon right, 500->Tahoe
TRUTH = np.array([1, 1, 1, 0, 3, 4, 5])
ANSWERED = np.array([0, 0, 1, 5, 4, 4, 3])
GROUPS = ((0, 1, 2), (3, 4))


def test_mistakes_inside_a_group_are_told_from_others():
    found = lookalikes(ANSWERED, TRUTH, GROUPS, NAMES)
    assert (found.wrong, found.excused) == (5, 3)
    assert found.top1_alike.share == round(5 / 7, 6)
    first, second = found.groups
    assert first.classes == ("Brz", "86", "Fr-s")
    assert (first.top1.n, first.top1.share, first.within.share) == (4, 0.25, 0.75)
    assert [(each.truth, each.answer, each.vehicles) for each in first.mistaken] == [("86", "Brz", 2)]
    assert (second.top1.share, second.within.share) == (0.5, 1.0)


def test_a_car_of_two_groups_is_excused_once_and_groups_are_not_chained():
    found = lookalikes(np.array([1, 2]), np.array([0, 0]), [(0, 1), (1, 2), (0, 1)], NAMES)
    assert (found.wrong, found.excused) == (2, 1)
    assert len(found.groups) == 1


def test_groups_with_most_mistakes_come_first_and_the_rest_is_left_out():
    groups = [(2 * i, 2 * i + 1) for i in range(12)]
    truth = np.repeat(np.arange(0, 24, 2), 12)
    answered = truth + (np.tile(np.arange(12), 12) < np.repeat(np.arange(12), 12))
    found = lookalikes(answered, truth, groups, [str(i) for i in range(24)])
    assert len(found.groups) == MOST_GROUPS
    assert [sum(each.vehicles for each in group.mistaken) for group in found.groups] == list(range(11, 1, -1))


def test_without_groups_there_is_nothing_to_say():
    assert lookalikes(ANSWERED, TRUTH, (), NAMES) is None


def test_groups_of_classes_become_outputs_of_this_model():
    assert outputs_of([{7, 9}, {9, 11, 12}, {7, 5}], (9, 12, 7)) == ((0, 2), (0, 1))
