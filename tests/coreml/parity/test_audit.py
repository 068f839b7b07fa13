"""A weight may differ from what it stands for by what its format loses, and by no more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.classifier.head import build_head
from autodetect.coreml.folding import folded_head
from autodetect.coreml.interpreter import read_program
from autodetect.coreml.parity import audit
from autodetect.coreml.parity.check import check_parity
from autodetect.coreml.parity.reference import Reference, paired
from autodetect.coreml.parity.stored import PLAIN, Affine, Palette
from autodetect.coreml.parity.weighted import weighted
from autodetect.coreml.variants import compress
from autodetect.embeddings.architectures import set_random, tiny
from autodetect.embeddings.geometry import scale
from autodetect.sections import ClassifierSettings
from tests.coreml.parity.models import LABELS, SIZE, Model

EXACT = np.zeros(1)


def weights(smallest):
    """Five hundred weights with tails, of some size."""
    return st.builds(
        lambda seed, size, tail: np.random.default_rng(seed).standard_t(tail, 500) * size,
        st.integers(0, 2**32),
        st.floats(smallest, 1e3),
        st.floats(2.5, 50),
    )


@given(wanted=weights(1e-7))
def test_rounding_to_float16_is_allowed_and_another_half_unit_is_not(wanted):
    stored = wanted.astype(np.float16)
    assert audit.errors(wanted, EXACT, stored, PLAIN).max() <= 1
    unit = np.spacing(np.abs(stored))
    for away in (1, -1):
        moved = stored + away * 2 * unit
        far = audit.errors(wanted, EXACT, moved, PLAIN)
        assert far.min() > 1


@given(wanted=weights(1e-2), channels=st.sampled_from([1, 5, 20]))
def test_counting_in_steps_is_allowed_and_another_step_is_not(wanted, channels):
    wanted = wanted.reshape(20, 25)
    grouped = wanted.astype(np.float16).reshape(channels, -1)
    step = (np.abs(grouped).max(axis=1, keepdims=True).astype(np.float32) / 127).astype(np.float16)
    counted = np.round(np.divide(grouped, step, out=np.zeros_like(grouped), where=step > 0)).clip(-127, 127)
    stored = (counted.astype(np.float32) * step).astype(np.float16).reshape(20, 25)
    form = Affine(np.repeat(step.astype(float), 20 // channels, 0))
    assert audit.errors(wanted, EXACT, stored, form).max() <= 1
    moved = stored.astype(float) + form.step * 1.5
    assert audit.errors(wanted, EXACT, moved.astype(np.float16), form).min() > 1


@given(wanted=weights(1e-2), entries=st.sampled_from([4, 16, 64]))
def test_the_nearest_entry_is_allowed_and_the_next_one_is_not(wanted, entries):
    table = np.unique(np.quantile(wanted, np.linspace(0, 1, entries)).astype(np.float16))
    nearest = np.abs(wanted[:, None] - table.astype(float)).argmin(axis=1)
    form = Palette(table.astype(float))
    assert audit.errors(wanted, EXACT, table[nearest], form).max() <= 1
    gaps = np.diff(table.astype(float))
    if len(gaps) and gaps.min() > 1e-2 * np.abs(wanted).max():
        other = table[np.where(nearest + 1 < len(table), nearest + 1, nearest - 1)]
        found = audit.errors(wanted, EXACT, other, form)
        clear = np.abs(np.abs(wanted - other) - np.abs(wanted - table[nearest])) > 1e-2 * np.abs(wanted).max()
        assert (found[clear] > 1).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_infinitely_wrong(value):
    stored = np.array([1.0, value], np.float16)
    for form in (PLAIN, Affine(np.array([0.1])), Palette(np.array([1.0, 2.0]))):
        assert audit.errors(np.ones(2), EXACT, stored, form)[1] == np.inf


@pytest.mark.parametrize("target", ["iOS15", "iOS17", "iOS18"])
def test_packages_for_other_systems_are_judged_alike(model, tmp_path, target):
    from autodetect.sections import CoremlSettings

    fp16 = model.export(
        tmp_path / "fp16.mlpackage", settings=CoremlSettings(deployment_target=target, variants=("fp16",))
    )
    made = [fp16]
    if target != "iOS15":
        for variant in ("int8", "palette6"):
            made.append(tmp_path / f"{variant}.mlpackage")
            compress(fp16, variant, made[-1])
    for package in made:
        operations = weighted(read_program(package))
        findings = audit.audit(paired(model.reference, operations))
        assert audit.faults(findings) == []
        assert audit.worst(findings).error > 0.5
        kinds = {type(operation.form).__name__ for operation in operations}
        assert ("Affine" in kinds) == (package.stem == "int8")
        assert ("Palette" in kinds) == (package.stem == "palette6")


@pytest.mark.parametrize("mode", ["linear", "linear_symmetric"])
@pytest.mark.parametrize("granularity", ["per_tensor", "per_channel"])
def test_the_converters_own_ways_of_counting_in_steps_are_known(packages, model, tmp_path, mode, granularity):
    import coremltools as ct
    import coremltools.optimize.coreml as optimize

    config = optimize.OpLinearQuantizerConfig(mode=mode, granularity=granularity, weight_threshold=512)
    given = ct.models.MLModel(str(packages["fp16"]), skip_model_load=True)
    optimize.linear_quantize_weights(given, optimize.OptimizationConfig(global_config=config)).save(
        str(tmp_path / "int8.mlpackage")
    )
    findings = audit.audit(paired(model.reference, weighted(read_program(tmp_path / "int8.mlpackage"))))
    assert audit.faults(findings) == []


def test_pruned_weights_are_not_passed_as_something_else(packages, model, tmp_path):
    import coremltools as ct
    import coremltools.optimize.coreml as optimize

    config = optimize.OpMagnitudePrunerConfig(target_sparsity=0.5, weight_threshold=512)
    given = ct.models.MLModel(str(packages["fp16"]), skip_model_load=True)
    optimize.prune_weights(given, optimize.OptimizationConfig(global_config=config)).save(
        str(tmp_path / "pruned.mlpackage")
    )
    findings = audit.audit(paired(model.reference, weighted(read_program(tmp_path / "pruned.mlpackage"))))
    assert "cannot be judged: constexpr_sparse_to_dense" in audit.faults(findings)[0]


def test_a_palette_of_too_few_shades_is_told(packages, model):
    pairs = paired(model.reference, weighted(read_program(packages["palette6"])))
    layer, operation = pairs[1]
    crude = np.unique(operation.kernel)[::63]
    nearest = np.abs(layer.kernel[..., None] - crude.astype(float)).argmin(axis=-1)
    from dataclasses import replace

    table = np.concatenate([crude, np.repeat(crude[:1], 64 - len(crude))]).astype(float)
    poor = replace(operation, kernel=crude[nearest], form=Palette(table))
    assert "64 entries allow 10.3%" in audit.faults(audit.audit([(layer, poor)]))[0]


def test_untrained_models_whose_numbers_are_tiny_pass_as_well(tmp_path, pictures):
    network = set_random(tiny(SIZE), 11)
    embeddings = network.predict(scale(pictures), verbose=0)
    head = build_head(
        64,
        len(LABELS),
        mean=embeddings.mean(0),
        variance=embeddings.var(0),
        settings=ClassifierSettings(hidden_width=48),
        seed=3,
    )
    untrained = Model(network, head, head)
    reference = Reference(network, folded_head(head, 1.3), LABELS)
    package = untrained.export(tmp_path / "fp16.mlpackage")
    for variant in ("fp16", "int8", "palette6"):
        if variant != "fp16":
            compress(package, variant, tmp_path / f"{variant}.mlpackage")
        found = check_parity(tmp_path / f"{variant}.mlpackage", reference, pictures[:8], rounded_photos=4)
        assert found.passed, found.words
