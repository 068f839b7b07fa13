"""A lake with a champion on a tiny backbone, and the photos of its snapshot: three classes of a colour each."""

import io
from datetime import UTC, date, datetime
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from autodetect.classifier.champion import Champion
from autodetect.classifier.finetune.stage import finetune
from autodetect.classifier.head import build_head, mask_outputs, save_head
from autodetect.embeddings.pin import pinned
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.schemas import SNAPSHOTS
from autodetect.lake.tables import rows_of
from autodetect.records import Receipt, StageRun
from autodetect.sections import BackboneSettings, ClassifierSettings, FinetuneSettings
from autodetect.settings import Settings

NIGHT = date(2026, 11, 1)
SNAPSHOT = "5" * 64
CLASS_IDS = (4, 7, 9)
BACKBONE = BackboneSettings(architecture="tiny", weights="random", input_size=96)
WHOLE = FinetuneSettings(
    from_layer="",
    steps=12,
    batch_size=8,
    warmup_steps=2,
    checkpoint_every=4,
    learning_rate=1e-2,
    backbone_rate=1.0,
    block_decay=1.0,
    precision="float32",
    loaders=2,
)
COUNTS = {"train": 48, "validation": 15, "test": 9}


def picture(seed: int, colour: int) -> bytes:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 120, (60, 80, 3))
    pixels[..., colour] += 90
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "JPEG")
    return file.getvalue()


def small_lake(folder: Path) -> tuple[Lake, dict[str, list[str]]]:
    """A lake with photos and their snapshot, and its pinned backbone; the photos of each split."""
    lake = open_lake(Settings(lake=str(folder)), create=True)
    pinned(lake.objects, BACKBONE, folder / "made")
    photos: dict[str, list[str]] = {split: [] for split in COUNTS}
    rows = []
    for split, count in COUNTS.items():
        for index in range(count):
            sha256 = lake.photos.put(picture(1_000 * len(split) + index, index % 3))
            photos[split].append(sha256)
            row = {"snapshot_id": SNAPSHOT, "sha256": sha256, "class_id": CLASS_IDS[index % 3], "split": split}
            rows.append(row | {"make_model_id": f"m{index % 3}", "vehicle_id": sha256[:8], "night": NIGHT})
    lake.tables.append(SNAPSHOTS, rows_of(SNAPSHOTS, rows))
    lake.tables.append(SNAPSHOTS, rows_of(SNAPSHOTS, [row | {"snapshot_id": "6" * 64} for row in rows]))
    return lake, photos


def champion_head(lake: Lake, folder: Path, classes: int = 3, masked: tuple[int, ...] = ()) -> str:
    """A linear head over the tiny backbone's 64 values, kept in the lake."""
    ones = np.ones(64)
    head: keras.Model = build_head(
        64, classes, mean=0 * ones, variance=ones, settings=ClassifierSettings(), seed=1, kind="linear"
    )
    if masked:
        head = mask_outputs(head, masked)
    save_head(head, folder / "head.keras")
    return lake.artifacts.put_file(folder / "head.keras")


def trained_on(lake: Lake, head: str, backbone: str, class_ids: tuple[int, ...] = CLASS_IDS) -> Receipt:
    """The train receipt that names snapshot and champion."""
    champion = Champion(
        head=head, class_ids=class_ids, snapshot_id=SNAPSHOT, night=NIGHT, backbone=backbone, metrics={"top1": 0.5}
    )
    return Receipt(
        night=NIGHT,
        stage="train",
        run_id="r",
        versions={SNAPSHOTS.name: lake.tables.version(SNAPSHOTS)},
        facts={"snapshot_id": SNAPSHOT, "champion": champion.model_dump(mode="json")},
    )


def run_stage(lake: Lake, train: Receipt, work: Path, settings: FinetuneSettings = WHOLE) -> Receipt:
    work.mkdir(parents=True, exist_ok=True)
    run = StageRun(
        night=train.night,
        kind="finetune",
        run_id="f",
        now=datetime(2026, 11, 2, tzinfo=UTC),
        inputs={"train": train},
    )
    return finetune(Settings(finetune=settings.model_dump()), lake, run, work=work)
