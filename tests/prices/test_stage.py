"""The price stage has its tables judged before it writes them, and says so in its receipt."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

from autodetect.lake.lake import open_lake
from autodetect.lake.schemas import LISTINGS, MAKE_MODELS, VEHICLES
from autodetect.lake.tables import rows_of, upsert_all
from autodetect.prices.stage import price
from autodetect.records import Receipt, StageRun, canonical_json
from autodetect.settings import Settings

NIGHT = date(2026, 11, 1)


def test_tables_are_judged_and_the_files_carry_the_class_map_of_the_released_model(tmp_path: Path) -> None:
    settings = Settings(lake=str(tmp_path / "lake"), work=str(tmp_path / "work"))
    lake = open_lake(settings, create=True)
    keys = [{"source": "sandbox", "item_id": str(n), "night": NIGHT, "make_model_id": "ford/focus"} for n in range(6)]
    offer = {"status": "active", "currency": "USD", "first_seen": NIGHT, "last_seen": NIGHT, "missed": 0}
    # Nobody writes a country so, but nothing before this stage refuses it: the offer is told, and goes out.
    written = {
        LISTINGS: rows_of(LISTINGS, ({**k, **offer, "asking_price": 9_000.0, "country": "U.S."} for k in keys)),
        MAKE_MODELS: rows_of(
            MAKE_MODELS, [{"make_model_id": "ford/focus", "make": "Ford", "model": "Focus", "night": NIGHT}]
        ),
        VEHICLES: rows_of(
            VEHICLES, ({**k, "vehicle_id": f"v{k['item_id']}", "split": "train", "burned": False} for k in keys)
        ),
    }
    versions, _ = upsert_all(lake.tables, written)
    # The released model may be older than the tables: its class map says what it answers, and by which labels.
    entry = {"output": 0, "class_id": 7, "make_model_id": "ford/focus", "label": "Ford Focus (old)", "answers": True}
    files = {"classes": lake.artifacts.put(canonical_json([entry]))}
    inputs = {
        "curate": Receipt(night=NIGHT, stage="curate", run_id="r", versions=versions),
        "export": Receipt(night=NIGHT, stage="export", run_id="r", files=files, facts={"class_map_digest": "c" * 64}),
    }
    run = StageRun(night=NIGHT, run_id="r", now=datetime(2026, 11, 1, tzinfo=UTC), inputs=inputs)
    receipt = price(settings, lake, run, work=tmp_path / "work", docs=tmp_path / "docs")
    assert receipt.counts["offers"] == 6
    assert receipt.counts["rules_judged"] > 20
    assert receipt.facts["held"] == []
    (told,) = receipt.facts["warned"]
    assert told.startswith("offers: offer.country_malformed: 6 rows, first 2026-11-01/sandbox/0 (U.S.), 2026-11-01/")
    assert receipt.run["validation_seconds"] > 0
    sqlite = lake.artifacts.fetch(receipt.files["autodetect.sqlite"], tmp_path / "autodetect.sqlite")
    with closing(sqlite3.connect(sqlite)) as database:
        assert list(database.execute("SELECT * FROM classes")) == [(7, "ford/focus", "Ford Focus (old)")]
        assert ("class_map_digest", "c" * 64) in list(database.execute("SELECT * FROM meta"))
    assert "offer.country_malformed" in (tmp_path / "docs" / "index.html").read_text("utf-8")
