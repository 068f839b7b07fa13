"""A lake whose champion can be exported."""

import io
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from autodetect.classifier.champion import Champion
from autodetect.classifier.head import build_head, load_head, save_head
from autodetect.coreml.export import export
from autodetect.embeddings.pin import pinned
from autodetect.lake.archives import unzip
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.schemas import CLASSES, SNAPSHOTS
from autodetect.lake.tables import rows_of
from autodetect.records import Receipt, StageRun
from autodetect.sections import ClassifierSettings, CoremlSettings
from autodetect.settings import Settings

NIGHT = date(2026, 11, 1)
CLASS_IDS = (3, 1, 4, 2)
METRICS = {"top1": 0.5}


class Exporting:
    """A lake with a champion of four classes on a tiny backbone."""

    def __init__(self, folder: Path, **backbone: Any) -> None:
        asked = {"weights": "random", "architecture": "tiny", "input_size": 96} | backbone
        coreml = {"variants": ["fp16"], "parity_photos": 8}
        self.settings = Settings(lake=str(folder / "lake"), backbone=asked, coreml=coreml)  # type: ignore[arg-type]
        self.lake: Lake = open_lake(self.settings, create=True)
        self.folder = folder
        self.backbone = pinned(self.lake.objects, self.settings.backbone, folder / "work")
        rng = np.random.default_rng(0)
        self.head = build_head(
            64, len(CLASS_IDS), mean=rng.random(64), variance=rng.random(64), settings=ClassifierSettings(), seed=1
        )
        self.classes(retired=())

    def classes(self, *, retired: tuple[int, ...]) -> None:
        """Say which classes are retired."""
        rows = (
            {
                "class_id": i,
                "make_model_id": f"ford/model-{i}",
                "label": f"Ford Model {i}",
                "status": "retired" if i in retired else "active",
                "night": NIGHT,
            }
            for i in CLASS_IDS
        )
        self.lake.tables.upsert(CLASSES, rows_of(CLASSES, rows))

    def champion(self, head: Any = None, **fields: Any) -> Champion:
        """Keep a head as the champion's."""
        save_head(head or self.head, self.folder / "head.keras")
        return Champion(
            head=self.lake.artifacts.put_file(self.folder / "head.keras"),
            class_ids=CLASS_IDS,
            snapshot_id="s",
            night=NIGHT,
            backbone=self.backbone.digest,
            metrics=METRICS,
            **fields,
        )

    def coreml(self, **fields: Any) -> None:
        """Ask for something else of the packages."""
        coreml = CoremlSettings(**{**self.settings.coreml.model_dump(), **fields})
        self.settings = self.settings.model_copy(update={"coreml": coreml})

    def photos(self, vehicles: int, *, split: str = "test", snapshot_id: str = "s") -> list[str]:
        """Keep two drawn photos of each vehicle, of all classes in turn; return their digests."""
        rng, rows = np.random.default_rng(vehicles), []
        for photo in range(2 * vehicles):
            data = io.BytesIO()
            Image.fromarray(rng.integers(256, size=(40, 60, 3), dtype=np.uint8)).save(data, "PNG")
            class_id = CLASS_IDS[photo // 2 % len(CLASS_IDS)]
            rows.append(
                {
                    "snapshot_id": snapshot_id,
                    "sha256": self.lake.photos.put(data.getvalue()),
                    "class_id": class_id,
                    "make_model_id": f"ford/model-{class_id}",
                    "split": split,
                    "vehicle_id": f"{split}-{photo // 2}",
                    "night": NIGHT,
                }
            )
        self.lake.tables.append(SNAPSHOTS, rows_of(SNAPSHOTS, rows))
        return [str(row["sha256"]) for row in rows]

    def unzipped(self, receipt: Receipt, name: str) -> Path:
        """A package of the receipt, out of its archive."""
        folder = self.folder / f"unzipped-{receipt.files[name][:8]}"
        if not folder.exists():
            unzip(self.lake.artifacts.fetch(receipt.files[name], self.folder / "package.zip"), folder)
        return next(folder.iterdir())

    def run(self, champion: Champion, earlier: Receipt | None = None) -> Receipt:
        """Export it."""
        begin = Receipt(night=NIGHT, stage="begin", run_id="r", facts={"permission": "none"})
        train = Receipt(
            night=NIGHT,
            stage="train",
            run_id="r",
            versions={table.name: self.lake.tables.version(table) for table in (CLASSES, SNAPSHOTS)},
            facts={"champion": champion.model_dump(mode="json")},
        )
        run = StageRun(
            night=NIGHT,
            run_id="r",
            now=datetime(2026, 11, 1, tzinfo=UTC),
            inputs={"begin": begin, "train": train},
            earlier={"export": earlier} if earlier else {},
        )
        return export(self.settings, self.lake, run, work=self.folder / "work")

    def answering(self, receipt: Receipt) -> list[bool]:
        """What the class map says of each output."""
        path = self.lake.artifacts.fetch(receipt.files["classes"], self.folder / "classes.json")
        return [entry["answers"] for entry in json.loads(path.read_bytes())]

    def answers(self, receipt: Receipt) -> np.ndarray:
        """What the released head says to three embeddings."""
        head = load_head(self.lake.artifacts.fetch(receipt.files["head"], self.folder / "released.keras"))
        return np.asarray(head.predict(np.random.default_rng(2).random((3, 64)), verbose=0))
