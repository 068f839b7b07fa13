"""A next backbone in the train stage: contested once it has seen every photo, against the champion on its own."""

from datetime import timedelta
from pathlib import Path

import numpy as np

from autodetect.classifier.champion import Champion
from autodetect.embeddings.engine import engine_name, to_bytes
from autodetect.embeddings.pin import NEXT_KEY, PIN_KEY, file_key, read_pin, record_key, settle
from autodetect.lake.lake import Lake
from autodetect.lake.schemas import EMBEDDINGS
from autodetect.lake.tables import rows_of
from tests.classifier.car_nights import (
    BACKBONE,
    DIM,
    FIRST,
    add_cars,
    add_models,
    cars_of,
    looks,
    new_lake,
    train_night,
)

NEXT = BACKBONE.model_copy(update={"digest": "c" * 64, "parent": BACKBONE.digest})
MODELS = range(4)


def propose(lake: Lake) -> None:
    """Let the lake know a next backbone, whose vectors of all photos are longer."""
    for key in (NEXT_KEY, record_key(NEXT.digest)):
        lake.objects.put(key, NEXT.model_dump_json().encode())
    lake.objects.put(record_key(BACKBONE.digest), lake.objects.get(PIN_KEY))
    lake.objects.put(file_key(NEXT), b"its weights play no part, too")
    embed_ahead(lake, [car for number in MODELS for car in cars_of(number)])


def embed_ahead(lake: Lake, cars: list) -> None:
    seen = to_bytes(np.stack([np.pad(looks(car), (0, DIM), mode="symmetric") for car in cars]))
    key = {"backbone": NEXT.digest, "preprocessing": NEXT.preprocessing, "engine": engine_name(), "view": "plain"}
    rows = [
        {**key, "sha256": car.name, "vector": vector, "night": FIRST} for car, vector in zip(cars, seen, strict=True)
    ]
    lake.tables.append(EMBEDDINGS, rows_of(EMBEDDINGS, rows))


def told(backbone: str, *, missing: int | None = None) -> dict[str, object]:
    """Return what curation says of embeddings; `missing` of the next backbone, where there is one."""
    ours = {"preprocessing": BACKBONE.preprocessing, "engine": engine_name(), "evaluated_by": ""}
    ahead = None if missing is None else {**ours, "backbone": NEXT.digest, "missing": missing}
    return {**ours, "backbone": backbone, "views": ["plain"], "next": ahead}


def test_a_next_backbone_is_contested_as_soon_as_it_is_complete_and_the_night_after_goes_on_with_it(tmp_path: Path):
    lake = new_lake(tmp_path)
    add_models(lake, MODELS, FIRST)
    add_cars(lake, [car for number in MODELS for car in cars_of(number)], FIRST)
    first = train_night(lake, FIRST, None, tmp_path / "one", embeddings=told(BACKBONE.digest))
    nights = [FIRST + timedelta(days=day) for day in range(1, 6)]
    propose(lake)
    idle = train_night(lake, nights[0], first, tmp_path / "two", embeddings=told(BACKBONE.digest, missing=3))
    assert "nothing new to learn" in idle.facts["gate"]["words"]

    tried = train_night(lake, nights[1], idle, tmp_path / "three", embeddings=told(BACKBONE.digest, missing=0))
    assert tried.facts["backbone_next"] == {"backbone": NEXT.digest, "outcome": "promoted"}, tried.facts["gate"]
    assert tried.facts["lineage"]["start"] == "cold"
    assert tried.facts["champion_evaluation"]["vehicles"] == tried.facts["evaluation"]["vehicles"]
    champion = Champion.of(tried)
    assert champion is not None
    assert champion.backbone == NEXT.digest

    settle(lake.objects, champion.backbone, None)
    assert read_pin(lake.objects) == NEXT
    same = train_night(lake, nights[2], tried, tmp_path / "four", embeddings=told(NEXT.digest))
    assert "nothing new to learn" in same.facts["gate"]["words"]
    fresh = cars_of(0, first=40)
    add_cars(lake, fresh, nights[3])
    embed_ahead(lake, fresh)
    after = train_night(lake, nights[3], same, tmp_path / "five", embeddings=told(NEXT.digest))
    assert (after.facts["lineage"]["start"], after.facts["backbone_next"]) == ("warm", None)
    assert after.facts["lineage"]["backbone"] == NEXT.digest
