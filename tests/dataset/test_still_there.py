"""Listings that are simply still there come out as one by one they would."""

from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from autodetect.dataset.presence import placed, presences
from autodetect.dataset.still_there import listed, rows_among, still_there
from autodetect.lake.schemas import LISTINGS, SEEN
from autodetect.lake.tables import rows_of

NIGHTS = [date(2026, 11, 1) + timedelta(days=n) for n in range(6)]
KEYS = [("sandbox", "1"), ("sandbox", "2"), ("ebay-api", "1"), ("ebay-api", "3")]


@st.composite
def lakes(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    known = []
    for source, item_id in draw(st.lists(st.sampled_from(KEYS), unique=True)):
        status = draw(st.sampled_from(["active", "active", "missing", "ended", "sold", "imported"]))
        first = draw(st.integers(0, 3))
        row = {"source": source, "item_id": item_id, "status": status, "night": NIGHTS[0], "last_slice": "old"}
        row |= {"first_seen": NIGHTS[first], "last_seen": NIGHTS[draw(st.integers(first, 4))]}
        known.append(row | {"missed": 1 if status in ("missing", "ended") else 0, "title": f"car {item_id}"})
    nights = draw(st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(NIGHTS)), unique=True))
    return known, [{"source": s, "item_id": i, "night": night, "slice": f"in {night}"} for (s, i), night in nights]


@given(lake=lakes(), told=st.sets(st.sampled_from(KEYS)))
def test_the_join_says_what_one_by_one_would_be_said(lake: Any, told: set[tuple[str, str]]) -> None:
    known, seen = lake
    steady, others = still_there(rows_of(LISTINGS, known), rows_of(SEEN, seen), told)
    assert steady.schema == LISTINGS.schema
    one_by_one = presences(seen, [])
    rows = {(row["source"], row["item_id"]): row for row in rows_of(LISTINGS, known).to_pylist()}
    done = {(row["source"], row["item_id"]) for row in steady.to_pylist()}
    for row in steady.to_pylist():
        key = (row["source"], row["item_id"])
        assert row == placed(rows[key], one_by_one[key], night=NIGHTS[5], missing_nights=2)
    assert not done & told
    assert [row for row in seen if (row["source"], row["item_id"]) not in done] == others.to_pylist()
    left = [k for k in rows if k not in done | told and k in one_by_one and rows[k]["status"] == "active"]
    assert all(max(one_by_one[key].seen) <= rows[key]["last_seen"] for key in left)


def test_no_rows_and_no_keys_are_no_trouble() -> None:
    empty = rows_of(LISTINGS, [])
    assert still_there(empty, rows_of(SEEN, []), set())[0].num_rows == 0
    assert rows_among(empty, {KEYS[0]}).num_rows == 0
    one = pa.table({"source": ["sandbox"], "item_id": ["1"]})
    assert listed(one.to_pandas(), set()).tolist() == [False]
    assert rows_among(one, {KEYS[0], KEYS[3]}) == one
