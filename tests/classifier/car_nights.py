"""A made-up lake of cars, as curation leaves it, and nights of the train stage over it.

Embeddings of a model lie around a place of their own, so that a head learns them in a moment.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from autodetect.classifier.train import train
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.engine import engine_name, to_bytes
from autodetect.embeddings.pin import PIN_KEY, file_key
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.schemas import (
    CLASSES,
    EMBEDDINGS,
    LISTING_PHOTOS,
    LISTINGS,
    MAKE_MODELS,
    PHOTOS,
    QUARANTINE,
    SNAPSHOTS,
    VEHICLES,
)
from autodetect.lake.tables import rows_of
from autodetect.photos.vehicles import SPLIT_BLOCK
from autodetect.records import Receipt, StageRun
from autodetect.settings import Settings

FIRST = date(2026, 11, 1)
DIM, CARS = 16, 20
BACKBONE = BackboneRecord(
    requested="random", resolved="random", seed=1, input_size=96, preprocessing="squash-v1", digest="b" * 64
)
TABLES = (CLASSES, EMBEDDINGS, LISTING_PHOTOS, LISTINGS, MAKE_MODELS, PHOTOS, QUARANTINE, SNAPSHOTS, VEHICLES)


class Car(NamedTuple):
    """A car with one photo: its id, the model (number) that it shows, and the one that its seller names."""

    name: str
    shows: int
    named: int
    seller: str = ""


def cars_of(number: int, *, first: int = 0, count: int = CARS, seller: str = "") -> list[Car]:
    """Return cars of one model, rightly named, numbered from `first`."""
    return [Car(f"{number}-{car:03d}", number, number, seller) for car in range(first, first + count)]


def new_lake(folder: Path) -> Lake:
    """Return an empty lake with a pinned backbone, beside which `train_night` finds a person's answers."""
    lake = open_lake(Settings(lake=str(folder / "lake")), create=True)
    (folder / "answers.toml").touch()
    lake.objects.put_if_absent(PIN_KEY, BACKBONE.model_dump_json().encode())
    lake.objects.put(file_key(BACKBONE), b"the weights play no part: embeddings are made up")
    return lake


def add_models(lake: Lake, numbers: Iterable[int], night: date) -> None:
    """Let the catalogue know models by number."""
    known = ({"make_model_id": model_id(n), "make": "Ford", "model": f"Model {n}", "night": night} for n in numbers)
    lake.tables.append(MAKE_MODELS, rows_of(MAKE_MODELS, known))


def model_id(number: int) -> str:
    return f"ford/model-{number}"


def add_cars(lake: Lake, cars: list[Car], night: date) -> None:
    """Add cars, one photo each; of every block of twenty the same places are validation and test."""
    common = {"source": "sandbox", "night": night}
    listings = (
        {
            **common,
            "item_id": car.name,
            "status": "active",
            "make_model_id": model_id(car.named),
            "seller_hash": car.seller,
            "first_seen": night,
        }
        for car in cars
    )
    lake.tables.append(LISTINGS, rows_of(LISTINGS, listings))
    photos = ({"sha256": car.name, "night": night, "verdict": "ok", "copy_group": car.name} for car in cars)
    lake.tables.append(PHOTOS, rows_of(PHOTOS, photos))
    shown = ({**common, "item_id": car.name, "position": 0, "sha256": car.name, "url": car.name} for car in cars)
    lake.tables.append(LISTING_PHOTOS, rows_of(LISTING_PHOTOS, shown))
    splits = [SPLIT_BLOCK[place % len(SPLIT_BLOCK)] for place in range(len(cars))]
    members = (
        {**common, "item_id": car.name, "vehicle_id": f"v{car.name}", "split": split, "burned": False}
        | {"tied_by": "alone"}
        for car, split in zip(cars, splits, strict=True)
    )
    lake.tables.append(VEHICLES, rows_of(VEHICLES, members))
    key = {"backbone": BACKBONE.digest, "preprocessing": "squash-v1", "engine": engine_name(), "view": "plain"}
    vectors = to_bytes(np.stack([looks(car) for car in cars]))
    rows = (
        {**key, "sha256": car.name, "vector": seen, "night": night} for car, seen in zip(cars, vectors, strict=True)
    )
    lake.tables.append(EMBEDDINGS, rows_of(EMBEDDINGS, rows))


def looks(car: Car) -> np.ndarray:
    """Return the embedding of a car's photo, float32 (DIM,): near the place of the model that it shows."""
    place = np.random.default_rng(car.shows).normal(size=DIM)
    own = np.random.default_rng([car.shows, int(car.name.rpartition("-")[2])]).normal(size=DIM)
    return (3 * place + 0.3 * own).astype(np.float32)


def train_night(
    lake: Lake,
    night: date,
    before: Receipt | None,
    work: Path,
    *,
    settings: dict[str, object] | None = None,
    embeddings: dict[str, object] | None = None,
) -> Receipt:
    """Run the train stage of one night over what the lake holds; `embeddings` is what curation says of them."""
    work.mkdir(parents=True)
    versions = {table.name: lake.tables.version(table) for table in TABLES}
    inputs = {
        "begin": Receipt(night=night, stage="begin", run_id="r", facts={"seed": 7}),
        "curate": Receipt(night=night, stage="curate", run_id="r", versions=versions, facts={"embeddings": embeddings}),
    }
    run = StageRun(
        night=night,
        run_id="r",
        now=datetime(2026, 11, 1, tzinfo=UTC),
        inputs=inputs,
        earlier={"train": before} if before else {},
    )
    given = {
        "catalog": {"answers": str(work.parent / "answers.toml")},
        "classifier": {"hidden_width": 16, "embedding_dropout": 0.0, "dropout": 0.1},
    }
    return train(Settings(**given | (settings or {})), lake, run, work=work, docs=work / "docs")
