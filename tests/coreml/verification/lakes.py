"""A lake after a night: a champion's networks, classes, test photos and receipts, and the champion's package."""

import io
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from PIL import Image

from autodetect.classifier.champion import Champion
from autodetect.classifier.head import save_head
from autodetect.classifier.temperature import Temperatures
from autodetect.coreml.candidate import Candidate
from autodetect.coreml.packaging import make_fp16
from autodetect.coreml.parity.pictures import generated_pictures
from autodetect.embeddings.pin import pinned
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.schemas import CLASSES, SNAPSHOTS
from autodetect.lake.tables import rows_of
from autodetect.records import Receipt
from autodetect.settings import Settings
from tests.coreml.parity.models import CLASSES as COUNT
from tests.coreml.parity.models import LABELS, SIZE, TEMPERATURE, trained

NIGHT = date(2026, 11, 1)
PHOTOS = 5


@dataclass(frozen=True)
class NightLake:
    """A lake, its settings, and the champion's package; the champion is the challenger of the night, too."""

    settings: Settings
    lake: Lake
    package: Path

    def rename_class(self, class_id: int, label: str) -> None:
        """Call a class something else from now on."""
        row = {"class_id": class_id, "make_model_id": f"m-{class_id}", "label": label, "status": "active"}
        self.lake.tables.upsert(CLASSES, rows_of(CLASSES, [row | {"night": NIGHT}]))


def night_lake(folder: Path) -> NightLake:
    """A new lake in a folder."""
    asked = {"weights": "random", "architecture": "tiny", "input_size": SIZE}
    coreml = {"variants": ["fp16"], "parity_photos": 12}
    settings = Settings(lake=str(folder / "lake"), backbone=asked, coreml=coreml)  # type: ignore[arg-type]
    lake = open_lake(settings, create=True)
    backbone = pinned(lake.objects, settings.backbone, folder / "work")
    save_head(trained().head, folder / "head.keras")
    rows = [
        {"class_id": 20 + i, "make_model_id": f"m-{20 + i}", "label": label, "status": "active", "night": NIGHT}
        for i, label in enumerate(LABELS)
    ]
    lake.tables.upsert(CLASSES, rows_of(CLASSES, rows))
    _photos(lake)
    champion = Champion(
        head=lake.artifacts.put_file(folder / "head.keras"),
        class_ids=tuple(range(20, 20 + COUNT)),
        snapshot_id="s",
        night=NIGHT,
        backbone=backbone.digest,
        metrics={"top1": 0.5},
        temperatures=Temperatures(photo=TEMPERATURE, vehicle=1.0),
    )
    begin = Receipt(night=NIGHT, stage="begin", run_id="r", facts={"permission": "none"})
    versions = {CLASSES.name: lake.tables.version(CLASSES)}
    facts = {"champion": champion.model_dump(mode="json"), "challenger": champion.model_dump(mode="json")}
    for receipt in (begin, Receipt(night=NIGHT, stage="train", run_id="r", versions=versions, facts=facts)):
        lake.receipts.commit(receipt, datetime(2026, 11, 1, tzinfo=UTC))
    candidate = Candidate.of(lake, champion, lake.tables.read(CLASSES).to_pylist(), "none")
    package = folder / "AutoDetect.mlpackage"
    make_fp16(candidate, candidate.networks(lake, folder / "work"), settings.coreml, package)
    return NightLake(settings, lake, package)


def _photos(lake: Lake) -> None:
    rows = []
    for number, pixels in enumerate(generated_pictures(PHOTOS, 80, seed=8)):
        data = io.BytesIO()
        Image.fromarray(pixels).save(data, "PNG")
        row = {"snapshot_id": "s", "sha256": lake.photos.put(data.getvalue()), "class_id": 20, "make_model_id": "m-20"}
        rows.append(row | {"split": "test", "vehicle_id": f"v{number}", "night": NIGHT})
    lake.tables.append(SNAPSHOTS, rows_of(SNAPSHOTS, rows))
