"""Nights that go wrong in the train stage: each ends in a clear outcome, and nothing is lost."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from autodetect.classifier.champion import Champion
from autodetect.errors import CorruptError, HeldError, StageFailedError
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.schemas import EMBEDDINGS, PHOTOS, QUARANTINE, SNAPSHOTS
from autodetect.lake.tables import rows_of
from autodetect.records import Receipt
from autodetect.settings import Settings
from tests.classifier.car_nights import CARS, FIRST, Car, add_cars, add_models, cars_of, new_lake, train_night

MODELS = range(8)
NEW = 10  # cars of each model and night


def arrivals(night: int, *, wrong: int = 0, seller: str = "") -> list[Car]:
    """Return tonight's cars of all models; of each, so many are named as the next model."""
    cars = []
    for number in MODELS:
        for place, car in enumerate(cars_of(number, first=CARS + NEW * night, count=NEW)):
            named = (number + 1) % len(MODELS) if place < wrong else number
            cars.append(car._replace(named=named, seller=seller or f"seller-{(place + number) % NEW}"))
    return cars


@pytest.fixture(scope="module")
def one_night(tmp_path_factory) -> tuple[Path, Receipt]:
    """Return the folder of a lake after its first night, eight models of twenty cars, and the train receipt."""
    folder = tmp_path_factory.mktemp("one")
    lake = new_lake(folder)
    add_models(lake, MODELS, FIRST)
    add_cars(lake, [car for number in MODELS for car in cars_of(number)], FIRST)
    return folder, train_night(lake, FIRST, None, folder / "night-0")


@pytest.fixture(scope="module")
def quiet_nights(one_night, tmp_path_factory) -> tuple[Path, Receipt]:
    """Return the folder of a lake after two more nights on which every label was right."""
    folder = tmp_path_factory.mktemp("quiet")
    lake, receipt = again(one_night, folder)
    for night in range(1, 3):
        add_cars(lake, arrivals(night), FIRST + timedelta(days=night))
        receipt = train_night(lake, FIRST + timedelta(days=night), receipt, folder / f"night-{night}")
    return folder, receipt


def again(made: tuple[Path, Receipt], folder: Path) -> tuple[Lake, Receipt]:
    """Return a copy of a lake in another folder, and its last train receipt."""
    shutil.copytree(made[0] / "lake", folder / "lake")
    (folder / "answers.toml").touch()
    return open_lake(Settings(lake=str(folder / "lake"))), made[1]


def test_a_night_with_a_tenth_of_its_labels_wrong_is_held_and_says_which_until_a_person_lets_it_in(
    quiet_nights, tmp_path: Path
) -> None:
    lake, before = again(quiet_nights, tmp_path)
    tonight = FIRST + timedelta(days=3)
    assert before.facts["labels"]["state"] == "ok"
    assert len(before.facts["label_history"]) == 2
    add_cars(lake, arrivals(3, wrong=NEW // 10), tonight)
    snapshots = lake.tables.version(SNAPSHOTS)
    with pytest.raises(HeldError) as held:
        train_night(lake, tonight, before, tmp_path / "poisoned")
    words = str(held.value)
    assert "the champion disagrees with 8 of the" in words
    assert "0.3 % is usual over 2 nights" in words
    assert "most often labelled Ford Model" in words
    assert "poison.accepted" in held.value.remedy
    assert lake.tables.version(SNAPSHOTS) == snapshots

    accepted = {"poison": {"accepted": [tonight.isoformat()]}}
    let_in = train_night(lake, tonight, before, tmp_path / "accepted", settings=accepted)
    assert "as a person has accepted them" in let_in.facts["labels"]["words"]


def test_one_seller_who_labels_wrongly_is_left_out_and_the_night_goes_on(quiet_nights, tmp_path: Path) -> None:
    lake, before = again(quiet_nights, tmp_path)
    tonight = FIRST + timedelta(days=3)
    right = arrivals(3)
    liar = [Car(f"{n}-{900 + n}", n, (n + 3) % len(MODELS), "liar") for n in MODELS]
    add_cars(lake, [*right, *liar], tonight)
    receipt = train_night(lake, tonight, before, tmp_path / "night-4")
    assert [each["seller"] for each in receipt.facts["labels"]["sellers"]] == ["liar"]
    assert receipt.counts["quarantine/seller.labels_doubtful"] == len(liar)
    kept = set(lake.tables.read(SNAPSHOTS)["vehicle_id"].to_pylist())
    assert kept.isdisjoint(f"v{car.name}" for car in liar)
    assert {f"v{car.name}" for car in right} <= kept
    refused = lake.tables.read(QUARANTINE).to_pylist()
    assert {row["key"] for row in refused if row["rule"] == "seller.labels_doubtful"} == {f"v{c.name}" for c in liar}

    later = tonight + timedelta(days=1)  # too quiet a night to judge anyone lets nobody in
    add_cars(lake, cars_of(0, first=700, count=3), later)
    quiet = train_night(lake, later, receipt, tmp_path / "night-5")
    assert quiet.facts["labels"]["state"] == "not_judged"
    assert quiet.counts["quarantine/seller.labels_doubtful"] == len(liar)
    kept = set(lake.tables.read(SNAPSHOTS)["vehicle_id"].to_pylist())
    assert kept.isdisjoint(f"v{car.name}" for car in liar)


def test_a_loss_that_is_no_number_names_the_epoch_and_the_setting(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    add_models(lake, MODELS, FIRST)
    add_cars(lake, [car for number in MODELS for car in cars_of(number)], FIRST)
    wild = {"classifier": {"hidden_width": 16, "learning_rate": 1e38}}
    with pytest.raises(StageFailedError, match=r"training diverged in epoch \d+") as failed:
        train_night(lake, FIRST, None, tmp_path / "night", settings=wild)
    assert "classifier.learning_rate" in failed.value.remedy


def test_a_class_that_shrinks_to_one_photo_and_one_to_none_keep_their_outputs(one_night, tmp_path: Path) -> None:
    lake, before = again(one_night, tmp_path)
    gone = [car.name for car in cars_of(2)] + [car.name for car in cars_of(3)[1:]]
    rows = [
        row | {"verdict": "photo.truncated"} for row in lake.tables.read(PHOTOS).to_pylist() if row["sha256"] in gone
    ]
    lake.tables.upsert(PHOTOS, rows_of(PHOTOS, rows))
    tonight = FIRST + timedelta(days=1)
    add_cars(lake, [car for car in arrivals(1) if car.named not in {2, 3}], tonight)
    receipt = train_night(lake, tonight, before, tmp_path / "night-1")
    champion = Champion.of(before)
    assert champion is not None
    assert tuple(receipt.facts["challenger"]["class_ids"]) == champion.class_ids
    assert receipt.facts["gate"]["words"]


def test_a_photo_that_was_never_embedded_is_named(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    add_models(lake, MODELS, FIRST)
    add_cars(lake, [car for number in MODELS for car in cars_of(number)], FIRST)
    extra = Car("7-950", 7, 7)
    add_cars(lake, [extra], FIRST)
    kept = [row for row in lake.tables.read(EMBEDDINGS).to_pylist() if row["sha256"] != extra.name]
    lake.tables.rewind(EMBEDDINGS, 0)
    lake.tables.append(EMBEDDINGS, rows_of(EMBEDDINGS, kept))
    with pytest.raises(CorruptError, match=r"1 photos of the snapshot have no embedding .* first 7-950"):
        train_night(lake, FIRST, None, tmp_path / "night")


def test_a_champion_file_cut_in_half_stops_the_night_and_names_the_file(one_night, tmp_path: Path) -> None:
    lake, before = again(one_night, tmp_path)
    champion = Champion.of(before)
    assert champion is not None
    key = f"artifacts/{champion.head[:2]}/{champion.head}"
    lake.objects.put(key, lake.objects.get(key)[: lake.objects.size(key) // 2])
    tonight = FIRST + timedelta(days=1)
    add_cars(lake, arrivals(1), tonight)
    with pytest.raises(CorruptError, match=champion.head) as damaged:
        train_night(lake, tonight, before, tmp_path / "night-1")
    assert "backup" in damaged.value.remedy
