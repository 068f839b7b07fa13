"""The train stage: what must not be trained again."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from autodetect.classifier.train import recipe_of, train
from autodetect.embeddings.pin import PIN_KEY
from autodetect.errors import CorruptError, HeldError
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.schemas import (
    CLASSES,
    EMBEDDINGS,
    LISTING_PHOTOS,
    LISTINGS,
    MAKE_MODELS,
    PHOTOS,
    SNAPSHOTS,
    VEHICLES,
)
from autodetect.lake.tables import rows_of
from autodetect.photos.vehicles import SPLIT_BLOCK
from autodetect.records import Receipt, StageRun
from autodetect.settings import Settings
from tests.classifier.car_nights import BACKBONE

NIGHT = date(2026, 11, 1)
NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake with one class of twelve vehicles, and no embeddings: training anything would fail."""
    lake = open_lake(Settings(lake=str(tmp_path / "lake")), create=True)
    ids = [f"{number:02d}" for number in range(12)]
    common = {"source": "sandbox", "make_model_id": "ford/mustang", "night": NIGHT}
    lake.tables.append(LISTINGS, rows_of(LISTINGS, ({**common, "item_id": i, "status": "active"} for i in ids)))
    lake.tables.append(MAKE_MODELS, rows_of(MAKE_MODELS, [{**common, "make": "Ford", "model": "Mustang"}]))
    photos = ({"sha256": i, "night": NIGHT, "verdict": "ok", "copy_group": i} for i in ids)
    lake.tables.append(PHOTOS, rows_of(PHOTOS, photos))
    shown = ({**common, "item_id": i, "position": 0, "sha256": i, "url": i} for i in ids)
    lake.tables.append(LISTING_PHOTOS, rows_of(LISTING_PHOTOS, shown))
    members = (
        {**common, "item_id": i, "vehicle_id": f"v{i}", "split": split, "burned": False, "tied_by": "alone"}
        for i, split in zip(ids, SPLIT_BLOCK, strict=False)
    )
    lake.tables.append(VEHICLES, rows_of(VEHICLES, members))
    lake.objects.put(PIN_KEY, BACKBONE.model_dump_json().encode())
    return lake


def night(lake: Lake, *, earlier: dict[str, Receipt]) -> StageRun:
    tables = (LISTINGS, MAKE_MODELS, PHOTOS, LISTING_PHOTOS, VEHICLES)
    versions = {table.name: lake.tables.version(table) for table in tables} | {EMBEDDINGS.name: 0}
    curated = Receipt(night=NIGHT, stage="curate", run_id="r", versions=versions)
    begun = Receipt(night=NIGHT, stage="begin", run_id="r", facts={"seed": 1})
    return StageRun(night=NIGHT, run_id="r", now=NOW, inputs={"begin": begun, "curate": curated}, earlier=earlier)


def refused(snapshot_id: str, settings: Settings) -> Receipt:
    """The receipt of a night whose challenger the gate refused."""
    facts = {"snapshot_id": snapshot_id, "recipe": recipe_of(settings, ()), "champion": None, "promoted": False}
    return Receipt(night=date(2026, 10, 31), stage="train", run_id="r", facts=facts)


def test_a_refused_challenger_is_not_tried_again_on_the_same_snapshot(lake: Lake, tmp_path: Path) -> None:
    settings = Settings()
    probe = Settings(dataset={"min_vehicles": 13})
    nothing = train(probe, lake, night(lake, earlier={}), work=tmp_path, docs=tmp_path / "docs")
    assert nothing.counts["classes"] == 0
    assert "no class has enough vehicles" in nothing.facts["gate"]["words"]

    with pytest.raises(CorruptError, match="no embedding"):  # it would train: there is nothing to train on here
        train(settings, lake, night(lake, earlier={}), work=tmp_path, docs=tmp_path / "docs")
    (snapshot_id,) = set(lake.tables.read(SNAPSHOTS)["snapshot_id"].to_pylist())
    again = train(
        settings,
        lake,
        night(lake, earlier={"train": refused(snapshot_id, settings)}),
        work=tmp_path,
        docs=tmp_path / "docs",
    )
    assert "nothing new to learn" in again.facts["gate"]["words"]
    assert "challenger" not in again.files
    assert lake.tables.read(SNAPSHOTS).num_rows == 12  # a snapshot that the lake holds is not added again


def test_the_receipt_tells_of_the_training_set(lake: Lake, tmp_path: Path) -> None:
    settings = Settings()
    with pytest.raises(CorruptError, match="no embedding"):
        train(settings, lake, night(lake, earlier={}), work=tmp_path, docs=tmp_path / "docs")
    (snapshot_id,) = set(lake.tables.read(SNAPSHOTS)["snapshot_id"].to_pylist())
    before = refused(snapshot_id, settings).model_copy(
        update={"versions": {table.name: lake.tables.version(table) for table in (SNAPSHOTS, CLASSES)}}
    )
    again = train(settings, lake, night(lake, earlier={"train": before}), work=tmp_path, docs=tmp_path / "docs")
    told = again.facts["training_set"]
    assert told["classes"] == {"0": {"test": [3, 3], "train": [6, 6], "validation": [3, 3]}}
    assert (told["changes"]["before"], told["changes"]["added"], told["changes"]["removed"]) == (snapshot_id, 0, 0)
    assert told["by_photo"] == {"test_photos": 2, "seen": 0, "by_vehicle": 0, "by_vin": 0, "by_copy": 0}
    assert (again.counts["photos"], again.counts["classes_thin"], again.counts["photos_capped"]) == (12, 0, 0)


def test_one_car_in_two_splits_holds_the_night_before_anything_is_written(lake: Lake, tmp_path: Path) -> None:
    rows = lake.tables.read(LISTINGS).to_pylist()
    lake.tables.upsert(LISTINGS, rows_of(LISTINGS, (row | {"vin": "1FA6P8TH"} for row in rows[:2])))
    with pytest.raises(HeldError, match="vin 1FA6P8TH"):
        train(Settings(), lake, night(lake, earlier={}), work=tmp_path, docs=tmp_path / "docs")
    assert lake.tables.read(SNAPSHOTS).num_rows == lake.tables.read(CLASSES).num_rows == 0
