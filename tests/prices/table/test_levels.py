"""A row has the figures of the first level that has enough, whatever the groups are."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.prices.table.levels import NONE, Used, rolled_up, sellers
from autodetect.sections import PriceSettings

MODELS, WIDTH, NEEDED = 5, 3, 4
GROUP = st.integers(NONE, 2)
LISTING = st.tuples(st.integers(0, MODELS - 1), st.integers(0, WIDTH - 1), st.integers(1, 10**6), st.integers(NONE, 2))


@given(
    listings=st.lists(LISTING, max_size=60),
    make_of=st.lists(GROUP, min_size=MODELS, max_size=MODELS),
    segment_of=st.lists(GROUP, min_size=MODELS, max_size=MODELS),
    precisions=st.randoms(use_true_random=False),
)
@settings(deadline=None, max_examples=80)
def test_it_is_what_a_search_level_by_level_finds(listings, make_of, segment_of, precisions):
    columns = [np.array([row[at] for row in listings], np.int64) for at in range(4)]
    coarse = np.array([precisions.randrange(3) for _ in listings], np.int8)
    used = Used(columns[0], columns[1], WIDTH, columns[2], columns[3], coarse)
    keys = np.arange(MODELS * WIDTH)
    levels = [np.arange(MODELS), np.array(make_of), np.array(segment_of)]
    rows = rolled_up(used, keys, levels, PriceSettings(min_comparables=NEEDED))
    known = sellers(used, keys)
    for key in keys:
        model, cell = divmod(int(key), WIDTH)
        wanted = (NONE, [], [])
        for number, group_of in enumerate(levels):
            group = group_of[model]
            mine = [at for at, row in enumerate(listings) if group_of[row[0]] == group != NONE and row[1] == cell]
            if len(mine) >= NEEDED:
                wanted = (number, [listings[at][2] for at in mine], [int(coarse[at]) for at in mine])
                break
        level, cents, dates = wanted
        row = rows.loc[int(key)]
        assert row["level"] == level
        if level == NONE:
            assert row[["level_count", "median", "low", "precision"]].isna().all()
        else:
            assert (row["level_count"], row["low"], row["high"]) == (len(cents), min(cents) / 100, max(cents) / 100)
            assert abs(row["median"] - np.median(cents) / 100) < 0.0051
            assert row["precision"] == max(dates)
        own = {seller for owner, place, _, seller in listings if (owner, place) == (model, cell)} - {NONE}
        assert known[key] == len(own)
        assert row["count_0"] == sum((owner, place) == (model, cell) for owner, place, _, _ in listings)
