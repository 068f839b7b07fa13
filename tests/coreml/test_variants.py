"""The smaller packages are the float16 one, with its large weights stored in less room."""

import shutil
from types import SimpleNamespace

import coremltools as ct
import numpy as np
import pytest
from pydantic import ValidationError

from autodetect.classifier.head import build_head
from autodetect.coreml.convert import convert
from autodetect.coreml.loss import PairedLoss
from autodetect.coreml.package import VARIANT, inspect
from autodetect.coreml.variants import VariantFacts, archive_name, compress, file_key, package_name, recommended
from autodetect.embeddings.architectures import set_random, tiny
from autodetect.errors import CorruptError, StageFailedError
from autodetect.sections import ClassifierSettings, CoremlSettings

LABELS = [f"Make Model {i}" for i in range(40)]
METADATA = {"version": "3", "class_map_digest": "abc"}
ROOM = {"int8": 0.55, "palette6": 0.45}


@pytest.fixture(scope="module")
def models():
    rng = np.random.default_rng(0)
    network = set_random(tiny(48), 1)
    mean, variance = rng.random((2, 64))
    head = build_head(64, len(LABELS), mean=mean, variance=variance, settings=ClassifierSettings(), seed=2)
    return network, head


@pytest.fixture(scope="module")
def fp16(models, tmp_path_factory):
    def of(target):
        package = tmp_path_factory.mktemp(target) / package_name("fp16")
        settings = CoremlSettings(deployment_target=target, variants=("fp16",))
        convert(*models, LABELS, input_size=48, settings=settings, metadata=METADATA, target=package, temperature=1.3)
        return package

    made = {}
    return lambda target="iOS16": made[target] if target in made else made.setdefault(target, of(target))


@pytest.mark.parametrize("target", ["iOS16", "iOS17", "iOS18"])
@pytest.mark.parametrize("variant", ["int8", "palette6"])
def test_a_variant_says_what_the_float16_package_says_in_less_room(fp16, tmp_path, variant, target):
    package = tmp_path / package_name(variant)
    compress(fp16(target), variant, package)
    ours, theirs = inspect(package), inspect(fp16(target))
    assert (ours.labels, ours.image) == (theirs.labels, theirs.image)
    assert (ours.version, ours.author, ours.licence, ours.description) == (
        theirs.version,
        theirs.author,
        theirs.licence,
        theirs.description,
    )
    assert ours.metadata == {**theirs.metadata, VARIANT: variant}
    assert ours.specification_version == theirs.specification_version
    weights = [(each / "Data/com.apple.CoreML/weights/weight.bin").stat().st_size for each in (package, fp16(target))]
    assert weights[0] < ROOM[variant] * weights[1]
    assert [path.name for path in tmp_path.iterdir()] == [package.name]


def test_the_oldest_target_has_a_float16_package(fp16):
    assert inspect(fp16("iOS15")).specification_version == 6


@pytest.mark.parametrize(("variant", "most"), [("int8", 0.015), ("palette6", 0.04)])
def test_large_weights_lose_little_and_small_tensors_nothing(fp16, tmp_path, variant, most):
    compress(fp16(), variant, tmp_path / "a.mlpackage")
    small = ct.models.MLModel(str(tmp_path / "a.mlpackage"), skip_model_load=True)
    whole = ct.optimize.coreml.decompress_weights(small)
    ours, theirs = (
        {name: entry.val.astype(float) for name, entry in ct.optimize.coreml.get_weights_metadata(each, 1).items()}
        for each in (whole, ct.models.MLModel(str(fp16()), skip_model_load=True))
    )
    compressed = 0
    for name, weights in theirs.items():
        [found] = [value for other, value in ours.items() if other.startswith(name)]
        if weights.size >= 2048 and weights.ndim > 1:
            lost = np.sqrt(((found - weights) ** 2).mean() / (weights**2).mean())
            assert 0 < lost < most, name
            compressed += 1
        else:
            np.testing.assert_array_equal(found, weights)
    assert compressed == 4  # two of three convolutions, both layers of the head


def test_a_damaged_float16_package_is_told_before_anything_is_made_of_it(fp16, tmp_path):
    damaged = shutil.copytree(fp16(), tmp_path / "damaged.mlpackage")
    weights = damaged / "Data/com.apple.CoreML/weights/weight.bin"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(CorruptError, match="damaged"):
        compress(damaged, "int8", tmp_path / "a.mlpackage")
    assert not (tmp_path / "a.mlpackage").exists()


def test_weights_that_cannot_be_compressed_are_told(fp16, tmp_path, monkeypatch):
    def refuse(*_):
        raise ValueError("weights that are not finite have no palette")

    monkeypatch.setattr("autodetect.coreml.variants.palette", refuse)
    with pytest.raises(StageFailedError, match=r"palette6 variant .* not finite"):
        compress(fp16(), "palette6", tmp_path / "a.mlpackage")


def test_names_of_packages_archives_and_files():
    assert [package_name(each) for each in ("fp16", "int8")] == ["AutoDetect.mlpackage", "AutoDetect-int8.mlpackage"]
    assert archive_name("palette6") == "AutoDetect-palette6.mlpackage.zip"
    assert [file_key(each) for each in ("fp16", "palette6")] == ["package", "package-palette6"]


@pytest.mark.parametrize(
    ("target", "variants"),
    [("iOS16", ("int8",)), ("iOS16", ("fp16", "int8", "int8")), ("iOS15", ("fp16", "int8")), ("iOS16", ())],
)
def test_variants_that_cannot_be_are_refused_as_settings(target, variants):
    with pytest.raises(ValidationError, match="variants"):
        CoremlSettings(deployment_target=target, variants=variants)


def facts(name, size, high, *, kept=True):
    loss = None if high is None else PairedLoss(photos=9, vehicles=9, loss=0.0, low=-high, high=high)
    parity = SimpleNamespace()
    return VariantFacts.model_construct(
        name=name, file="", size=size, zip_size=size, parity=parity, loss=loss, kept=kept, words=""
    )


@pytest.mark.parametrize(
    ("tried", "best"),
    [
        ([facts("fp16", 48, 0.001), facts("int8", 24, 0.002), facts("palette6", 18, 0.0099)], "palette6"),
        ([facts("fp16", 48, 0.001), facts("int8", 24, 0.002), facts("palette6", 18, 0.01)], "int8"),
        ([facts("fp16", 48, 0.001), facts("int8", 24, 0.002, kept=False), facts("palette6", 18, 0.2)], "fp16"),
        ([facts("fp16", 48, 0.05), facts("int8", 24, 0.05)], "fp16"),
        ([facts("fp16", 48, None), facts("int8", 24, None)], "fp16"),
    ],
)
def test_the_smallest_that_surely_costs_less_than_a_point_is_recommended(tried, best):
    assert recommended(tried) == best
