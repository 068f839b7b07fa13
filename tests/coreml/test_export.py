"""The export stage releases packages that answer as the champion does, retired and withheld classes silent in them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autodetect.classifier.champion import Abstain
from autodetect.classifier.head import mask_outputs, save_head
from autodetect.classifier.pooling import log_of
from autodetect.classifier.temperature import Temperatures, tempered
from autodetect.coreml import packaging
from autodetect.coreml.convert import convert
from autodetect.coreml.interpreter import Interpreter
from autodetect.coreml.package import inspect
from autodetect.coreml.palette import palette
from autodetect.coreml.parity.pictures import generated_pictures
from autodetect.coreml.variants import VariantFacts, file_key
from autodetect.embeddings.engine import embed
from autodetect.embeddings.pin import load_backbone
from autodetect.errors import CorruptError, HeldError, StageFailedError
from autodetect.lake.archives import sha256_file
from autodetect.records import Receipt
from tests.coreml.exporting import CLASS_IDS, NIGHT, Exporting

PACKAGE = "AutoDetect.mlpackage"


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
    abstain = Abstain(threshold=0.4000001, most_answered=0.2)
    receipt = exporting.run(exporting.champion(temperatures=temperatures, abstain=abstain, withheld=(2,)))
    told = inspect(exporting.folder / "work" / PACKAGE).metadata
    assert (told["temperature_photo"], told["temperature_vehicle"]) == ("1.5", "1.25")
    assert float(told["abstain_threshold"]) == 0.4000001
    assert told["head_digest"] == receipt.files["head"]
    assert told["class_map_digest"] == receipt.facts["class_map_digest"]
    assert (told["class_ids"], told["silent_outputs"]) == ("3 1 4 2", "3")
    assert (told["permission"], told["snapshot_id"], told["metric_top1"]) == ("none", "s", "0.500000")
    assert "abstain_threshold" in told["how_to_answer"]
    assert "several photos" in told["how_to_answer"], "one photo is answered as it is"
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


def test_the_temperature_is_folded_in_and_an_app_can_pool_photos_of_a_car(exporting: Exporting) -> None:
    temperatures = Temperatures(photo=2.5, vehicle=1.25)
    receipt = exporting.run(exporting.champion(temperatures=temperatures))
    package = exporting.unzipped(receipt, "package")
    pictures = generated_pictures(6, 96)
    found = Interpreter(package).predict(pictures).astype(np.float64)
    backbone = load_backbone(exporting.lake.objects, exporting.backbone, exporting.folder / "work")
    plain = log_of(exporting.head.predict(embed(backbone, pictures, 6), verbose=0))
    np.testing.assert_allclose(found, np.exp(tempered(plain, 2.5)), atol=5e-3)
    told = inspect(package).metadata
    factor = float(told["temperature_photo"]) / float(told["temperature_vehicle"])
    of_car = np.exp(tempered((np.log(found) * factor).mean(axis=0, keepdims=True)))
    np.testing.assert_allclose(of_car, np.exp(tempered(plain.mean(axis=0, keepdims=True), 1.25)), atol=5e-3)


def test_each_variant_is_tried_on_test_photos_and_the_best_is_recommended(exporting: Exporting) -> None:
    exporting.coreml(variants=("fp16", "int8", "palette6"), accuracy_photos=9)
    exporting.photos(8)
    exporting.photos(8, split="train")
    exporting.photos(8, snapshot_id="another")
    exporting.classes(retired=(4,))
    receipt = exporting.run(exporting.champion())
    assert set(receipt.files) == {"package", "package-int8", "package-palette6", "classes", "head"}
    assert receipt.counts == {"classes": 4, "packages": 3}
    assert receipt.facts["champion"]["head"] == exporting.champion().head
    assert (receipt.facts["withheld"], receipt.facts["parity"]) == ("", "interpreted (Linux)")
    variants = [VariantFacts.model_validate(each) for each in receipt.facts["variants"]]
    assert [each.name for each in variants] == ["fp16", "int8", "palette6"]
    assert [each.size for each in variants] == sorted((each.size for each in variants), reverse=True)
    for each in variants:
        assert each.kept
        assert each.parity.passed
        assert each.parity.photos == 8
        assert each.loss is not None
        assert (each.loss.photos, each.loss.vehicles) == (8, 4)  # whole vehicles, at most 9 photos
        assert not each.recommended or each.name == receipt.facts["recommended"]
        package = exporting.unzipped(receipt, file_key(each.name))
        assert package.name == each.file.removesuffix(".zip")
        assert (exporting.folder / "work" / each.file).stat().st_size == each.zip_size
        assert inspect(package).size == each.size
    assert receipt.facts["recommended"] == "fp16"  # four vehicles prove nothing


def test_a_night_runs_twice_with_the_same_result(exporting: Exporting) -> None:
    exporting.coreml(variants=("fp16", "palette6"))
    exporting.photos(3)
    champion = exporting.champion()
    assert exporting.run(champion).digest == exporting.run(champion).digest


def test_test_photos_that_are_gone_are_left_out_and_counted(exporting: Exporting) -> None:
    [first, *_] = exporting.photos(4)
    (exporting.folder / "lake" / "photos" / first[:2] / first).unlink()
    receipt = exporting.run(exporting.champion())
    [variant] = receipt.facts["variants"]
    assert receipt.facts["test_photos_gone"] == 1
    assert (variant["loss"]["photos"], variant["loss"]["vehicles"]) == (7, 4)
    assert variant["parity"]["photos"] == 8


def test_a_variant_that_fails_is_left_out_and_told(exporting: Exporting, monkeypatch: pytest.MonkeyPatch) -> None:
    def coarse(weights: Any, bits: int) -> Any:
        found = palette(weights, bits)
        return found._replace(indices=np.roll(found.indices, 1))

    monkeypatch.setattr("autodetect.coreml.variants.palette", coarse)
    exporting.coreml(variants=("fp16", "int8", "palette6"))
    receipt = exporting.run(exporting.champion())
    assert set(receipt.files) == {"package", "package-int8", "classes", "head"}
    last = receipt.facts["variants"][-1]
    assert (last["name"], last["kept"], last["recommended"], last["loss"]) == ("palette6", False, False, None)
    assert last["words"]
    assert receipt.facts["withheld"] == ""


@pytest.mark.parametrize("kind", [ValueError, AssertionError, KeyError])
def test_a_variant_that_cannot_be_made_is_left_out_and_told(
    exporting: Exporting, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    def refuse(*_: Any) -> Any:
        raise kind("no palette today")

    monkeypatch.setattr("autodetect.coreml.variants.palette", refuse)
    exporting.coreml(variants=("fp16", "palette6"))
    receipt = exporting.run(exporting.champion())
    assert set(receipt.files) == {"package", "classes", "head"}
    assert "no palette today" in receipt.facts["variants"][-1]["words"]
    assert receipt.facts["variants"][-1]["kept"] is False


def converting_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The converter forgets the temperature."""

    def wrongly(*given: Any, **options: Any) -> Any:
        return convert(*given, **{**options, "temperature": 1.0})

    monkeypatch.setattr(packaging, "convert", wrongly)


def test_a_model_whose_float16_package_fails_is_withheld_and_the_earlier_one_goes_on(
    exporting: Exporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = exporting.run(exporting.champion())
    earlier = earlier.model_copy(update={"facts": {**earlier.facts, "made_on": "2026-10-31"}})
    tonight = exporting.champion(temperatures=Temperatures(photo=2.0))
    with monkeypatch.context() as patched:
        converting_wrongly(patched)
        receipt = exporting.run(tonight, earlier)
        again = exporting.run(tonight, receipt)
    for each in (receipt, again):
        assert "logits" in each.facts["withheld"]
        assert each.facts == {**earlier.facts, "withheld": each.facts["withheld"], "carried": True}
        assert (each.files, each.counts) == (earlier.files, earlier.counts)
    released = exporting.run(tonight, again)
    assert (released.facts["withheld"], released.facts["carried"]) == ("", False)
    assert released.facts["champion"]["temperatures"]["photo"] == 2.0
    back = exporting.run(exporting.champion(), again)
    assert (back.facts["withheld"], back.files) == ("", earlier.files)


def test_a_model_that_the_converter_gives_up_on_is_withheld(
    exporting: Exporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gives_up(*_: Any, **__: Any) -> None:
        raise StageFailedError("the model cannot be converted to Core ML:\n no room", "make room")

    earlier = exporting.run(exporting.champion())
    monkeypatch.setattr(packaging, "convert", gives_up)
    receipt = exporting.run(exporting.champion(temperatures=Temperatures(photo=2.0)), earlier)
    assert receipt.facts["withheld"] == "the model cannot be converted to Core ML: no room"
    assert receipt.files == earlier.files


def test_without_an_earlier_model_a_withheld_one_holds_the_night(
    exporting: Exporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    converting_wrongly(monkeypatch)
    tonight = exporting.champion(temperatures=Temperatures(photo=2.0))
    with pytest.raises(HeldError, match=r"cannot be released: .*logits"):
        exporting.run(tonight)
    before = Receipt(night=NIGHT, stage="export", run_id="r", facts={"made_from": "an earlier version's"})
    with pytest.raises(HeldError, match="cannot be released"):
        exporting.run(tonight, before)


def test_what_xcode_refuses_is_withheld(exporting: Exporting, monkeypatch: pytest.MonkeyPatch) -> None:
    program = exporting.folder / "bin" / "xcrun"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho unsupported >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    with pytest.raises(HeldError, match="unsupported"):
        exporting.run(exporting.champion())


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
