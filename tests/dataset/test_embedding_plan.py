"""The plan: every lacking embedding is asked for once, a bound is kept, and the street's choice hardly moves."""

import hashlib

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from autodetect.dataset.embedding_plan import (
    bounded,
    evaluated_photos,
    lacking,
    photo_count,
    street_choice,
    training_photos,
    without,
)
from autodetect.embeddings.shards import Identity

PHOTOS = st.sets(st.integers(0, 30).map(lambda number: f"{number:064x}"))
VIEWS = st.dictionaries(st.sampled_from(["plain", "street-v1", "mirror"]), PHOTOS, max_size=3)
IDENTITIES = st.builds(
    Identity,
    backbone=st.sampled_from(["now", "next"]),
    preprocessing=st.just("p"),
    engine=st.sampled_from(["openvino-fp32", "keras-tensorflow-fp32"]),
    view=st.sampled_from(["plain", "street-v1", "mirror"]),
)
HELD = st.dictionaries(IDENTITIES, PHOTOS, max_size=8)
CARS = st.lists(
    st.tuples(
        st.integers(0, 40).map(lambda n: f"vehicle {n}"),
        st.sampled_from(["train", "validation", "test"]),
        st.booleans(),
        st.integers(0, 200).map(lambda n: f"{n:064x}"),
    ),
    max_size=60,
)


def placed(cars: list[tuple[str, str, bool, str]]) -> pd.DataFrame:
    """Each vehicle has the split and mark of its first row, as in the lake."""
    first: dict[str, tuple[str, bool]] = {}
    rows = [(vehicle, *first.setdefault(vehicle, (split, burned)), sha256) for vehicle, split, burned, sha256 in cars]
    frame = pd.DataFrame(rows, columns=["vehicle_id", "split", "burned", "sha256"])
    return frame.astype({"burned": bool})


@given(wanted=VIEWS, held=HELD, engine=st.sampled_from(["openvino-fp32", "keras-tensorflow-fp32"]))
def test_what_is_wanted_and_not_held_by_this_very_identity_is_asked_for_once(wanted, held, engine) -> None:
    jobs = lacking(wanted, held, backbone="now", preprocessing="p", engine=engine)
    assert {(job.identity.backbone, job.identity.engine) for job in jobs} <= {("now", engine)}
    assert all(job.photos == tuple(sorted(set(job.photos))) and job.photos for job in jobs)
    asked = {(job.identity.view, sha256) for job in jobs for sha256 in job.photos}
    there = {
        (identity.view, sha256)
        for identity, photos in held.items()
        if (identity.backbone, identity.engine) == ("now", engine)
        for sha256 in photos
    }
    assert asked == {(view, sha256) for view, photos in wanted.items() for sha256 in photos} - there
    assert without(jobs, {job.identity: job.photos for job in jobs}) == []


@given(wanted=VIEWS, most=st.integers(0, 60))
def test_a_night_makes_so_many_ahead_and_the_first_first(wanted, most) -> None:
    jobs = lacking(wanted, {}, backbone="next", preprocessing="p", engine="e")
    tonight = bounded(jobs, most)
    assert photo_count(tonight) == (min(most, photo_count(jobs)) if most else photo_count(jobs))
    order = [(job.identity, sha256) for job in jobs for sha256 in job.photos]
    assert [(job.identity, sha256) for job in tonight for sha256 in job.photos] == order[: photo_count(tonight)]
    left = without(jobs, {job.identity: job.photos for job in tonight})
    assert photo_count(left) == photo_count(jobs) - photo_count(tonight)


@given(cars=CARS, new=CARS, most=st.integers(0, 20))
def test_the_streets_choice_is_test_vehicles_one_photo_each_and_stays(cars, new, most) -> None:
    frame = placed(cars)
    chosen = street_choice(frame, most)
    test = frame[(frame["split"] == "test") & ~frame["burned"]]
    lowest = test.groupby("vehicle_id")["sha256"].min()
    assert set(chosen) <= set(lowest)
    assert len(chosen) <= min(most, len(lowest))
    # A vehicle that was chosen stays unless vehicles with lower hashes have come, however the rows are ordered.
    later = placed(cars + [row for row in new if row[0] not in set(frame["vehicle_id"])])
    shuffled = later.iloc[::-1].reset_index(drop=True)
    assert street_choice(later, most) == street_choice(shuffled, most)
    arrived = set(later["vehicle_id"]) - set(frame["vehicle_id"])
    ranks = sorted(lowest.index, key=lambda name: hashlib.sha256(f"street/{name}".encode()).digest())
    firm = {lowest[name] for name in ranks[: max(0, most - len(arrived))]}
    assert firm <= set(street_choice(later, most))


@given(cars=CARS)
def test_every_photo_is_there_to_train_on_or_to_judge_by(cars) -> None:
    frame = placed(cars)
    assert set(training_photos(frame)) | set(evaluated_photos(frame)) == set(frame["sha256"])
    burned = set(frame.loc[frame["burned"], "sha256"])
    alone = burned - set(frame.loc[~frame["burned"], "sha256"])
    assert not alone & set(evaluated_photos(frame))
