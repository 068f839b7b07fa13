"""What keeps a phone from loading a package is found, though its program answers as it should."""

import json
import re
import shutil

import pytest

from autodetect.coreml.parity.check import check_parity
from autodetect.coreml.parity.loading import loading_faults
from autodetect.sections import CoremlSettings
from tests.coreml.parity.files import Files


def probabilities_named_wrongly(files, _):
    files.spec.description.predictedProbabilitiesName = "probabilities"


def answers_named_the_other_way_round(files, _):
    told = files.spec.description
    told.predictedFeatureName, told.predictedProbabilitiesName = (
        told.predictedProbabilitiesName,
        told.predictedFeatureName,
    )


def outputs_not_described(files, _):
    files.spec.description.ClearField("output")


def output_described_under_another_name(files, _):
    files.spec.description.output[1].name = "shares"


def output_not_given(files, _):
    function = files.spec.mlProgram.functions["main"]
    del function.block_specializations[function.opset].outputs[1]


def version_too_old(files, _):
    files.spec.specificationVersion = 6


def version_of_tomorrow(files, _):
    files.spec.specificationVersion = 99


def weights_not_in_the_manifest(_, package):
    manifest = json.loads((package / "Manifest.json").read_text())
    root = manifest["rootModelIdentifier"]
    manifest["itemInfoEntries"] = {root: manifest["itemInfoEntries"][root]}
    (package / "Manifest.json").write_text(json.dumps(manifest))


def cast_to_another_type(files, _):
    dtype = files.constant(files.of_kind("cast")[0], "dtype")
    dtype.attributes["val"].immediateValue.tensor.strings.values[0] = "fp32"


def result_declared_another_type(files, _):
    declared = files.of_kind("conv")[1].outputs[0].type.tensorType
    declared.dataType = {10: 11, 11: 10}[declared.dataType]


def parameter_missing(files, _):
    del files.of_kind("conv")[0].inputs["weight"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (probabilities_named_wrongly, "'probabilities', which it names for the probabilities, is no output that is a"),
        (answers_named_the_other_way_round, "'classLabel_probs', which it names for the first answer, is no output"),
        (outputs_not_described, "it describes the outputs none, its program has classLabel, classLabel_probs"),
        (output_described_under_another_name, "it describes the outputs classLabel, shares, its program has"),
        (output_not_given, "it describes the outputs classLabel, classLabel_probs, its program has classLabel;?$"),
        (version_too_old, "its specification version, 6, does not have the operations of CoreML6"),
        (version_of_tomorrow, "coremltools does not read its program: 99 is not a valid"),
        (weights_not_in_the_manifest, "its manifest leaves out com.apple.CoreML/weights/weight.bin"),
        (cast_to_another_type, "coremltools does not read its program: Mismatch between var types"),
        (result_declared_another_type, "coremltools does not read its program: Mismatch between var types"),
        (parameter_missing, "coremltools does not read its program: .*weight"),
    ],
)
def test_what_no_phone_could_load_is_refused(packages, model, pictures, tmp_path, damage, words):
    package = shutil.copytree(packages["fp16"], tmp_path / "copy.mlpackage")
    files = Files(package)
    damage(files, package)
    files.save()
    found = check_parity(package, model.reference, pictures[:2], rounded_photos=1)
    assert not found.passed
    assert re.search(words, found.words), found.words


@pytest.mark.parametrize("variant", ["fp16", "int8", "palette6"])
def test_what_an_export_writes_loads(packages, variant):
    assert list(loading_faults(packages[variant])) == []


@pytest.mark.parametrize("target", ["iOS15", "iOS17", "iOS18"])
def test_it_loads_for_every_system_that_it_may_be_made_for(model, tmp_path, target):
    settings = CoremlSettings(deployment_target=target, variants=("fp16",))
    assert list(loading_faults(model.export(tmp_path / "made.mlpackage", settings=settings))) == []
