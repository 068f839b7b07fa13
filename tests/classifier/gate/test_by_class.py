import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.classifier.gate import class_groups, decide
from autodetect.classifier.gate.by_class import pools
from autodetect.sections import GateSettings
from tests.classifier.gate.answered import ASKED, answers

NAMES = {0: "Fit", 1: "Jazz", 2: "Tahoe", 3: "Yukon", 4: "86", 5: "BRZ"}


def compared(changes, limits=None, groups=(), classes=40):
    """Return the verdict on classes given as class id -> (vehicles, gained, lost); the rest were right both times."""
    truth, old, new = [], [], []
    for class_id, (vehicles, gained, lost) in changes.items():
        truth += [class_id] * vehicles
        old += [False] * gained + [True] * (vehicles - gained)
        new += [True] * (vehicles - lost) + [False] * lost
    return decide(
        answers(new, classes, truth=truth),
        answers(old, classes, truth=truth),
        **ASKED,
        groups=groups,
        names=NAMES,
        limits=limits or GateSettings(),
    )


def classes_part(verdict):
    return next(part for part in verdict.parts if part.name == "classes")


def test_a_class_that_is_lost_blocks_while_the_average_gains():
    steady = dict.fromkeys(range(1, 15), (40, 2, 0))
    verdict = compared({0: (40, 0, 14), **steady})
    assert verdict.difference > 0
    assert not verdict.promoted
    assert verdict.words.startswith(
        "refused: Fit dropped on 40 vehicles (-35.0 points, 0 gained, 14 lost, p 0.000916) (Holm's correction over 15 "
        "classes and groups, 5.0 % level); "
    )
    (drop,) = verdict.class_drops
    assert (drop.class_ids, drop.n, drop.drop, drop.blocks) == ((0,), 40, 0.35, True)


def test_a_drop_that_one_class_alone_would_show_is_not_sure_among_many():
    lost = {0: (40, 0, 6)}
    assert not compared(lost).promoted
    among = compared({**lost, **dict.fromkeys(range(1, 15), (40, 0, 0))})
    assert classes_part(among).passed
    assert "not surely: Fit dropped on 40 vehicles (-15.0 points" in classes_part(among).words
    assert (among.classes_judged, among.class_drops[0].blocks) == (15, False)


def test_a_sure_drop_below_ten_points_does_not_block():
    many = dict.fromkeys(range(1, 4), (400, 0, 0))
    below, at = compared({0: (400, 0, 39), **many}), compared({0: (400, 0, 40), **many})
    assert (classes_part(below).passed, below.class_drops) == (True, ())
    assert not classes_part(at).passed


def test_without_a_least_drop_only_classes_that_dropped_are_told():
    verdict = compared({0: (40, 0, 1), 1: (40, 3, 3), 2: (40, 2, 0)}, limits=GateSettings(class_drop_points=0))
    assert [drop.class_ids for drop in verdict.class_drops] == [(0,)]


def test_small_lookalikes_are_judged_together_and_block_together():
    apart = dict.fromkeys(range(4), (6, 0, 4))
    rest = dict.fromkeys(range(10, 20), (30, 0, 0))
    verdict = compared({**apart, **rest}, groups=[frozenset({0, 1, 2, 3})])
    (drop,) = verdict.class_drops
    assert (drop.name, drop.n, drop.lost, drop.blocks) == ("lookalikes Fit, Jazz, Tahoe and 1 more", 24, 16, True)


def test_a_class_stands_alone_with_enough_vehicles_and_joins_one_pool_otherwise():
    vehicles = {0: 3, 1: 4, 2: 30, 3: 5, 4: 9, 5: 10, 6: 1}
    groups = [frozenset({2, 3}), frozenset({0, 1}), frozenset({1, 4})]
    found = {pool.name: pool.class_ids for pool in pools(vehicles, groups, 10, NAMES)}
    # 3's lookalike stands alone; 4's is taken by the group before.
    assert found == {
        "Tahoe": (2,),
        "BRZ": (5,),
        "lookalikes Fit, Jazz": (0, 1),
        "the 3 other small classes together": (3, 4, 6),
    }
    assert [pool.name for pool in pools({7: 2}, groups, 10, NAMES)] == ["class 7"]


@given(
    st.dictionaries(st.integers(0, 12), st.integers(1, 25), max_size=13),
    st.lists(st.frozensets(st.integers(0, 12), max_size=5), max_size=5),
    st.integers(1, 20),
)
def test_every_class_is_in_exactly_one_pool_and_no_large_one_is_pooled(vehicles, groups, small):
    found = pools(vehicles, groups, small, {})
    assert sorted(class_id for pool in found for class_id in pool.class_ids) == sorted(vehicles)
    for pool in found:
        assert len(pool.class_ids) == 1 or all(vehicles[class_id] < small for class_id in pool.class_ids)


def test_equal_models_are_hardly_ever_blocked_by_a_class():
    rng = np.random.default_rng(5)
    blocked = 0
    for _ in range(300):
        old = rng.random(600) < 0.7
        new = np.where(rng.random(600) < 0.3, rng.random(600) < 0.7, old)
        blocked += not classes_part(decide(answers(new, 30), answers(old, 30), **ASKED)).passed
    assert blocked <= 15


@pytest.mark.parametrize("level", [0.001, 0.2])
def test_the_level_of_the_test_is_a_limit(level):
    verdict = compared({0: (40, 0, 7), 1: (40, 0, 0)}, limits=GateSettings(class_level=level))
    assert classes_part(verdict).passed is (level == 0.001)


def test_groups_of_cars_become_groups_of_classes():
    cars = {7: "toyota-86", 3: "subaru-brz", 5: "gmc-yukon"}
    declared = [frozenset({"toyota-86", "subaru-brz", "scion-fr-s"}), frozenset({"gmc-yukon", "chevrolet-tahoe"})]
    assert class_groups(cars, declared) == (frozenset({3, 7}),)
