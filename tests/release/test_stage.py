"""The publish stage releases what belongs to the champion, and holds what is not good enough."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from autodetect.classifier.champion import Abstain
from autodetect.classifier.gate import GateVerdict, override
from autodetect.classifier.temperature import Temperatures
from autodetect.embeddings.pin import imagenet_head_key
from autodetect.errors import CorruptError, HeldError, UsageError
from autodetect.lake.lake import open_lake
from autodetect.lake.lease import Fence
from autodetect.lake.provenance import dependencies_digest
from autodetect.lake.schemas import SIGHTINGS
from autodetect.records import Receipt, StageRun
from autodetect.release.history import newest
from autodetect.release.json_schema import PUBLISHED, schema_bytes
from autodetect.release.keys import write_key
from autodetect.release.layout import history_key
from autodetect.release.manifest import Manifest
from autodetect.release.model_facts import ModelFacts
from autodetect.release.signing import ForgedError, PrivateKey
from autodetect.release.stage import check_publishing, publish
from autodetect.settings import Settings
from tests.release.publishing import METRICS, PASSED, VARIANTS, Publishing, variant
from tests.release.sample import publish_night

DIGEST = "c" * 64


@pytest.fixture
def publishing(tmp_path: Path) -> Publishing:
    return Publishing(tmp_path)


def published(
    publishing: Publishing, gate: GateVerdict = PASSED, exported: dict[str, Any] | None = None, **fields: Any
) -> Manifest:
    """Publish tonight's champion, which the gate let pass or a person did."""
    champion = publishing.champion(**fields)
    receipts = publishing.trained(champion, gate)
    receipts["export"] = publishing.exported(champion, class_map_digest=DIGEST, **(exported or {}))
    receipts["price"] = publishing.made_up_prices()
    publishing.publish(receipts)
    return publishing.manifest()


def test_a_release_carries_the_champions_own_backbone_and_what_belongs_to_it(publishing: Publishing) -> None:
    manifest = published(publishing)
    assert publishing.released(manifest, "backbone.keras") == b"own"
    assert publishing.released(manifest, "imagenet-head.npy") == b"ImageNet"
    assert publishing.told(manifest, "backbone.json")["digest"] == publishing.own.digest
    assert manifest.backbone.digest == publishing.own.digest
    assert publishing.released(manifest, "champion.keras") == b"served of 2026-11-01"


def test_a_release_says_how_its_model_is_to_be_asked(publishing: Publishing) -> None:
    temperatures, abstain = Temperatures(photo=1.5, vehicle=1.2), Abstain(threshold=0.4, most_answered=0.2)
    manifest = published(publishing, temperatures=temperatures, abstain=abstain)
    told = ModelFacts.model_validate_json(publishing.released(manifest, "model.json"))
    assert told == ModelFacts(
        class_map_digest=DIGEST,
        backbone=publishing.own.digest,
        preprocessing="squash-own@96",
        input_size=96,
        temperatures=temperatures,
        abstain=abstain,
    )
    assert b"below 40.0%" in publishing.released(manifest, "card.md")


def test_a_backbone_without_imagenets_head_is_released_without(publishing: Publishing) -> None:
    publishing.own = publishing.backbone("bare")
    assert "imagenet-head.npy" not in published(publishing).objects


def test_a_damaged_file_of_the_backbone_is_not_released(publishing: Publishing) -> None:
    publishing.lake.objects.put(imagenet_head_key(publishing.own), b"ImageNot")
    with pytest.raises(CorruptError, match="imagenet-head"):
        published(publishing)
    assert newest(publishing.store) is None


def test_a_release_against_the_gate_warns_by_whom_and_why(publishing: Publishing) -> None:
    refused = GateVerdict(promoted=False, words="refused: 40 % against 60 %", n=20)
    manifest = published(publishing, override(refused, "we want it", "A. Smith"))
    assert manifest.verdict == "published"
    [warning] = manifest.warnings
    assert warning == (
        "the model was promoted by A. Smith against the gate: we want it; the gate said: refused: 40 % against 60 %"
    )
    assert not published(publishing).warnings


def test_a_release_tells_each_package_its_worth_and_how_that_was_shown(publishing: Publishing) -> None:
    manifest = published(publishing)
    assert manifest.schema_version == 3
    assert manifest.parity == "interpreted (Linux)"
    assert [each.name for each in manifest.packages] == ["fp16", "int8", "palette6"]
    small = manifest.packages[-1]
    assert publishing.released(manifest, small.file) == b"package-palette6 of 2026-11-01"
    assert publishing.released(manifest, "AutoDetect.mlpackage.zip") == b"package of 2026-11-01"
    assert (small.size, small.recommended, small.parity.decided, small.parity.agreement) == (
        17_500_000,
        True,
        250,
        0.996,
    )
    assert small.loss is not None
    assert (small.loss.vehicles, small.loss.low, small.loss.high) == (20, -0.004, 0.006)
    text = publishing.released(manifest, "card.md").decode()
    row = "| palette6 (`AutoDetect-palette6.mlpackage.zip`), **recommended** | 17.5 MB | 99.6% of 250 decided"
    assert row in text
    assert "+0.1% (-0.4% to +0.6%) of 20 |" in text
    assert "Parity: interpreted (Linux)" in text


def test_a_package_that_was_dropped_is_missing_and_missed(publishing: Publishing) -> None:
    words = "its answers differ by 0.3"
    variants = [VARIANTS[0], variant("int8", 23_000_000, loss=None), variant("palette6", 1, kept=False, words=words)]
    manifest = published(publishing, exported={"variants": variants})
    assert [each.name for each in manifest.packages] == ["fp16", "int8"]
    assert manifest.packages[1].loss is None
    assert "AutoDetect-palette6.mlpackage.zip" not in manifest.objects
    assert manifest.warnings == (f"the palette6 package is not in the release: {words}",)
    text = publishing.released(manifest, "card.md").decode()
    assert words in text
    assert "not measured" in text


def test_a_release_says_how_good_the_model_was_that_it_displaced(publishing: Publishing) -> None:
    champion = publishing.champion()
    theirs = METRICS | {"vehicle_top1": 0.25, "vehicle_top3": 0.75, "vehicles": 16, "per_class": [], "unknown": None}
    receipts = publishing.trained(champion, champion_evaluation=theirs)
    receipts["export"], receipts["price"] = publishing.exported(champion), publishing.made_up_prices()
    publishing.publish(receipts)
    manifest = publishing.manifest()
    assert manifest.champion_metrics == METRICS | {"vehicle_top1": 0.25, "vehicle_top3": 0.75, "vehicles": 16}
    assert manifest.metrics == METRICS
    text = publishing.released(manifest, "card.md").decode()
    assert "| the model before: top-1, top-3 by vehicle | 25.0%, 75.0% of 16 of classes it knew |" in text


def test_a_model_that_stayed_is_not_set_beside_itself(publishing: Publishing) -> None:
    champion = publishing.champion()
    refused = GateVerdict(promoted=False, words="refused: 40 % against 60 %", n=20)
    receipts = publishing.trained(champion, refused, champion_evaluation=METRICS)
    receipts["export"], receipts["price"] = publishing.exported(champion), publishing.made_up_prices()
    publishing.publish(receipts)
    assert publishing.manifest().champion_metrics == {}
    tonight, earlier = publishing.champion(), publishing.champion(night=date(2026, 10, 1))
    receipts = publishing.trained(tonight, champion_evaluation=METRICS)
    receipts["export"], receipts["price"] = publishing.exported(earlier), publishing.made_up_prices()
    publishing.publish(receipts)  # tonight's model was promoted and withheld: an earlier one is released
    assert publishing.manifest().champion_metrics == {}


def test_a_release_says_under_what_licences_people_brought_their_own(publishing: Publishing) -> None:
    sighted = [
        ("sandbox", "the sandbox's"),
        ("folder", "own photos"),
        ("folder", "own photos"),
        ("folder", "CC BY 4.0 of A. Smith"),
        ("folder", ""),
    ]
    rows = [
        dict.fromkeys(SIGHTINGS.schema.names, None)
        | {"source": source, "permission": permission, "item_id": str(n), "kind": "import"}
        | {"observed_on": date(2026, 10, 1), "night": date(2026, 10, 1)}
        for n, (source, permission) in enumerate(sighted)
    ]
    version = publishing.lake.tables.upsert(SIGHTINGS, pa.Table.from_pylist(rows, schema=SIGHTINGS.schema))
    champion = publishing.champion()
    receipts = publishing.trained(champion)
    receipts["export"], receipts["price"] = publishing.exported(champion), publishing.made_up_prices()
    publishing.publish(receipts)
    assert publishing.manifest().licences == ()  # the version that the crawl's receipt names is the one before
    crawl = receipts["crawl"]
    receipts["crawl"] = crawl.model_copy(update={"versions": crawl.versions | {"sightings": version}})
    publishing.publish(receipts)
    manifest = publishing.manifest()
    assert manifest.licences == ("CC BY 4.0 of A. Smith", "own photos")
    assert b"| licence of what was imported | own photos |" in publishing.released(manifest, "card.md")


def test_a_release_says_what_it_was_made_with_and_carries_its_schemas(publishing: Publishing) -> None:
    manifest = published(publishing)
    assert manifest.dependencies == dependencies_digest() != ""
    for name in PUBLISHED:
        assert publishing.released(manifest, name) == schema_bytes(name)


def test_an_export_that_does_not_name_its_model_is_not_published(publishing: Publishing) -> None:
    champion = publishing.champion()
    exported = publishing.exported(champion)
    silent = exported.model_copy(update={"facts": exported.facts | {"champion": None}})
    with pytest.raises(CorruptError, match="which model it released"):
        publishing.publish({**publishing.trained(champion), "export": silent})
    assert newest(publishing.store) is None


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


def test_a_key_that_may_not_sign_is_told_before_the_night_and_nothing_is_written(
    publishing: Publishing, tmp_path: Path
) -> None:
    settings, key_file = publishing.settings, tmp_path / "key.json"
    check_publishing(settings)  # the demo channel will make its key
    assert not key_file.exists()
    with pytest.raises(UsageError, match="keygen"):
        check_publishing(settings.with_values({"channel": "production"}))
    write_key(key_file, PrivateKey.generate("demo"))
    with pytest.raises(UsageError, match="is a demo key"):
        check_publishing(settings.with_values({"channel": "production"}))
    check_publishing(settings)
    publish_night(publishing.store, tmp_path / "files", 1)
    with pytest.raises(ForgedError, match=r"history/1\.json is signed by"):
        check_publishing(settings)
    publishing.store.put(history_key(1), b"{")
    with pytest.raises(CorruptError, match=r"history/1\.json"):
        check_publishing(settings)
