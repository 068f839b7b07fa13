"""Any package is looked at as far as it can be; one that the lake knows is held against its model."""

import contextlib
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from autodetect.classifier.champion import ClassEntry, class_map_digest
from autodetect.coreml.verification.photos import as_input
from autodetect.coreml.verification.verify import verify
from autodetect.errors import AutoDetectError, CorruptError, UsageError
from autodetect.records import Receipt, canonical_json
from tests.coreml.parity.files import Files
from tests.coreml.parity.models import LABELS, SILENT
from tests.coreml.verification.lakes import NIGHT, PHOTOS, NightLake, night_lake
from tests.photos.drawn import DRAWN, drawn


@pytest.fixture(scope="module")
def night(tmp_path_factory) -> NightLake:
    return night_lake(tmp_path_factory.mktemp("night"))


@pytest.fixture
def copy(night, tmp_path) -> Path:
    return shutil.copytree(night.package, tmp_path / "copy.mlpackage")


def verified(package, lake=None, photos=None):
    return verify(package, lake=lake, photos=photos, parity_photos=12, max_pixels=10**8)


def test_a_package_is_held_against_the_model_that_it_names(night):
    found = verified(night.package, night.lake)
    assert found.faults == ()
    assert found.parity is not None
    assert found.parity.passed
    assert (found.pictures, found.photos, found.unproven) == (12, PHOTOS, "")
    assert found.facts is not None
    assert found.facts.labels == LABELS
    assert found.inputs == ("image: image, 96 x 96 pixels, RGB",)
    assert found.operations["conv"] == 3
    assert found.facts.metadata["silent_outputs"] == str(SILENT), "silent in the head, though its class is active"


def test_photos_of_a_folder_are_asked_about_and_others_left_out(night, tmp_path):
    for number, kind in enumerate(DRAWN):
        (tmp_path / f"{number}.jpg").write_bytes(drawn(kind, number))
    (tmp_path / "notes.txt").write_text("no photo")
    found = verified(night.package, night.lake, tmp_path)
    assert found.parity is not None
    assert found.parity.passed
    assert found.photos == len(DRAWN)
    with pytest.raises(UsageError, match="no folder with photos"):
        verified(night.package, night.lake, tmp_path / "none")


def test_another_model_under_the_same_name_is_told(night, copy):
    files = Files(copy)
    files.halves(files.bias(3))[:] += np.float16(0.5)
    files.save()
    found = verified(copy, night.lake)
    assert found.parity is not None
    assert not found.parity.passed
    assert found.faults == (found.parity.words,)
    assert "hidden" in found.faults[0]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("temperature_photo", "2.6", "logits: .* times too large"),
        ("head_digest", None, "metadata has no head_digest"),
        ("backbone_digest", "f" * 64, "knows no backbone ffffffffffff"),
        ("head_digest", "e" * 64, "holds no head eeeeeeeeeeee"),
    ],
)
def test_what_a_package_says_of_its_model_is_looked_up(night, copy, name, value, words):
    files = Files(copy)
    told = files.spec.description.metadata.userDefined
    if value is None:
        del told[name]
    else:
        told[name] = value
    files.save()
    found = verified(copy, night.lake)
    assert re.search(words, found.parity.words if found.parity else found.unproven)
    assert bool(found.faults) == (name == "temperature_photo")
    assert found.pictures > 0


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("temperature_photo", "warm", "temperature_photo is 'warm'"),
        ("temperature_photo", "-1", "temperature_photo is '-1'"),
        ("class_ids", "1 2", "names a class that the lake does not know"),
        ("class_map_digest", "d" * 64, "dddddddddddd is that of no class map"),
        ("silent_outputs", "3", "silent_outputs is '3', the head's are '5'"),
    ],
)
def test_what_cannot_be_true_of_a_package_is_told(night, copy, name, value, words):
    files = Files(copy)
    files.spec.description.metadata.userDefined[name] = value
    files.save()
    with pytest.raises(CorruptError, match=words):
        verified(copy, night.lake)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("temperature_vehicle", "0.5", "temperature_vehicle is '0.5', the export of this model said '1.0'"),
        ("abstain_threshold", "0.1", "abstain_threshold is '0.1', the export of this model said 'None'"),
    ],
)
def test_how_answers_are_taken_is_as_the_export_said(tmp_path, name, value, words):
    night = night_lake(tmp_path)
    train = night.lake.receipts.newest("train")
    champion = train.facts["champion"]
    files = {"head": champion["head"]}
    receipt = Receipt(night=NIGHT, stage="export", run_id="r", files=files, facts={"champion": champion})
    night.lake.receipts.commit(receipt, datetime(2026, 11, 2, tzinfo=UTC))
    assert verified(night.package, night.lake).faults == ()
    changed = Files(night.package)
    changed.spec.description.metadata.userDefined[name] = value
    changed.save()
    with pytest.raises(CorruptError, match=words):
        verified(night.package, night.lake)


def test_a_class_that_was_renamed_since_keeps_its_label_in_the_package(tmp_path):
    night = night_lake(tmp_path)
    entries = [
        ClassEntry(output=output, class_id=20 + output, make_model_id=f"m-{20 + output}", label=label)
        for output, label in enumerate(LABELS)
    ]
    night.rename_class(20, "Renamed")
    with pytest.raises(CorruptError, match="no class map"):
        verified(night.package, night.lake)
    kept = night.lake.artifacts.put(canonical_json([entry.model_dump() for entry in entries]))
    facts = {"class_map_digest": class_map_digest(entries)}
    receipt = Receipt(night=NIGHT, stage="export", run_id="r", files={"classes": kept}, facts=facts)
    night.lake.receipts.commit(receipt, datetime(2026, 11, 2, tzinfo=UTC))
    found = verified(night.package, night.lake)
    assert found.parity is not None
    assert found.parity.passed


def test_without_a_lake_a_package_is_asked_by_itself(night, copy):
    found = verified(copy)
    assert found.parity is None
    assert (found.faults, found.pictures) == ((), 16)
    assert "no lake" in found.unproven
    files = Files(copy)
    files.halves(files.bias(4))[0] = np.float16(np.nan)
    files.save()
    assert "are answered with no numbers" in verified(copy).faults[0]


def test_an_image_of_another_size_than_the_program_takes_is_told(copy):
    files = Files(copy)
    image = files.spec.description.input[0].type.imageType
    image.width = image.height = 2**40
    files.save()
    assert re.search(
        r"describes an image of 1099511627776 x .* its program takes \(1, 3, 96, 96\)", verified(copy).faults[0]
    )


def test_a_package_from_elsewhere_is_read_as_far_as_it_goes(tmp_path):
    import coremltools as ct
    from coremltools.converters.mil import Builder

    @Builder.program(input_specs=[Builder.TensorSpec(shape=(1, 4))])
    def plain(x):
        return Builder.relu(x=x, name="answer")

    package = tmp_path / "plain.mlpackage"
    ct.convert(plain, convert_to="mlprogram", minimum_deployment_target=ct.target.iOS16).save(str(package))
    found = verified(package)
    assert found.facts is None
    assert (found.inputs, found.faults) == (("x: fp32 (1, 4)",), ())
    assert "no classifier" in found.unproven
    files = Files(package)
    files.of_kind("relu")[0].type = "frobnicate"
    files.save()
    strange = verified(package)
    assert strange.unknown_operations == ("frobnicate",)
    assert "does not know: frobnicate" in strange.unproven


@pytest.mark.parametrize("part", ["Data/com.apple.CoreML/model.mlmodel", "Data/com.apple.CoreML/weights/weight.bin"])
def test_a_package_with_a_part_missing_is_damaged(night, copy, part):
    (copy / part).unlink()
    with pytest.raises(CorruptError):
        verified(copy, night.lake)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255), kept=st.booleans())
def test_no_wrong_byte_ends_in_a_traceback(night, copy, place, byte, kept):
    path = Path("Data/com.apple.CoreML/model.mlmodel")
    data = bytearray((night.package / path).read_bytes())
    at = int(place * len(data))
    data[at : at + 1] = [byte] if kept else []
    (copy / path).write_bytes(data)
    with contextlib.suppress(AutoDetectError):
        verified(copy)


def test_photos_come_first_and_pictures_make_up_the_number(tmp_path):
    Image.new("RGB", (30, 20), (200, 10, 10)).save(tmp_path / "red.png")
    given = [(tmp_path / "red.png").read_bytes(), b"no photo"]
    images, photographs = as_input(given, 4, size=32, geometry="letterbox", max_pixels=10**6)
    assert (images.shape, photographs) == ((4, 32, 32, 3), 1)
    assert tuple(images[0, 16, 16]) == (200, 10, 10)
    assert tuple(images[0, 0, 0]) == (128, 128, 128)
    assert len(as_input(given * 9, 4, size=32, geometry="squash", max_pixels=10**6)[0]) == 4
