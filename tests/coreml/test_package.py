import gc
import hashlib
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import coremltools
import numpy as np
import pytest

from autodetect.classifier.head import build_head
from autodetect.coreml.convert import convert
from autodetect.coreml.folding import folded_weights
from autodetect.coreml.package import inspect, normalise, zip_package
from autodetect.coreml.variants import compress, package_name
from autodetect.embeddings import backbone
from autodetect.embeddings.geometry import scale
from autodetect.errors import CorruptError
from autodetect.sections import BackboneSettings, ClassifierSettings, CoremlSettings

SIZE, WIDTH, TEMPERATURE = 96, 32, 1.4
LABELS = ["Jeep Wrangler", "Audi A4", "Citroën 2CV", "BMW 3-Series", "Fiat 500"]
METADATA = {"version": "2026-11-22", "release": "r1", "class_map": '{"0": 7}', "backbone": "abc"}
CONVERT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_package as ours
print(ours.digests(ours.converted(Path(sys.argv[2]))[0], Path(sys.argv[2])))
"""


def models():
    rng = np.random.default_rng(0)
    head = build_head(
        2048,
        len(LABELS),
        mean=rng.random(2048) * 0.3,
        variance=rng.random(2048) * 0.01,
        settings=ClassifierSettings(hidden_width=WIDTH),
        seed=1,
    )
    return backbone.build(BackboneSettings(weights="random", input_size=SIZE))[0], head


def converted(folder):
    package = folder / "AutoDetect.mlpackage"
    record = convert(
        *models(),
        LABELS,
        input_size=SIZE,
        settings=CoremlSettings(),
        metadata=METADATA,
        target=package,
        temperature=TEMPERATURE,
    )
    return package, record


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return converted(tmp_path_factory.mktemp("package"))


@pytest.fixture
def copy(ours, tmp_path):
    return shutil.copytree(ours[0], tmp_path / ours[0].name)


def digests(package, folder):
    """The archives of a package and its smaller variants."""
    for variant in ("int8", "palette6"):
        compress(package, variant, folder / package_name(variant))
    packages = (package, *(folder / package_name(variant) for variant in ("int8", "palette6")))
    return " ".join(zip_package(each, folder / "package.zip") for each in packages)


def test_two_processes_make_the_same_packages_byte_for_byte_whatever_they_converted_before(ours, tmp_path):
    again = converted(tmp_path / "again")[0]  # the second conversion of this process
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-c", CONVERT, str(Path(__file__).parent), str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
        umask=0o077,
    )
    assert done.stdout.splitlines()[-1] == digests(ours[0], ours[0].parent) == digests(again, again.parent)
    assert hashlib.sha256((tmp_path / "package.zip").read_bytes()).hexdigest() == done.stdout.split()[-1]


def test_the_package_says_what_was_asked(ours):
    package, record = ours
    facts = inspect(package)
    assert facts.labels == tuple(LABELS)
    assert (facts.predicted, facts.probabilities) == ("classLabel", "classLabel_probs")
    assert (facts.author, facts.licence) == (CoremlSettings().author, CoremlSettings().licence)
    assert facts.version == "2026-11-22"
    assert METADATA.items() <= facts.metadata.items()
    assert not [name for name in facts.metadata if "date" in name]
    assert facts.specification_version == 7  # iOS 16
    assert facts.size == record.size == sum(path.stat().st_size for path in package.rglob("*") if path.is_file())
    assert (record.classes, record.input_size, record.deployment_target) == (5, 96, "iOS16")


def test_the_package_scales_pixels_as_training_does(ours):
    image = inspect(ours[0]).image
    assert (image.name, image.width, image.height, image.color_space) == ("image", SIZE, SIZE, "RGB")
    pixels = np.arange(256, dtype=np.uint8)
    for bias in image.bias:
        np.testing.assert_allclose(pixels * image.scale + bias, scale(pixels), atol=1e-6)


def test_the_program_is_a_whole_backbone_and_a_head(ours):
    operations = inspect(ours[0]).operations
    assert operations["conv"] == 94
    assert operations["softmax"] == operations["classify"] == 1
    assert operations.get("matmul", 0) + operations.get("linear", 0) == 2


def test_the_weights_are_those_of_the_folded_head_in_float16(ours):
    stored = (ours[0] / "Data/com.apple.CoreML/weights/weight.bin").read_bytes()
    _, head = models()
    for name, folded in folded_weights(head, TEMPERATURE)[1].items():
        kernel = folded.kernel.astype(np.float32).astype("<f2")
        found = [
            variant.tobytes() in stored for variant in (np.ascontiguousarray(kernel), np.ascontiguousarray(kernel.T))
        ]
        assert any(found), name


def test_what_was_there_is_replaced_and_nothing_else_is_left(ours, copy, monkeypatch):
    import coremltools as ct

    (copy / "stale").write_text("from an older export")
    spec = ct.utils.load_spec(str(ours[0]))
    weights = ours[0] / "Data/com.apple.CoreML/weights"
    remade = ct.models.MLModel(spec, weights_dir=str(weights), skip_model_load=True)
    monkeypatch.setattr(ct, "convert", lambda *_, **__: remade)
    convert(*models(), LABELS, input_size=SIZE, settings=CoremlSettings(), metadata=METADATA, target=copy)
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]
    assert inspect(copy) == inspect(ours[0])


def test_normalising_again_changes_nothing(copy, tmp_path):
    before = zip_package(copy, tmp_path / "a.zip")
    normalise(copy)
    assert zip_package(copy, tmp_path / "a.zip") == before


@pytest.mark.parametrize(
    ("part", "kept"),
    [
        ("Manifest.json", 0.5),
        ("Manifest.json", None),
        ("Data/com.apple.CoreML/model.mlmodel", 0.5),
        ("Data/com.apple.CoreML/model.mlmodel", 0.0),
        ("Data/com.apple.CoreML/model.mlmodel", None),
        ("Data/com.apple.CoreML/weights/weight.bin", 0.5),
        ("Data/com.apple.CoreML/weights/weight.bin", 0.9999),
        ("Data/com.apple.CoreML/weights/weight.bin", None),
    ],
)
def test_a_damaged_package_is_told_with_a_remedy(copy, part, kept):
    path = copy / part
    data = path.read_bytes()
    path.unlink()
    if kept is not None:
        path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(CorruptError) as raised:
        inspect(copy)
    assert str(copy) in raised.value.what
    assert raised.value.remedy


def test_an_overwritten_weight_header_is_told(copy):
    path = copy / "Data/com.apple.CoreML/weights/weight.bin"
    data = bytearray(path.read_bytes())
    at = data.find(struct.pack("<I", 0xDEADBEEF))
    data[at : at + 4] = bytes(4)
    path.write_bytes(data)
    with pytest.raises(CorruptError, match="cut or overwritten"):
        inspect(copy)


def test_a_package_that_is_not_there_is_told(tmp_path):
    with pytest.raises(CorruptError):
        inspect(tmp_path / "none.mlpackage")


@pytest.mark.parametrize(
    ("labels", "name", "said"),
    [
        (LABELS[:4], "A.mlpackage", "4 labels for 5 outputs"),
        ([*LABELS[:4], LABELS[0]], "A.mlpackage", "repeated: Jeep Wrangler"),
        (LABELS, "A.zip", r"\.mlpackage"),
    ],
)
def test_labels_and_names_that_do_not_fit_are_refused(tmp_path, labels, name, said):
    rng = np.random.default_rng(0)
    head = build_head(8, 5, mean=rng.random(8), variance=rng.random(8), settings=ClassifierSettings(), seed=0)
    with pytest.raises(ValueError, match=said):
        convert(None, head, labels, input_size=SIZE, settings=CoremlSettings(), metadata={}, target=tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_no_weight_is_let_go_before_it_is_converted(tmp_path, monkeypatch):
    convert_graph = coremltools.convert

    def tidied_first(*graphs, **options):
        gc.collect()
        return convert_graph(*graphs, **options)

    monkeypatch.setattr(coremltools, "convert", tidied_first)
    network = backbone.build(BackboneSettings(weights="random", architecture="tiny", input_size=SIZE))[0]
    head = build_head(64, 2, mean=np.zeros(64), variance=np.ones(64), settings=ClassifierSettings(), seed=1)
    target = tmp_path / "AutoDetect.mlpackage"
    convert(network, head, LABELS[:2], input_size=SIZE, settings=CoremlSettings(), metadata=METADATA, target=target)
    assert inspect(target).labels == tuple(LABELS[:2])
