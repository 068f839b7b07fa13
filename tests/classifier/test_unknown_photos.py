"""Which cars are unknown: those that say so, and names that are no class; whole vehicles, a stable choice."""

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.classifier.unknown_photos import NO_CLASS, choose_unknown, load_unknown, says_other_cars
from autodetect.dataset.candidates import COLUMNS
from autodetect.lake.lake import open_lake
from autodetect.lake.schemas import EMBEDDINGS, LISTING_PHOTOS, LISTINGS, PHOTOS, VEHICLES
from autodetect.lake.tables import rows_of
from autodetect.records import Receipt, StageRun
from autodetect.settings import Settings

NIGHT = date(2026, 11, 1)


@pytest.fixture
def lake(tmp_path):
    return open_lake(Settings(lake=str(tmp_path / "lake")), create=True)


def reader(lake):
    return lambda table, *, columns=None, where=None: lake.tables.read(table, columns=columns, where=where)


def fill(lake, cars):
    """Write listings given as item -> (reason, vehicle, split, photos by copy group, changes)."""
    rows = {LISTINGS: [], VEHICLES: [], LISTING_PHOTOS: [], PHOTOS: []}
    known = set()
    for item, (reason, vehicle, split, photos, changes) in cars.items():
        key = {"source": "s", "item_id": item, "night": NIGHT}
        named = None if reason in {"other", "unclear"} else "ford/mustang"
        rows[LISTINGS].append({**key, "title": "A car", "catalog_reason": reason, "make_model_id": named, **changes})
        burned = changes.get("burned", False)
        rows[VEHICLES].append({**key, "vehicle_id": vehicle, "split": split, "burned": burned})
        for place, photo in enumerate(photos):
            rows[LISTING_PHOTOS].append({**key, "position": place, "sha256": photo, "url": photo})
            if photo not in known:
                known.add(photo)
                verdict = "photo.blank" if photo.startswith("bad") else "ok"
                rows[PHOTOS].append({"sha256": photo, "night": NIGHT, "verdict": verdict, "copy_group": photo[:4]})
    for table, found in rows.items():
        names = set(table.schema.names)
        lake.tables.append(table, rows_of(table, [{k: v for k, v in row.items() if k in names} for row in found]))


def test_cars_that_say_they_are_something_else_are_unknown_and_nothing_else_is(lake):
    fill(
        lake,
        {
            "1": ("other", "v1", "test", ["aaaa", "bbbb-2"], {}),
            "2": ("other", "v2", "validation", ["cccc", "bad0"], {}),
            "3": ("other", "v3", "train", ["dddd"], {}),
            "4": ("exact", "v4", "test", ["eeee"], {}),
            "5": ("unclear", "v5", "test", ["ffff"], {}),
            "6": ("other", "v6", "test", ["gggg"], {"burned": True}),
            "7": ("other", "v7", "test", ["hhhh"], {"title": "Cobra replica"}),
        },
    )
    found = says_other_cars(reader(lake))
    assert found.columns.tolist() == COLUMNS
    assert found.to_numpy().tolist() == [
        ["aaaa", "", "v1", "test"],
        ["bbbb", "", "v1", "test"],
        ["cccc", "", "v2", "validation"],
    ]


def test_what_another_listing_names_is_not_unknown(lake):
    fill(
        lake,
        {
            "1": ("other", "v1", "test", ["aaaa"], {}),
            "2": ("exact", "v1", "test", ["bbbb"], {}),  # the same car, named in another listing
            "3": ("other", "v3", "test", ["cccc-1", "dddd"], {}),
            "4": ("exact", "v4", "test", ["cccc-2"], {}),  # a copy of its photo under a named car
            "5": ("other", "v5", "test", ["eeee-1"], {}),
            "6": ("other", "v6", "validation", ["eeee-2", "ffff"], {}),  # one picture in two splits
        },
    )
    assert says_other_cars(reader(lake))["sha256"].tolist() == ["dddd", "ffff"]


def test_a_lake_without_such_listings_has_none(lake):
    found = says_other_cars(reader(lake))
    assert (len(found), found.columns.tolist()) == (0, COLUMNS)
    assert [len(frame) for frame in choose_unknown(found).values()] == [0, 0]


ROWS = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["", "ford/mustang", "ford/rare"])), max_size=40)


@given(rows=ROWS, most=st.integers(0, 20))
def test_the_choice_is_bounded_whole_stable_and_free_of_known_classes(rows, most):
    split = {number: ("train", "validation", "test")[number % 3] for number in range(10)}
    lines = [
        [f"{(i * 7919) % 1000:03}", model, f"v{number}-{model}", split[number]]
        for i, (number, model) in enumerate(rows)
    ]
    frame = pd.DataFrame(lines, columns=COLUMNS)
    chosen = choose_unknown(frame, known={"ford/mustang"}, most_photos=most)
    possible = frame[frame["make_model_id"] != "ford/mustang"]
    for name, found in chosen.items():
        assert len(found) <= most
        mine = possible[possible["split"] == name]
        whole = mine.groupby("vehicle_id")["sha256"].agg(set)
        assert all(set(rest["sha256"]) == whole[vehicle] for vehicle, rest in found.groupby("vehicle_id"))
        left = set(mine["vehicle_id"]) - set(found["vehicle_id"])
        if left and len(found):
            first = mine.groupby("vehicle_id")["sha256"].min()
            assert first[list(set(found["vehicle_id"]))].max() < first[list(left)].min()
    again = choose_unknown(frame.sample(frac=1, random_state=1), known={"ford/mustang"}, most_photos=most)
    assert all(found.equals(again[name]) for name, found in chosen.items())


def test_chosen_photos_come_with_their_plain_embeddings_and_others_are_left_out(lake):
    made = {"backbone": "b", "preprocessing": "p", "engine": "e", "view": "plain", "night": NIGHT}

    def row(sha256, value, **changes):
        return {**made, "sha256": sha256, "vector": np.full(4, value, "<f2").tobytes(), **changes}

    rows = [row("p1", 1), row("p2", 2), row("p1", 9, view="street-v1"), row("p3", 9, engine="other"), row("p9", 9)]
    lake.tables.append(EMBEDDINGS, rows_of(EMBEDDINGS, rows))
    receipt = Receipt(
        night=NIGHT, stage="curate", run_id="r", versions={EMBEDDINGS.name: lake.tables.version(EMBEDDINGS)}
    )
    run = StageRun(night=NIGHT, run_id="r", now=datetime(2026, 11, 1, tzinfo=UTC), inputs={"curate": receipt})
    frame = pd.DataFrame(
        [["p1", "", "v1", "test"], ["p3", "", "v1", "test"], ["p2", "x/y", "v2", "validation"]], columns=COLUMNS
    )
    found = load_unknown(lake, run, choose_unknown(frame), backbone="b", engine="e")
    assert (found["test"].photos, found["test"].vehicles.tolist(), found["test"].x.tolist()) == (
        ["p1"],
        ["v1"],
        [[1] * 4],
    )
    assert found["validation"].photos == ["p2"]
    assert set(found["test"].class_ids.tolist()) == {NO_CLASS}
    nothing = load_unknown(lake, run, choose_unknown(frame), backbone="of another night", engine="e")
    assert [(len(each.photos), len(each.x)) for each in nothing.values()] == [(0, 0), (0, 0)]
