import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autodetect.classifier.finetune.batches import Batches, positions_of
from tests.classifier.finetune.tiny import CLASSES, SCRATCH, SIZE, photos


@given(st.integers(1, 50), st.integers(1, 20), st.integers(0, 9))
def test_every_photo_comes_once_in_each_round_whatever_the_batch_size(count, size, seed):
    order = np.concatenate([positions_of(number, count, size, seed) for number in range(-(-3 * count // size))])
    for turn in range(3):
        assert sorted(order[turn * count : (turn + 1) * count]) == list(range(count))


def test_rounds_and_seeds_have_orders_of_their_own():
    orders = {positions_of(number, 64, 64, seed).tobytes() for number in range(3) for seed in range(3)}
    assert len(orders) == 9


def test_batches_made_from_the_middle_are_those_made_from_the_start():
    data, given_to = photos(30, 28, 0), {"classes": CLASSES, "size": SIZE, "settings": SCRATCH, "seed": 4}
    whole, rest = Batches(data, start=0, count=6, **given_to), Batches(data, start=4, count=2, **given_to)
    assert (len(whole), len(rest)) == (6, 2)
    for late, early in ((0, 4), (1, 5)):
        for ours, theirs in zip(rest[late], whole[early], strict=True):
            np.testing.assert_array_equal(ours, theirs)
    pixels, targets = whole[0]
    assert (pixels.shape, pixels.dtype) == ((8, SIZE, SIZE, 3), np.uint8)
    np.testing.assert_array_equal(targets.argmax(axis=1), data.labels[positions_of(0, 30, 8, 4)])
    np.testing.assert_array_equal(targets.sum(axis=1), 1)
