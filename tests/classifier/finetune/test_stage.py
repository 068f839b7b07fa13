"""The fine-tune stage on a small lake: what it trains from what, what it proposes, and what it says when it cannot."""

from pathlib import Path

import keras
import numpy as np
import pytest

from autodetect.classifier.finetune.logs import EVENTS_NAME
from autodetect.classifier.finetune.scratch import clear_scratch, finetune_folder
from autodetect.classifier.head import load_head
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.pin import load_backbone, read_next, read_pin, record_of, settle
from autodetect.errors import StageFailedError, UsageError
from autodetect.lake.lake import Lake
from autodetect.lake.schemas import TABLES
from autodetect.records import Receipt
from tests.classifier.finetune.small_lake import (
    CLASS_IDS,
    COUNTS,
    SNAPSHOT,
    WHOLE,
    champion_head,
    run_stage,
    small_lake,
    trained_on,
)

UPPER = WHOLE.model_copy(update={"from_layer": "conv2", "learning_rate": 1e-3})


def weights(lake: Lake, record: BackboneRecord, folder: Path) -> dict[str, np.ndarray]:
    model = load_backbone(lake.objects, record, folder)
    return {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}


@pytest.fixture(scope="module")
def from_random(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Receipt, Path, dict[str, list[str]]]:
    """A fine-tune of a random backbone: the lake afterwards, the receipt, the work folder, the photos."""
    folder = tmp_path_factory.mktemp("random")
    lake, photos = small_lake(folder / "lake")
    pin = read_pin(lake.objects)
    assert pin is not None
    before = {name: lake.tables.version(table) for name, table in TABLES.items()}
    receipt = run_stage(lake, trained_on(lake, champion_head(lake, folder), pin.digest), folder / "work")
    assert {name: lake.tables.version(table) for name, table in TABLES.items()} == before
    return lake, receipt, folder / "work", photos


def test_random_weights_are_trained_whole_and_proposed_as_the_next_backbone(from_random, tmp_path):
    lake, receipt, _, _ = from_random
    pin, proposed = read_pin(lake.objects), read_next(lake.objects)
    facts = receipt.facts
    assert (receipt.kind, receipt.stage, receipt.versions) == ("finetune", "finetune", {})
    assert facts["backbone"] == proposed.model_dump(mode="json")
    assert (proposed.parent, proposed.snapshot_ids, proposed.batch_norm) == (pin.digest, (SNAPSHOT,), "training")
    assert (proposed.resolved, proposed.preprocessing, proposed.imagenet_head) == ("random", pin.preprocessing, "")
    assert "trained from random weights" in proposed.note
    assert record_of(lake.objects, proposed.digest) == proposed
    was, now = weights(lake, pin, tmp_path), weights(lake, proposed, tmp_path)
    assert [path for path in was if np.array_equal(was[path], now[path])] == []
    assert receipt.files["backbone"] == proposed.file_sha256
    head = load_head(lake.artifacts.fetch(receipt.files["head"], tmp_path / "head.keras"))
    assert (head.input_shape[-1], head.output_shape[-1]) == (64, 3)
    assert (facts["head_start"], facts["class_ids"]) == ("fresh", list(CLASS_IDS))


def test_the_receipt_says_how_it_went_and_equal_runs_have_equal_digests(from_random, tmp_path):
    lake, receipt, work, _ = from_random
    facts = receipt.facts
    assert receipt.counts == {
        "steps": WHOLE.steps,
        "classes": 3,
        "photos_train": COUNTS["train"],
        "photos_validation": COUNTS["validation"],
        "photos_vanished": 0,
        "photos_of_unknown_classes": 0,
    }
    assert [entry["step"] for entry in facts["curve"]] == [4, 8, 12]
    assert set(facts["curve"][0]) == {"step", "loss", "learning_rate", "val_top1", "val_nll"}
    assert facts["curve"][-1]["val_top1"] > 1 / 3
    assert (facts["batch_norm"], facts["precision"], facts["photos"]) == ("training", "float32", COUNTS["train"])
    assert receipt.run["photos_per_second"] > 0
    (events,) = finetune_folder(work).rglob(EVENTS_NAME)
    assert events.stat().st_size > 100

    pin = read_pin(lake.objects)
    again = run_stage(lake, trained_on(lake, champion_head(lake, tmp_path), pin.digest), tmp_path / "elsewhere")
    assert (again.files, again.digest) == (receipt.files, receipt.digest)


def test_trained_weights_are_trained_from_the_block_up_with_the_champions_head(tmp_path):
    lake, photos = small_lake(tmp_path / "lake")
    pin = read_pin(lake.objects)
    short = WHOLE.model_copy(update={"steps": 4})
    first = run_stage(lake, trained_on(lake, champion_head(lake, tmp_path), pin.digest), tmp_path / "work", short)
    before = BackboneRecord.model_validate(first.facts["backbone"])
    settle(lake.objects, before.digest, None)
    # Output 1 is of a class that was retired; class 9 is one that the champion does not know.
    head = champion_head(lake, tmp_path, masked=(1,))
    train = trained_on(lake, head, before.digest, (4, 2, 7))
    gone, cut = photos["train"][0], photos["train"][1]
    (lake_path := lake.objects.local_path(f"photos/{cut[:2]}/{cut}")).write_bytes(b"cut")
    lake.objects.delete(f"photos/{gone[:2]}/{gone}")
    receipt = run_stage(lake, train, tmp_path / "work", UPPER)

    assert receipt.counts["photos_vanished"] == 2
    assert set(receipt.facts["vanished"]) == {gone, cut}
    assert receipt.facts["warned"] == ["2 of 42 photos are gone and were left out"]
    assert receipt.counts["photos_train"] == 2 * COUNTS["train"] // 3 - 2
    assert receipt.counts["photos_of_unknown_classes"] == (COUNTS["train"] + COUNTS["validation"]) // 3
    assert (receipt.facts["head_start"], receipt.facts["class_ids"]) == ("champion", [4, 7])
    made = BackboneRecord.model_validate(receipt.facts["backbone"])
    assert (made.parent, made.batch_norm) == (before.digest, "inference")
    assert made.snapshot_ids == (SNAPSHOT, SNAPSHOT)
    was, now = weights(lake, before, tmp_path), weights(lake, made, tmp_path)
    changed = {path.split("/")[-2] for path in was if not np.array_equal(was[path], now[path])}
    assert changed == {"conv2", "norm2"}
    assert all(np.array_equal(was[path], now[path]) for path in was if "moving" in path)
    assert lake_path.read_bytes() == b"cut"


def test_what_cannot_be_fine_tuned_is_told_before_anything_is_read(from_random, tmp_path):
    lake, _, _, _ = from_random
    pin = read_pin(lake.objects)
    train = trained_on(lake, "0" * 64, pin.digest)
    with pytest.raises(UsageError, match="random weights, and") as raised:
        run_stage(lake, train, tmp_path, UPPER)
    assert '--from-layer ""' in raised.value.remedy
    without = train.model_copy(update={"facts": {"snapshot_id": SNAPSHOT, "champion": None}})
    with pytest.raises(UsageError, match="no champion to fine-tune") as raised:
        run_stage(lake, without, tmp_path)
    assert "autodetect nightly" in raised.value.remedy
    trained = read_next(lake.objects)
    train = trained_on(lake, champion_head(lake, tmp_path), trained.digest)
    for layer, words in (("mixed9", "no layer 'mixed9'"), ("mixed2", "the backbone has no weights")):
        with pytest.raises(UsageError, match=words):
            run_stage(lake, train, tmp_path, UPPER.model_copy(update={"from_layer": layer}))
    assert not finetune_folder(tmp_path).exists()


def test_a_loss_that_is_not_finite_fails_the_stage_in_words_and_proposes_nothing(tmp_path):
    lake, _ = small_lake(tmp_path / "lake")
    train = trained_on(lake, champion_head(lake, tmp_path), read_pin(lake.objects).digest)
    absurd = WHOLE.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(StageFailedError, match=r"fine-tuning diverged at step .* the last good checkpoint") as raised:
        run_stage(lake, train, tmp_path / "work", absurd)
    assert "finetune.learning_rate" in raised.value.remedy
    assert read_next(lake.objects) is None


def test_scratch_is_cleared_but_for_the_logs(from_random):
    _, _, work, _ = from_random
    kinds = {path.suffix for path in finetune_folder(work).rglob("*") if path.is_file()}
    assert {".u8", ".npz"} <= kinds
    clear_scratch(work)
    names = {path.name for path in finetune_folder(work).rglob("*") if path.is_file()}
    assert names == {"history.jsonl", EVENTS_NAME}
    clear_scratch(work.parent / "never")
