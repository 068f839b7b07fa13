"""The last night's challenger becomes a package that no receipt knows of."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from autodetect.classifier.temperature import Temperatures
from autodetect.coreml.challenger import export_challenger
from autodetect.coreml.package import inspect
from autodetect.errors import HeldError, UsageError
from autodetect.lake.schemas import CLASSES
from autodetect.records import Receipt
from tests.coreml.exporting import NIGHT, Exporting

WHEN = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture
def exporting(tmp_path: Path) -> Exporting:
    return Exporting(tmp_path)


def trained(exporting: Exporting, **facts: object) -> None:
    """Commit a night's receipts as far as training."""
    begin = Receipt(night=NIGHT, stage="begin", run_id="r", facts={"permission": "a contract"})
    versions = {CLASSES.name: exporting.lake.tables.version(CLASSES)}
    gate = {"words": "nothing new to learn"}
    train = Receipt(night=NIGHT, stage="train", run_id="r", versions=versions, facts={"gate": gate, **facts})
    for receipt in (begin, train):
        exporting.lake.receipts.commit(receipt, WHEN)


def test_the_challenger_is_written_and_nothing_in_the_lake_knows(exporting: Exporting, tmp_path: Path) -> None:
    challenger = exporting.champion(temperatures=Temperatures(photo=1.5), withheld=(2,))
    trained(exporting, challenger=challenger.model_dump(mode="json"), champion=None)
    before = exporting.lake.receipts.all()
    package = export_challenger(exporting.settings, exporting.lake, tmp_path / "new" / "folder")
    facts = inspect(package)
    assert package.parent == tmp_path / "new" / "folder"
    assert [path.name for path in package.parent.iterdir()] == [package.name]
    assert facts.labels == tuple(f"Ford Model {i}" for i in challenger.class_ids)
    assert (facts.metadata["temperature_photo"], facts.metadata["permission"]) == ("1.5", "a contract")
    assert facts.metadata["silent_outputs"] == "3"
    assert exporting.lake.receipts.all() == before
    assert export_challenger(exporting.settings, exporting.lake, package.parent) == package  # in its place


def test_a_lake_without_a_night_or_a_night_without_a_challenger_is_told(exporting: Exporting, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no trained model"):
        export_challenger(exporting.settings, exporting.lake, tmp_path / "out")
    trained(exporting, champion=exporting.champion().model_dump(mode="json"))
    with pytest.raises(UsageError, match="nothing new to learn"):
        export_challenger(exporting.settings, exporting.lake, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_challenger_none_of_whose_classes_may_answer_is_refused(exporting: Exporting, tmp_path: Path) -> None:
    challenger = exporting.champion(withheld=(1, 2, 3, 4))
    trained(exporting, challenger=challenger.model_dump(mode="json"))
    with pytest.raises(HeldError, match="every class"):
        export_challenger(exporting.settings, exporting.lake, tmp_path / "out")
