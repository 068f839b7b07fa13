"""Nights at their end: a lake whose receipts say what was trained and exported, priced and published for real."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from autodetect.classifier.champion import Champion, ClassEntry, class_map_digest
from autodetect.classifier.gate import GateVerdict
from autodetect.coreml.outputs import with_silence
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.pin import PIN_KEY, file_key, imagenet_head_key, record_key
from autodetect.lake.archives import sha256_bytes
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.lease import Fence
from autodetect.lake.objects import LocalStore
from autodetect.prices.files import PRICE_FILES
from autodetect.prices.stage import price
from autodetect.records import Receipt, StageRun, canonical_json
from autodetect.release.exported import FILE_NAMES
from autodetect.release.history import manifest_of, newest
from autodetect.release.layout import object_key
from autodetect.release.manifest import Manifest
from autodetect.release.stage import publish
from autodetect.settings import Settings

NIGHT = date(2026, 11, 1)
METRICS = dict.fromkeys(("vehicle_top1", "vehicle_top3", "top1", "top3", "chance", "vehicles", "photos"), 0.5)
PASSED = GateVerdict(promoted=True, words="promoted: 60 %", n=20)
UNJUDGED = dict.fromkeys(("basis", "currency", "by_vehicle", "by_time")) | {"as_of": "2026-11-01", "sales": 0}
PRICED = {
    "counts": {"prices_sold": 1, "prices_asking": 1, "offers": 1},
    "facts": {"held": [], "evaluation": UNJUDGED},
}
LOSS = {"photos": 60, "vehicles": 20, "loss": 0.001, "low": -0.004, "high": 0.006}
PARITY = {
    "how": "interpreted (Linux)",
    "photos": 256,
    "largest_difference": 0.0004,
    "kl_mean": 1e-7,
    "kl_max": 1e-6,
    "numeric_error": 0.002,
    "rounded_photos": 32,
    "rounded_agreement": 1.0,
    "decided": 250,
    "agreement": 0.996,
    "worst_weight": "conv2d",
    "worst_weight_error": 0.5,
    "passed": True,
    "words": "256 photos answered alike",
}


def variant(name: str, size: int, **changes: Any) -> dict[str, Any]:
    """What an export receipt tells of a package."""
    key = "package" if name == "fp16" else f"package-{name}"
    told = {"name": name, "file": FILE_NAMES[key], "size": size, "zip_size": size, "parity": PARITY, "loss": LOSS}
    return told | {"kept": True, "recommended": False, "words": ""} | changes


VARIANTS = (variant("fp16", 46_000_000), variant("int8", 23_000_000), variant("palette6", 17_500_000, recommended=True))


class Publishing:
    """A lake at the end of a night; its champion stands on the backbone `own`, the pin is another."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(
            lake=str(folder / "lake"), store=str(folder / "store"), release={"key_file": str(folder / "key.json")}
        )
        self.lake: Lake = open_lake(self.settings, create=True)
        self.store = LocalStore(folder / "store")
        self.folder = folder
        self.own = self.backbone("own", imagenet_head=sha256_bytes(b"ImageNet"))
        self.lake.objects.put(imagenet_head_key(self.own), b"ImageNet")
        self.lake.objects.put(PIN_KEY, self.backbone("pin").model_dump_json().encode())
        self.lake.objects.put("lease/000000001.json", b"{}")

    def backbone(self, name: str, **fields: str) -> BackboneRecord:
        """Keep a backbone, whose file is its name."""
        record = BackboneRecord(
            requested="random",
            resolved="random",
            seed=1,
            input_size=96,
            preprocessing=f"squash-{name}@96",
            digest=sha256_bytes(name.encode() * 2),
            file_sha256=sha256_bytes(name.encode()),
            **fields,  # type: ignore[arg-type]
        )
        self.lake.objects.put(file_key(record), name.encode())
        self.lake.objects.put(record_key(record.digest), record.model_dump_json().encode())
        return record

    def champion(self, night: date = NIGHT, class_ids: tuple[int, ...] = (1, 2), **fields: Any) -> Champion:
        """A model whose head is its night."""
        return Champion(
            head=self.lake.artifacts.put(f"head of {night}".encode()),
            class_ids=class_ids,
            snapshot_id="s",
            night=night,
            backbone=self.own.digest,
            metrics=METRICS,
            **fields,
        )

    def trained(
        self, champion: Champion, gate: GateVerdict = PASSED, night: date = NIGHT, **facts: Any
    ) -> dict[str, Receipt]:
        """The receipts up to the training, which left this champion."""
        told = {"champion": champion.model_dump(mode="json"), "gate": gate.model_dump(mode="json")}
        receipts = [
            self.receipt("begin", night, facts={"source": "sandbox", "permission": ""}),
            self.receipt(
                "crawl",
                night,
                counts={"announced": 9, "imported": 0, "seen": 9},
                facts={"coverage": 1.0},
                versions={"seen": 0, "sightings": 0},
            ),
            self.receipt("curate", night, facts={"held": []}),
            self.receipt("train", night, facts=told | {"promoted": gate.promoted} | facts),
        ]
        return {receipt.stage: receipt for receipt in receipts}

    def exported(self, champion: Champion, *, withheld: str = "", night: date = NIGHT, **facts: Any) -> Receipt:
        """The receipt of an export that released this model: its files are named after it."""
        entries = [
            ClassEntry(output=i, class_id=c, make_model_id=f"ford/{c}", label=f"Ford {c} of {champion.night}")
            for i, c in enumerate(champion.class_ids)
        ]
        files = {name: self.lake.artifacts.put(f"{name} of {champion.night}".encode()) for name in FILE_NAMES}
        files["head"] = self.lake.artifacts.put(f"served of {champion.night}".encode())
        told = [entry.model_dump() for entry in with_silence(entries, ())]
        files["classes"] = self.lake.artifacts.put(canonical_json(told))
        about = {
            "champion": champion.model_dump(mode="json"),
            "class_map_digest": class_map_digest(entries),
            "withheld": withheld,
            "parity": "interpreted (Linux)",
            "variants": list(VARIANTS),
        }
        dropped = {each["file"] for each in facts.get("variants", ()) if not each["kept"]}
        files = {name: sha256 for name, sha256 in files.items() if FILE_NAMES.get(name) not in dropped}
        return self.receipt("export", night, files=files, facts=about | facts)

    def made_up_prices(self, night: date = NIGHT) -> Receipt:
        """The receipt of a price stage whose files hold nothing."""
        files = {name: self.lake.artifacts.put(name.encode()) for name in PRICE_FILES}
        return self.receipt("price", night, files=files, **PRICED)

    def priced(self, receipts: Mapping[str, Receipt], night: date = NIGHT) -> Receipt:
        """Run the price stage; nothing is on offer."""
        run = self.run({name: receipts[name] for name in ("curate", "export")}, night)
        return price(self.settings, self.lake, run, work=self.folder / "work", docs=self.folder / "docs")

    def publish(
        self, receipts: Mapping[str, Receipt], night: date = NIGHT, earlier: Mapping[str, Receipt] | None = None
    ) -> Receipt:
        """Run the publish stage."""
        run = self.run(receipts, night, earlier)
        return publish(self.settings, self.lake, run, work=self.folder / "work", fence=Fence(self.lake.objects, 1))

    def run(
        self, receipts: Mapping[str, Receipt], night: date = NIGHT, earlier: Mapping[str, Receipt] | None = None
    ) -> StageRun:
        """What a stage of the night is told."""
        now = datetime(night.year, night.month, night.day, tzinfo=UTC)
        return StageRun(night=night, run_id="r", now=now, inputs=dict(receipts), earlier=dict(earlier or {}))

    def receipt(self, stage: str, night: date = NIGHT, **fields: Any) -> Receipt:
        """A receipt of a night."""
        return Receipt(night=night, stage=stage, run_id="r", **fields)

    def manifest(self) -> Manifest:
        """The manifest of the newest release."""
        entry = newest(self.store)
        assert entry is not None
        return manifest_of(self.store, entry)

    def released(self, manifest: Manifest, name: str) -> bytes:
        """A released file."""
        return self.store.get(object_key(manifest.objects[name].sha256))

    def told(self, manifest: Manifest, name: str) -> Any:
        """A released file of JSON."""
        return json.loads(self.released(manifest, name))
