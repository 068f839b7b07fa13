"""The train stage: what must not be trained again."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from autodetect.classifier.train import train
from autodetect.errors import CorruptError
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.schemas import LISTING_PHOTOS, LISTINGS, MAKE_MODELS, PHOTOS, SNAPSHOTS, VEHICLES
from autodetect.lake.tables import rows_of
from autodetect.photos.vehicles import SPLIT_BLOCK
from autodetect.records import Receipt, StageRun, canonical_digest
from autodetect.settings import Settings

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
    return lake


def night(lake: Lake, *, earlier: dict[str, Receipt]) -> StageRun:
    tables = (LISTINGS, MAKE_MODELS, PHOTOS, LISTING_PHOTOS, VEHICLES)
    versions = {table.name: lake.tables.version(table) for table in tables}
    curated = Receipt(night=NIGHT, stage="curate", run_id="r", versions=versions)
    begun = Receipt(night=NIGHT, stage="begin", run_id="r", facts={"seed": 1})
    return StageRun(night=NIGHT, run_id="r", now=NOW, inputs={"begin": begun, "curate": curated}, earlier=earlier)


def refused(snapshot_id: str, settings: Settings) -> Receipt:
    """The receipt of a night whose challenger the gate refused."""
    recipe = canonical_digest(settings.classifier.model_dump(mode="json"))
    facts = {"snapshot_id": snapshot_id, "recipe": recipe, "champion": None, "promoted": False}
    return Receipt(night=date(2026, 10, 31), stage="train", run_id="r", facts=facts)


def test_a_refused_challenger_is_not_tried_again_on_the_same_snapshot(lake: Lake, tmp_path: Path) -> None:
    settings = Settings()
    probe = Settings(dataset={"min_vehicles": 13})
    nothing = train(probe, lake, night(lake, earlier={}), work=tmp_path)
    assert nothing.counts["classes"] == 0
    assert "no class has enough vehicles" in nothing.facts["gate"]["words"]

    with pytest.raises(CorruptError, match="backbone"):  # it would train: there is nothing to train on here
        train(settings, lake, night(lake, earlier={}), work=tmp_path)
    (snapshot_id,) = set(lake.tables.read(SNAPSHOTS)["snapshot_id"].to_pylist())
    again = train(settings, lake, night(lake, earlier={"train": refused(snapshot_id, settings)}), work=tmp_path)
    assert "nothing new to learn" in again.facts["gate"]["words"]
    assert "challenger" not in again.files
