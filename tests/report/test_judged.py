"""What the report gathers of a verdict: all that the receipt tells, nothing of what it does not."""

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from autodetect.lake.lake import Lake, open_lake
from autodetect.records import Receipt, StageRun
from autodetect.report.facts import JudgedReport
from autodetect.report.gather import Gatherer
from autodetect.report.judged import lineage_words
from autodetect.settings import Settings

NIGHT = date(2026, 11, 1)
LINEAGE = {
    "start": "warm",
    "champion": "c" * 64,
    "backbone": "b" * 64,
    "engine": "openvino-bf16",
    "snapshot_id": "s" * 64,
    "backend": "tensorflow",
    "seed": 7,
    "left_out": [3],
}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(Settings(lake=str(tmp_path / "lake")), create=True)


def gathered(lake: Lake, folder: Path, facts: dict[str, object] | None, **files: str) -> JudgedReport:
    inputs = {}
    if facts is not None:
        inputs["train"] = Receipt(night=NIGHT, stage="train", run_id="r", facts=facts, files=files)
    run = StageRun(night=NIGHT, run_id="r", now=datetime(2026, 11, 1, tzinfo=UTC), inputs=inputs)
    return Gatherer(lake, run, folder).judged()


def test_everything_that_a_receipt_tells_comes_back(full_report, lake, tmp_path):
    report = full_report("Audi TT")
    told = report.judged
    sha256 = lake.photos.put(b"a photo")
    worst = {
        "name": "Audi TT",
        "top1": told.worst[0].top1.model_dump(),
        "taken_for": "Audi A3",
        "photos": [{"sha256": each, "answer": "Audi A3", "probability": 0.9} for each in (sha256, "0" * 64)],
    }
    facts = {
        "gate": {"words": "w", "parts": [part.model_dump(mode="json") for part in told.parts]},
        "evaluation": report.evaluation.model_dump(mode="json") | {"worst": [worst]},
        "lineage": LINEAGE,
        **{name: getattr(told, name).model_dump(mode="json") for name in ("slices", "unknowns", "labels")},
    }
    found = gathered(lake, tmp_path / "p", facts, embedding_map=lake.artifacts.put(told.map.model_dump_json().encode()))
    for name in ("parts", "slices", "unknowns", "labels", "map"):
        assert getattr(found, name) == getattr(told, name)
    assert found.lineage.startswith(
        "started from champion cccccccccccc; backbone bbbbbbbbbbbb, embeddings by openvino-bf16"
    )
    (weak,) = found.worst
    assert weak.photos[0].path.read_bytes() == b"a photo"
    assert not weak.photos[1].path.exists()  # it vanished from the lake: the page says so in its place


@pytest.mark.parametrize("facts", [None, {}, {"gate": {"words": "no challenger"}, "labels": None, "evaluation": None}])
def test_what_a_receipt_does_not_tell_is_empty(lake, tmp_path, facts):
    assert gathered(lake, tmp_path / "p", facts) == JudgedReport()


def test_a_map_that_was_swept_is_left_out(lake, tmp_path):
    gone = hashlib.sha256(b"gone").hexdigest()
    assert gathered(lake, tmp_path / "p", {}, embedding_map=gone).map is None


def test_a_lineage_is_one_line_that_says_where_it_started():
    warm = lineage_words({"lineage": LINEAGE})
    assert warm.endswith("snapshot ssssssssssss, tensorflow, seed 7; 1 class without training photos left out")
    tried = {"backbone": "n", "outcome": "promoted"}
    cold = lineage_words({"lineage": LINEAGE | {"start": "cold", "left_out": []}, "backbone_next": tried})
    assert cold.startswith("started afresh; backbone ")
    assert cold.endswith("seed 7; the next backbone was promoted")
    assert "\n" not in warm + cold
