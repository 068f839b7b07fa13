"""Classes merge and come back from one night to the next, and the model forgets nothing of the others."""

from datetime import timedelta
from pathlib import Path

import numpy as np

from autodetect.classifier.champion import Champion
from autodetect.classifier.head import load_head
from autodetect.lake.lake import Lake
from autodetect.lake.schemas import CLASSES, LISTINGS, VEHICLES
from autodetect.lake.tables import rows_of
from tests.classifier.car_nights import FIRST, add_cars, add_models, cars_of, looks, model_id, new_lake, train_night

MODELS = range(5)
MERGED, INTO = 2, 1
OTHERS = (0, 3, 4)


def rename_cars(lake: Lake, number: int, named: int) -> None:
    """Let the catalogue decide that cars that show one model are another."""
    listings = lake.tables.read(LISTINGS).to_pylist()
    changed = [row | {"make_model_id": model_id(named)} for row in listings if row["item_id"].startswith(f"{number}-")]
    lake.tables.upsert(LISTINGS, rows_of(LISTINGS, changed))


def unseen_photos(lake: Lake, number: int) -> np.ndarray:
    """Embeddings of the test cars that show a model, float32 (n, DIM)."""
    split = {row["item_id"]: row["split"] for row in lake.tables.read(VEHICLES).to_pylist()}
    return np.stack([looks(car) for car in cars_of(number) if split[car.name] == "test"])


def answers(lake: Lake, champion: Champion, number: int, work: Path) -> np.ndarray:
    """A model's probabilities for the test cars that show a model, (n, outputs)."""
    path = lake.artifacts.fetch(champion.head, work / f"{champion.head}.keras")
    return np.asarray(load_head(path).predict(unseen_photos(lake, number), verbose=0))


def top1(lake: Lake, champion: Champion, shown: int, named: int, work: Path) -> float:
    """The share of the test cars that show one model that are answered with the class of another."""
    said = answers(lake, champion, shown, work).argmax(axis=1)
    return float((np.array(champion.class_ids)[said] == named).mean())


def test_a_merge_masks_one_class_forgets_no_other_and_can_be_undone(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    add_models(lake, MODELS, FIRST)
    for number in MODELS:
        add_cars(lake, cars_of(number), FIRST)
    first = train_night(lake, FIRST, None, tmp_path / "one")
    one = Champion.of(first)
    assert one is not None
    assert one.class_ids == (0, 1, 2, 3, 4)
    before = [top1(lake, one, number, number, tmp_path) for number in OTHERS]

    rename_cars(lake, MERGED, INTO)
    night = FIRST + timedelta(1)
    second = train_night(lake, night, first, tmp_path / "two")
    two = Champion.of(second)
    assert two is not None
    assert second.facts["promoted"], second.facts["gate"]
    (event,) = second.facts["training_set"]["class_events"]
    assert (event["kind"], event["class_id"], event["other"]) == ("merged", MERGED, INTO)
    rows = {row["class_id"]: row for row in lake.tables.read(CLASSES).to_pylist()}
    assert {i: row["make_model_id"] for i, row in rows.items()} == {i: model_id(i) for i in MODELS}
    assert (rows[MERGED]["status"], rows[MERGED]["went_to"], rows[MERGED]["since"]) == ("retired", INTO, night)
    assert two.class_ids == one.class_ids  # it keeps its output, which says nothing any more
    for number in MODELS:
        assert answers(lake, two, number, tmp_path)[:, MERGED].max() == 0
    assert top1(lake, two, MERGED, INTO, tmp_path) == 1
    assert top1(lake, two, INTO, INTO, tmp_path) == 1
    after = [top1(lake, two, number, number, tmp_path) for number in OTHERS]
    assert all(now >= then for now, then in zip(after, before, strict=True))

    rename_cars(lake, MERGED, MERGED)
    third = train_night(lake, night + timedelta(1), second, tmp_path / "three")
    three = Champion.of(third)
    assert three is not None
    assert [each["kind"] for each in third.facts["training_set"]["class_events"]] == ["returned"]
    assert third.facts["promoted"], third.facts["gate"]
    assert three.class_ids == one.class_ids
    assert [top1(lake, three, number, number, tmp_path) for number in MODELS] == [1] * len(MODELS)
