"""The train stage over some nights: what its receipt says of both heads, their start, and what made them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from autodetect.classifier.champion import Champion
from autodetect.classifier.head import load_head
from autodetect.classifier.train import train
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.engine import engine_name, to_bytes
from autodetect.embeddings.pin import PIN_KEY
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


def add_model(lake: Lake, number: int, night: date) -> None:
    """Twenty cars of one model, a photo each; embeddings of a model lie around a place of their own."""
    model = f"ford/model-{number}"
    ids = [f"{number}{car:02d}" for car in range(CARS)]
    common = {"source": "sandbox", "make_model_id": model, "night": night}
    lake.tables.append(LISTINGS, rows_of(LISTINGS, ({**common, "item_id": i, "status": "active"} for i in ids)))
    lake.tables.append(MAKE_MODELS, rows_of(MAKE_MODELS, [{**common, "make": "Ford", "model": f"Model {number}"}]))
    photos = ({"sha256": i, "night": night, "verdict": "ok", "copy_group": i} for i in ids)
    lake.tables.append(PHOTOS, rows_of(PHOTOS, photos))
    shown = ({**common, "item_id": i, "position": 0, "sha256": i, "url": i} for i in ids)
    lake.tables.append(LISTING_PHOTOS, rows_of(LISTING_PHOTOS, shown))
    members = (
        {**common, "item_id": i, "vehicle_id": f"v{i}", "split": split, "burned": False, "tied_by": "alone"}
        for i, split in zip(ids, SPLIT_BLOCK, strict=True)
    )
    lake.tables.append(VEHICLES, rows_of(VEHICLES, members))
    rng = np.random.default_rng(number)
    vectors = to_bytes((3 * rng.normal(size=DIM) + 0.3 * rng.normal(size=(CARS, DIM))).astype(np.float32))
    key = {"backbone": BACKBONE.digest, "preprocessing": "squash-v1", "engine": engine_name(), "view": "plain"}
    rows = ({**key, "sha256": i, "vector": vector, "night": night} for i, vector in zip(ids, vectors, strict=True))
    lake.tables.append(EMBEDDINGS, rows_of(EMBEDDINGS, rows))


def train_night(lake: Lake, night: date, before: Receipt | None, work: Path) -> Receipt:
    work.mkdir(parents=True)
    curated = Receipt(
        night=night, stage="curate", run_id="r", versions={table.name: lake.tables.version(table) for table in TABLES}
    )
    inputs = {"begin": Receipt(night=night, stage="begin", run_id="r", facts={"seed": 7}), "curate": curated}
    run = StageRun(
        night=night,
        run_id="r",
        now=datetime(2026, 11, 1, tzinfo=UTC),
        inputs=inputs,
        earlier={"train": before} if before else {},
    )
    settings = Settings(
        catalog={"answers": str(work.parent / "answers.toml")},
        classifier={"hidden_width": 16, "embedding_dropout": 0.0, "dropout": 0.1},
    )
    return train(settings, lake, run, work=work, docs=work / "docs")


def test_a_receipt_names_both_heads_and_all_that_they_were_made_of(tmp_path: Path) -> None:
    lake = open_lake(Settings(lake=str(tmp_path / "lake")), create=True)
    lake.objects.put_if_absent(PIN_KEY, BACKBONE.model_dump_json().encode())
    (tmp_path / "answers.toml").write_text('lookalikes = [["Ford / Model 0", "Ford / Model 3"]]\n')
    for number in range(3):
        add_model(lake, number, FIRST)
    one = train_night(lake, FIRST, None, tmp_path / "one")
    champion = Champion.of(one)
    assert champion is not None
    assert (champion.class_ids, champion.cold_started_on) == ((0, 1, 2), FIRST)
    assert {each["kind"]: each["start"] for each in one.facts["rivals"]} == {"dense": "cold", "linear": "cold"}
    best = min(one.facts["rivals"], key=lambda each: each["vehicle_nll"])
    assert one.facts["training"] == best["training"]
    assert (one.files["challenger"], one.files["rival"]) == (champion.head, champion.rival)
    assert one.facts["lineage"]["champion"] is None
    assert champion.temperatures.vehicle == best["temperature"] != 1
    assert one.facts["evaluation"]["lookalikes"] is None

    again = train_night(lake, FIRST, None, tmp_path / "again")
    assert again.files == one.files
    assert again.facts["lineage"] == one.facts["lineage"]

    second = FIRST + timedelta(days=1)
    add_model(lake, 3, second)
    two = train_night(lake, second, one, tmp_path / "two")
    assert two.facts["challenger"]["class_ids"] == [0, 1, 2, 3]
    assert two.facts["challenger"]["cold_started_on"] == FIRST.isoformat()
    assert {each["start"] for each in two.facts["rivals"]} == {"warm"}
    made = two.facts["lineage"]
    assert (made["start"], made["champion"], made["rival"]) == ("warm", champion.head, champion.rival)
    assert made["embeddings"] != one.facts["lineage"]["embeddings"]
    assert (made["engine"], made["backbone"], made["left_out"]) == (engine_name(), BACKBONE.digest, [])
    assert two.facts["promoted"]
    calibrations = [two.facts[each]["by_vehicle"]["calibration"] for each in ("evaluation", "champion_evaluation")]
    assert [each["temperature"] for each in calibrations] == [
        Champion.of(two).temperatures.vehicle,
        champion.temperatures.vehicle,
    ]
    alike = [group["classes"] for group in two.facts["evaluation"]["lookalikes"]["groups"]]
    assert alike == [["Ford Model 0", "Ford Model 3"]]

    # A month later the line begins anew; a class retired since then is left behind.
    month = FIRST + timedelta(days=30)
    add_model(lake, 4, month)
    row = next(row for row in lake.tables.read(CLASSES).to_pylist() if row["class_id"] == 1)
    lake.tables.upsert(CLASSES, rows_of(CLASSES, [row | {"status": "retired"}]))
    three = train_night(lake, month, two, tmp_path / "three")
    assert three.facts["lineage"]["start"] == "cold"
    assert three.facts["challenger"]["class_ids"] == [0, 2, 3, 4]
    assert three.facts["challenger"]["cold_started_on"] == month.isoformat()
    head = load_head(lake.artifacts.fetch(three.files["rival"], tmp_path / "rival.keras"))
    assert head.output_shape[-1] == 4
