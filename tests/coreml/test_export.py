"""The export stage releases a model in which outputs of retired and withheld classes are silent, and says so."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autodetect.classifier.champion import Abstain, Champion
from autodetect.classifier.head import build_head, load_head, mask_outputs, save_head
from autodetect.classifier.temperature import Temperatures
from autodetect.coreml.export import PACKAGE, export
from autodetect.coreml.package import inspect
from autodetect.embeddings.pin import pinned
from autodetect.errors import CorruptError, HeldError
from autodetect.lake.archives import sha256_file
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.schemas import CLASSES
from autodetect.lake.tables import rows_of
from autodetect.records import Receipt, StageRun
from autodetect.sections import ClassifierSettings
from autodetect.settings import Settings

NIGHT = date(2026, 11, 1)
CLASS_IDS = (3, 1, 4, 2)
METRICS = {"top1": 0.5}


class Exporting:
    """A lake with a champion of four classes on a tiny backbone."""

    def __init__(self, folder: Path, **backbone: Any) -> None:
        asked = {"weights": "random", "architecture": "tiny", "input_size": 96} | backbone
        self.settings = Settings(lake=str(folder / "lake"), backbone=asked)  # type: ignore[arg-type]
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

    def run(self, champion: Champion, earlier: Receipt | None = None) -> Receipt:
        """Export it."""
        begin = Receipt(night=NIGHT, stage="begin", run_id="r", facts={"permission": "none"})
        train = Receipt(
            night=NIGHT,
            stage="train",
            run_id="r",
            versions={CLASSES.name: self.lake.tables.version(CLASSES)},
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


@pytest.fixture
def exporting(tmp_path: Path) -> Exporting:
    return Exporting(tmp_path)


def test_silent_outputs_keep_their_place_and_answer_zero_in_head_package_and_class_map(exporting: Exporting) -> None:
    exporting.classes(retired=(1,))
    receipt = exporting.run(exporting.champion(withheld=(2,)))
    assert exporting.answering(receipt) == [True, False, True, False]
    answers = exporting.answers(receipt)
    assert not answers[:, [1, 3]].any()
    assert (answers[:, [0, 2]] > 0).all()
    package = exporting.folder / "work" / PACKAGE
    assert inspect(package).labels == tuple(f"Ford Model {i}" for i in CLASS_IDS)
    kernel, bias = last_layer(package)
    hidden = np.random.default_rng(3).normal(size=(5, kernel.shape[1])).astype(np.float16) * np.float16(10)
    scores = hidden @ kernel.T + bias
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    assert shares.dtype == np.float16
    assert not shares[:, [1, 3]].any()
    assert (shares.sum(axis=1) >= 1).all()


def test_a_head_that_is_silent_already_is_released_as_it_is(exporting: Exporting) -> None:
    masked = mask_outputs(exporting.head, [1, 3])
    champion = exporting.champion(withheld=(1, 2))
    save_head(masked, exporting.folder / "served.keras")
    served = exporting.lake.artifacts.put_file(exporting.folder / "served.keras")
    receipt = exporting.run(champion.model_copy(update={"served": served}))
    assert receipt.files["head"] == served == sha256_file(exporting.folder / "served.keras")
    assert exporting.answering(receipt) == [True, False, True, False]


def test_an_output_that_its_head_keeps_silent_is_not_said_to_answer(exporting: Exporting) -> None:
    receipt = exporting.run(exporting.champion(mask_outputs(exporting.head, [0])))
    assert exporting.answering(receipt) == [False, True, True, True]


def test_a_class_that_was_retired_since_makes_a_new_package(exporting: Exporting) -> None:
    champion = exporting.champion()
    first = exporting.run(champion)
    assert exporting.run(champion, first).facts["carried"] is False  # same night: the very files
    assert exporting.run(champion, first).files == first.files
    exporting.classes(retired=(4,))
    second = exporting.run(champion, first)
    assert second.files["package"] != first.files["package"]
    assert exporting.answering(second) == [True, True, False, True]
    assert first.facts["class_map_digest"] == second.facts["class_map_digest"]


def test_the_package_says_how_its_answers_are_to_be_taken(exporting: Exporting) -> None:
    temperatures = Temperatures(photo=1.5, vehicle=1.25)
    exporting.run(
        exporting.champion(temperatures=temperatures, abstain=Abstain(threshold=0.4000001, most_answered=0.2))
    )
    told = inspect(exporting.folder / "work" / PACKAGE).metadata
    assert (told["temperature_photo"], told["temperature_vehicle"]) == ("1.5", "1.25")
    assert float(told["abstain_threshold"]) == 0.4000001
    assert told["preprocessing"] == exporting.backbone.preprocessing
    assert told["backbone_digest"] == exporting.backbone.digest
    exporting.run(exporting.champion(temperatures=temperatures))
    assert "abstain_threshold" not in inspect(exporting.folder / "work" / PACKAGE).metadata


@pytest.mark.parametrize(("geometry", "word"), [("squash", "squashed"), ("letterbox", "grey")])
def test_the_package_says_how_a_photo_becomes_its_square(tmp_path: Path, geometry: str, word: str) -> None:
    import coremltools as ct

    exporting = Exporting(tmp_path, geometry=geometry)
    exporting.run(exporting.champion())
    spec = ct.utils.load_spec(str(tmp_path / "work" / PACKAGE))
    assert word in spec.description.input[0].shortDescription
    assert inspect(tmp_path / "work" / PACKAGE).metadata["preprocessing"].startswith(geometry)


def test_a_model_without_any_class_to_answer_is_held(exporting: Exporting) -> None:
    exporting.classes(retired=(1, 2, 3))
    with pytest.raises(HeldError, match="every class"):
        exporting.run(exporting.champion(withheld=(4,)))


def test_a_champion_on_a_backbone_that_the_lake_never_had_is_told(exporting: Exporting) -> None:
    with pytest.raises(CorruptError, match="no backbone ffffffffffff"):
        exporting.run(exporting.champion().model_copy(update={"backbone": "f" * 64}))


def last_layer(package: Path) -> tuple[np.ndarray, np.ndarray]:
    """The last linear layer's kernel (classes, width) and bias (classes,) as float16, from the package's files."""
    import coremltools as ct

    spec = ct.utils.load_spec(str(package))
    [function] = spec.mlProgram.functions.values()
    block = function.block_specializations[function.opset]
    constants = {op.outputs[0].name: op.attributes["val"] for op in block.operations if op.type == "const"}
    linear = [op for op in block.operations if op.type == "linear"][-1]
    weights = (package / "Data/com.apple.CoreML/weights/weight.bin").read_bytes()

    def read(name: str) -> np.ndarray:
        value = constants[linear.inputs[name].arguments[0].name]
        shape = [dimension.constant.size for dimension in value.type.tensorType.dimensions]
        if value.WhichOneof("value") == "blobFileValue":
            start = int(np.frombuffer(weights, "<u8", 1, value.blobFileValue.offset + 16)[0])
            return np.frombuffer(weights, "<f2", int(np.prod(shape)), start).reshape(shape)
        return np.frombuffer(value.immediateValue.tensor.bytes.values, "<f2").reshape(shape)

    return read("weight"), read("bias")
