import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.car_photos import split


@given(
    sizes=st.lists(st.integers(2, 30), min_size=1, max_size=12),
    share=st.floats(0.05, 0.95),
    seed=st.integers(0, 10),
)
def test_every_model_is_on_both_sides_of_a_split_and_no_photo_is(sizes: list[int], share: float, seed: int) -> None:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    most, apart = split(labels, share, seed)
    assert sorted([*most, *apart]) == list(range(len(labels)))
    assert set(labels[most]) == set(labels[apart]) == set(range(len(sizes)))
    again = split(labels, share, seed)
    np.testing.assert_array_equal(most, again[0])
    np.testing.assert_array_equal(apart, again[1])
