"""The publish stage releases what belongs to the champion, and holds what is not good enough."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from autodetect.classifier.champion import Abstain, Champion
from autodetect.classifier.gate import GateVerdict, override
from autodetect.classifier.temperature import Temperatures
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.pin import PIN_KEY, file_key, imagenet_head_key, record_key
from autodetect.errors import CorruptError, HeldError
from autodetect.lake.archives import sha256_bytes
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.lease import Fence
from autodetect.lake.objects import LocalStore
from autodetect.records import Receipt, StageRun
from autodetect.release.history import manifest_of, newest
from autodetect.release.layout import object_key
from autodetect.release.manifest import Manifest
from autodetect.release.model_facts import ModelFacts
from autodetect.release.stage import publish
from autodetect.settings import Settings

NIGHT = date(2026, 11, 1)
METRICS = dict.fromkeys(("vehicle_top1", "vehicle_top3", "top1", "top3", "chance", "vehicles", "photos"), 0.5)


class Publishing:
    """A lake at the end of a night; its champion stands on the backbone `own`, the pin is another."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(lake=str(folder / "lake"), store=str(folder / "store"))
        self.lake: Lake = open_lake(self.settings, create=True)
        self.store = LocalStore(folder / "store")
        self.folder = folder
        self.own = self.backbone("own", imagenet_head=sha256_bytes(b"ImageNet"))
        self.lake.objects.put(imagenet_head_key(self.own), b"ImageNet")
        self.lake.objects.put(PIN_KEY, self.backbone("pin").model_dump_json().encode())
        self.files = {name: self.lake.artifacts.put(name.encode()) for name in ("head", "served", "package", "classes")}

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

    def publish(self, gate: GateVerdict, **fields: Any) -> Manifest:
        """Publish tonight's champion, which the gate let pass or a person did."""
        champion = Champion(
            head=self.files["head"],
            class_ids=(1, 2),
            snapshot_id="s",
            night=NIGHT,
            backbone=self.own.digest,
            metrics=METRICS,
            **fields,
        )
        told = {"champion": champion, "gate": gate}
        train = {name: record.model_dump(mode="json") for name, record in told.items()} | {"promoted": gate.promoted}
        export = {"package": self.files["package"], "classes": self.files["classes"], "head": self.files["served"]}
        inputs = [
            self.receipt("begin", facts={"source": "sandbox", "permission": ""}),
            self.receipt(
                "crawl",
                counts={"announced": 9, "imported": 0, "seen": 9},
                facts={"coverage": 1.0},
                versions={"seen": 0},
            ),
            self.receipt("curate", facts={"held": []}),
            self.receipt("train", facts=train),
            self.receipt("export", files=export, facts={"class_map_digest": "c" * 64}),
            self.receipt(
                "price", counts={"prices_sold": 1, "prices_asking": 1, "offers": 1}, facts={"held": []}, files={}
            ),
        ]
        run = StageRun(
            night=NIGHT,
            run_id="r",
            now=datetime(2026, 11, 1, tzinfo=UTC),
            inputs={receipt.stage: receipt for receipt in inputs},
        )
        self.lake.objects.put("lease/000000001.json", b"{}")
        publish(self.settings, self.lake, run, work=self.folder / "work", fence=Fence(self.lake.objects, 1))
        entry = newest(self.store)
        assert entry is not None
        return manifest_of(self.store, entry)

    def receipt(self, stage: str, **fields: Any) -> Receipt:
        """Return a receipt of tonight."""
        return Receipt(night=NIGHT, stage=stage, run_id="r", **fields)

    def released(self, manifest: Manifest, name: str) -> bytes:
        """Return a released file."""
        return self.store.get(object_key(manifest.objects[name].sha256))


@pytest.fixture
def publishing(tmp_path: Path) -> Publishing:
    return Publishing(tmp_path)


PASSED = GateVerdict(promoted=True, words="promoted: 60 %", n=20)


def test_a_release_carries_the_champions_own_backbone_and_what_belongs_to_it(publishing: Publishing) -> None:
    manifest = publishing.publish(PASSED)
    assert publishing.released(manifest, "backbone.keras") == b"own"
    assert publishing.released(manifest, "imagenet-head.npy") == b"ImageNet"
    assert json.loads(publishing.released(manifest, "backbone.json"))["digest"] == publishing.own.digest
    assert manifest.backbone.digest == publishing.own.digest
    assert publishing.released(manifest, "champion.keras") == b"served"


def test_a_release_says_how_its_model_is_to_be_asked(publishing: Publishing) -> None:
    temperatures, abstain = Temperatures(photo=1.5, vehicle=1.2), Abstain(threshold=0.4, most_answered=0.2)
    manifest = publishing.publish(PASSED, temperatures=temperatures, abstain=abstain)
    told = ModelFacts.model_validate_json(publishing.released(manifest, "model.json"))
    assert told == ModelFacts(
        class_map_digest="c" * 64,
        backbone=publishing.own.digest,
        preprocessing="squash-own@96",
        input_size=96,
        temperatures=temperatures,
        abstain=abstain,
    )
    assert b"below 40.0%" in publishing.released(manifest, "card.md")


def test_a_backbone_without_imagenets_head_is_released_without(publishing: Publishing) -> None:
    publishing.own = publishing.backbone("bare")
    assert "imagenet-head.npy" not in publishing.publish(PASSED).objects


def test_a_damaged_file_of_the_backbone_is_not_released(publishing: Publishing) -> None:
    publishing.lake.objects.put(imagenet_head_key(publishing.own), b"ImageNot")
    with pytest.raises(CorruptError, match="imagenet-head"):
        publishing.publish(PASSED)
    assert newest(publishing.store) is None


def test_a_release_against_the_gate_warns_by_whom_and_why(publishing: Publishing) -> None:
    refused = GateVerdict(promoted=False, words="refused: 40 % against 60 %", n=20)
    manifest = publishing.publish(override(refused, "we want it", "A. Smith"))
    assert manifest.verdict == "published"
    [warning] = manifest.warnings
    assert warning == (
        "the model was promoted by A. Smith against the gate: we want it; the gate said: refused: 40 % against 60 %"
    )
    assert not publishing.publish(PASSED).warnings


def test_a_crawl_that_saw_too_little_is_not_published_by_hand(tmp_path: Path) -> None:
    settings = Settings(lake=str(tmp_path / "lake"), store=str(tmp_path / "store"))
    lake = open_lake(settings, create=True)
    night = date(2026, 11, 1)
    crawl = Receipt(
        night=night, stage="crawl", run_id="r", counts={"announced": 100, "seen": 50}, facts={"coverage": 0.5}
    )
    run = StageRun(night=night, run_id="r", now=datetime(2026, 11, 1, tzinfo=UTC), inputs={"crawl": crawl})
    with pytest.raises(HeldError, match="50 of 100"):
        publish(settings, lake, run, work=tmp_path, fence=Fence(lake.objects, 1))
    assert not (tmp_path / "store").exists()
