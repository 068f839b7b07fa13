"""Curation with photos: killed while it embeds it goes on, and its receipt says how photos are embedded."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from autodetect.dataset.curate import curate
from autodetect.embeddings import backbone, pin
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.schemas import EMBEDDINGS, LISTING_PHOTOS, PHOTOS
from autodetect.lake.tables import rows_of
from autodetect.records import Receipt, StageRun
from autodetect.settings import Settings
from tests.dataset.photo_lakes import shards_of, tiny_settings
from tests.dataset.test_curate import crawled
from tests.dataset.test_photo_intake import picture

NIGHTS = (date(2026, 11, 1), date(2026, 11, 2))
ROOT = Path(__file__).resolve().parents[2]


def crawled_photos(lake: Lake, night: date, items: dict[str, list[int]]) -> Receipt:
    """A crawl of listings, each with photos by their seeds."""
    receipt = crawled(lake, night, *items)
    rows = [
        {"source": "sandbox", "item_id": item, "position": at, "sha256": lake.photos.put(picture(seed)), "night": night}
        for item, seeds in items.items()
        for at, seed in enumerate(seeds)
    ]
    version = lake.tables.upsert(LISTING_PHOTOS, rows_of(LISTING_PHOTOS, rows))
    return receipt.model_copy(update={"versions": {**receipt.versions, "listing_photos": version}})


def run(settings: Settings, crawl: Receipt, *earlier: Receipt, shards: int = 0) -> "subprocess.CompletedProcess[str]":
    """Curate in a process of its own; it dies after so many shards."""
    request = {
        "settings": settings.model_dump(mode="json"),
        "crawl": crawl.model_dump(mode="json"),
        "earlier": {receipt.stage: receipt.model_dump(mode="json") for receipt in earlier},
        "work": str(Path(settings.lake).parent / "work"),
        "shards": shards,
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AUTODETECT_")}
    return subprocess.run(
        [sys.executable, "-m", "tests.dataset.one_curation", json.dumps(request)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def receipt_of(done: "subprocess.CompletedProcess[str]", crawl: Receipt) -> Receipt:
    assert done.returncode == 0, done.stderr[-3000:]
    receipt = Receipt.model_validate_json(done.stdout.splitlines()[-1])
    return receipt.model_copy(update={"inputs": {"crawl": crawl.digest}})


def embedded(done: "subprocess.CompletedProcess[str]") -> int:
    """How many photos it says that it embedded."""
    return sum(
        int(count)
        for count, of in re.findall(r"photos: (\d+) of (\d+) embedded$", done.stderr, re.MULTILINE)
        if count == of
    )


def test_killed_while_it_embeds_it_goes_on_and_the_next_night_follows(tmp_path: Path) -> None:
    settings = tiny_settings(tmp_path / "one", backbone__engine="auto", evaluation__phone_vehicles=0)
    lake = open_lake(settings, create=True)
    first = crawled_photos(lake, NIGHTS[0], {"1": [1, 2, 3, 4], "2": [5, 6, 7], "3": [8, 9, 10]})
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    undisturbed = settings.with_values({"lake": str(tmp_path / "two/lake")})
    whole = run(undisturbed, first)

    killed = run(settings, first, shards=2)
    assert killed.returncode == -signal.SIGKILL
    assert len(shards_of(lake)) == 2
    assert lake.tables.read(EMBEDDINGS).num_rows == 0
    resumed = run(settings, first)

    done = receipt_of(resumed, first)
    assert done.digest == receipt_of(whole, first).digest
    assert done.outputs["embeddings"] == receipt_of(whole, first).outputs["embeddings"]
    assert "photos: 8 of 10 embedded before, found in shards" in resumed.stderr
    assert (embedded(whole), embedded(resumed)) == (10, 2)
    assert done.counts["embeddings_new"] == 10
    facts = done.facts["embeddings"]
    assert facts["engine"] == "openvino-fp32"
    assert (facts["backbone"], facts["next"]) == (pin.read_pin(lake.objects).digest, None)

    # The night after: another engine, and a photo that has vanished meanwhile.
    photos = lake.tables.read(PHOTOS, version=done.versions["photos"])["sha256"].to_pylist()
    lake.objects.delete(f"photos/{photos[0][:2]}/{photos[0]}")
    second = crawled_photos(lake, NIGHTS[1], {"4": [11]})
    changed = settings.with_values({"backbone.engine": "keras"})
    after = receipt_of(run(changed, second, first, done), second)
    assert (after.counts["embeddings_new"], after.counts["photos_vanished"]) == (10, 1)
    assert after.facts["embeddings"]["engine"] == "keras-tensorflow-fp32"
    assert after.facts["held"] == []
    rows = lake.tables.read(PHOTOS, version=after.versions["photos"]).to_pylist()
    assert {row["sha256"]: row["verdict"] for row in rows if row["verdict"] != "ok"} == {photos[0]: "photo.missing"}
    table = lake.tables.read(EMBEDDINGS, version=after.versions["embeddings"])
    assert sorted(table["engine"].to_pylist()) == ["keras-tensorflow-fp32"] * 10 + ["openvino-fp32"] * 10
    assert len(shards_of(lake)) == 4  # tonight's: one of the new photo, three of the others; none of last night's


def test_the_next_backbone_of_last_nights_champion_is_tonights(tmp_path: Path) -> None:
    settings = tiny_settings(tmp_path)
    lake = open_lake(settings, create=True)
    pin.pinned(lake.objects, settings.backbone, tmp_path / "work")
    built = backbone.build(settings.with_values({"backbone.seed": 3}).backbone)
    new = pin.propose(lake.objects, built.model, built.record, tmp_path / "work")
    trained = Receipt(
        night=NIGHTS[0], stage="train", run_id="r", facts={"champion": {"backbone": new.digest}, "backbone_next": None}
    )
    crawl = crawled_photos(lake, NIGHTS[1], {})
    night = StageRun(
        night=NIGHTS[1], run_id="r", now=datetime.now(UTC), inputs={"crawl": crawl}, earlier={"train": trained}
    )
    done = curate(settings, lake, night, work=tmp_path / "work", docs=tmp_path / "docs")
    assert pin.read_pin(lake.objects) == new
    assert pin.read_next(lake.objects) is None
    assert done.facts["embeddings"]["backbone"] == new.digest
