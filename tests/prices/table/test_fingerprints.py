"""Equal texts share a fingerprint; others do not, but by a chance of one in 2^64."""

from collections import Counter

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.prices.table.fingerprints import fingerprints, repeated

TEXTS = st.text(max_size=3) | st.text("ab\x00", max_size=20)
ROWS = st.lists(st.tuples(TEXTS, st.integers(0, 2)), max_size=30)


@given(rows=ROWS, skipped=st.integers(0, 3))
@settings(deadline=None, max_examples=100)
def test_what_repeats_is_what_is_equal(rows, skipped):
    texts = pa.array(["shared"] * skipped + [text for text, _ in rows], pa.large_string()).slice(skipped)
    seeds = np.array([seed for _, seed in rows], np.int64)
    found = repeated(fingerprints(texts, np.arange(len(rows)), seeds))
    times = Counter(rows)
    assert found.tolist() == [times[row] > 1 for row in rows]


def test_a_hundred_thousand_near_texts_differ():
    texts = pa.array([f"{'v' * (i % 9)}{i:08x}" for i in range(100_000)], pa.large_string())
    found = fingerprints(texts, np.arange(len(texts)), np.zeros(len(texts), np.int64))
    assert len(np.unique(found)) == len(texts)


def test_only_the_rows_asked_about_are_read():
    texts = pa.array(["a", None, "a", "b"], pa.large_string())
    one, other, third = fingerprints(texts, np.array([0, 2, 3]), np.zeros(3, np.int64))
    assert one == other != third
