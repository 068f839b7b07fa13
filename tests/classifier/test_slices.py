"""Slices: both models on the same named vehicles, and what re-framing costs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.classifier.gate import Answers
from autodetect.classifier.slices import Reframed, Slices, phone_slice, reframed, slice_figures
from autodetect.classifier.split_arrays import Examples


def answers(truth, answered, known=(0, 1, 2), ranks=True):
    """Return answers for vehicles v0, v1, ...; a wrong answer ranks fifth."""
    names = [f"v{i}" for i in range(len(truth))]
    right = dict(zip(names, truth, strict=True))
    given_ = dict(zip(names, answered, strict=True))
    places = {name: 0 if given_[name] == right[name] else 4 for name in names if right[name] in known}
    return Answers(frozenset(known), right, given_, places if ranks else {})


def test_a_slice_counts_its_own_vehicles_alone():
    ours = answers([0, 0, 1, 1, 2], [0, 1, 1, 1, 0])
    found = slice_figures("benchmark", ours, None, {"v0", "v1", "v2", "gone"})
    assert (found.asked, found.vehicles, found.top1.n, found.beside) == (4, 3, 3, None)
    assert found.top1.share == found.top3.share == pytest.approx(2 / 3, abs=1e-6)
    assert found.words.startswith("top-1 66.7% (20.8% to 93.9%), top-3 66.7% of 3 vehicles")


def test_the_champion_is_compared_on_vehicles_of_classes_that_it_knows():
    ours = answers([0, 0, 1, 2, 2], [0, 0, 1, 2, 0])
    theirs = answers([0, 0, 1, 2, 2], [0, 1, 1, 0, 0], known=(0, 1))
    found = slice_figures("recent", ours, theirs, [f"v{i}" for i in range(5)])
    assert found.top1.n == 5
    beside = found.beside
    assert (beside.ours_top1.n, beside.champion_top1.n, beside.gap.n) == (3, 3, 3)
    assert (beside.ours_top1.share, beside.champion_top1.share) == (1.0, pytest.approx(2 / 3, abs=1e-6))
    assert (beside.gap.gained, beside.gap.lost) == (1, 0)
    assert beside.gap.low < beside.gap.difference < beside.gap.high
    assert "of the 3 that the champion knows 100.0%, the champion 66.7% (+33.3 points (" in found.words


def test_a_slice_without_a_vehicle_says_that_it_was_not_measured():
    ours = answers([0], [0], known=(1,))
    for vehicles in ((), ("v7",), ("v0",)):
        found = slice_figures("recent", ours, ours, vehicles)
        assert (found.vehicles, found.top1, found.beside) == (0, None, None)
        assert found.words == f"not measured: 0 of {len(vehicles)} vehicles are tested tonight"


def test_a_champion_that_knows_none_of_the_slice_is_left_out():
    theirs = answers([0, 0], [2, 2], known=(2,))
    assert slice_figures("recent", answers([0, 0], [0, 1]), theirs, ["v0", "v1"]).beside is None


OUTCOMES = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


@given(OUTCOMES)
def test_the_gap_is_the_difference_of_both_shares_and_turns_its_sign_with_the_models(outcomes):
    ours, theirs = (answers([0] * len(outcomes), [0 if pair[i] else 1 for pair in outcomes]) for i in (0, 1))
    names = list(ours.truth)
    one, other = slice_figures("s", ours, theirs, names).beside, slice_figures("s", theirs, ours, names).beside
    assert one.gap.difference == pytest.approx(one.ours_top1.share - one.champion_top1.share, abs=2e-6)
    assert one.gap.low <= one.gap.difference <= one.gap.high
    assert (other.gap.low, other.gap.high) == (-one.gap.high, -one.gap.low)


CENTRES = 4 * np.eye(3, dtype=np.float32)


def predict(x):
    scores = np.exp(x @ CENTRES.T / 4)
    return scores / scores.sum(axis=1, keepdims=True)


def shown(count=12):
    """Return two photos of each of `count` vehicles that any model gets right, and views that lose every other one."""
    y = np.repeat(np.arange(count) % 3, 2)
    vehicles = np.repeat([f"v{i:02}" for i in range(count)], 2)
    photos = [f"{chr(98 - i % 2)}{i // 2:02}" for i in range(2 * count)]  # the second photo has the lower digest
    test = Examples(CENTRES[y], 10 * y.astype(np.int64), vehicles, photos)
    street = {photo: CENTRES[(y[i] + (i // 2) % 2) % 3] for i, photo in enumerate(photos) if photo.startswith("a")}
    return test, street


def test_the_phone_slice_compares_one_photo_of_each_vehicle_with_itself():
    test, street = shown()
    ours = reframed(predict, (0, 10, 20), test, street)
    found = phone_slice(ours)
    assert (found.plain.vehicles, found.street.vehicles) == (12, 12)
    assert (found.plain.top1.share, found.street.top1.share) == (1.0, 0.5)
    assert (found.loss.difference, found.loss.gained, found.loss.lost) == (0.5, 6, 0)
    assert 0 < found.loss.low < 0.5 < found.loss.high
    assert "top-1 loses 50.0 points (" in found.words
    assert Slices.model_validate_json(Slices(phone=found).model_dump_json()).phone == found


def test_a_vehicle_counts_once_by_its_lowest_photo_that_has_a_view():
    test, street = shown()
    # A view of the other photo as well, which would always be right.
    both = street | {photo: test.x[i] for i, photo in enumerate(test.photos) if photo.startswith("b")}
    assert phone_slice(reframed(predict, (0, 10, 20), test, both)).street.top1.share == 0.5
    only_others = {photo: vector for photo, vector in both.items() if photo.startswith("b")}
    assert phone_slice(reframed(predict, (0, 10, 20), test, only_others)).street.top1.share == 1.0


def test_the_champions_loss_is_told_on_what_it_knows():
    test, street = shown()
    ours = reframed(predict, (0, 10, 20), test, street)
    theirs = reframed(lambda x: predict(x)[:, :2], (0, 10), test, street)
    found = phone_slice(ours, theirs)
    assert found.loss.n == 12
    assert found.champion_loss.n == found.street.beside.gap.n == 8
    assert "the champion " in found.words.rpartition("listed")[2]


def test_without_views_the_phone_slice_is_not_measured():
    test, _ = shown()
    assert reframed(predict, (0, 10, 20), test, {}) is None
    assert reframed(predict, (0, 10, 20), test, {"of another night": CENTRES[0]}) is None
    unknown = Reframed(answers([7], [0]), answers([7], [0]))
    for found in (phone_slice(None), phone_slice(unknown)):
        assert found.words.startswith("not measured")
        assert (found.plain, found.street, found.loss, found.champion_loss) == (None, None, None, None)
