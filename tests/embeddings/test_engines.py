import logging

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from autodetect.embeddings import backbone, openvino_engine
from autodetect.embeddings.engine import embed, engine_name
from autodetect.embeddings.engines import agreement, fp32_name, keeps, may_adopt, open_engine, pictures
from autodetect.errors import StageFailedError, UsageError
from autodetect.sections import BackboneSettings

CPU_HAS_BF16 = "BF16" in openvino_engine._openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
KERAS = engine_name()


def settings(**options):
    return BackboneSettings(weights="random", architecture="tiny", input_size=96, **options)


@pytest.fixture(scope="module")
def model():
    return backbone.build(settings()).model


@pytest.fixture
def other_answers(monkeypatch):
    """OpenVINO answers by so much more than it should."""

    def answer(factor):
        honest = openvino_engine.OpenVinoEngine.embed
        monkeypatch.setattr(openvino_engine.OpenVinoEngine, "embed", lambda self, x: honest(self, x) * factor)

    return answer


def test_a_new_lake_is_embedded_by_openvino_as_keras_would(model, caplog):
    with caplog.at_level(logging.INFO):
        engine = open_engine(model, settings())
    assert (engine.name, engine.note) == ("openvino-fp32", "")
    assert "cosine" in caplog.text
    shown = pictures(19, 96)
    np.testing.assert_allclose(engine.embed(shown), embed(model, shown, 32), rtol=1e-4, atol=1e-4)


def test_a_lake_keeps_to_the_engine_that_made_its_embeddings(model):
    assert open_engine(model, settings(), earlier=KERAS).name == KERAS
    assert open_engine(model, settings(), earlier="openvino-fp32").name == "openvino-fp32"
    assert open_engine(model, settings(), earlier="keras-elsewhere-fp32").name == "openvino-fp32"


@pytest.mark.skipif(not CPU_HAS_BF16, reason="this machine's CPU has no bf16")
def test_bf16_is_never_chosen_but_kept_where_it_was(model):
    assert open_engine(model, settings(), earlier="openvino-bf16").name == "openvino-bf16"
    assert open_engine(model, settings(engine="openvino-bf16"), earlier=KERAS).name == "openvino-bf16"
    found = agreement(
        embed(model, pictures(8, 96), 8), open_engine(model, settings(engine="openvino-bf16")).embed(pictures(8, 96))
    )
    assert 1e-4 < found.difference < 0.05


def test_what_is_asked_for_is_what_embeds(model):
    assert open_engine(model, settings(engine="keras"), earlier="openvino-fp32").name == KERAS
    assert open_engine(model, settings(engine="openvino"), earlier=KERAS).name == "openvino-fp32"


def test_an_engine_that_answers_otherwise_is_not_used_and_the_figure_is_told(model, other_answers, caplog):
    other_answers(1.001)
    with caplog.at_level(logging.WARNING):
        engine = open_engine(model, settings())
    assert engine.name == KERAS
    assert engine.note in caplog.text
    assert "largest relative difference 1.0e-03" in engine.note
    with pytest.raises(StageFailedError, match=r"1\.0e-03") as raised:
        open_engine(model, settings(engine="openvino"))
    assert "backbone.engine" in raised.value.remedy


def test_an_engine_that_answers_nonsense_is_not_used(model, other_answers):
    other_answers(np.nan)
    assert open_engine(model, settings()).name == KERAS


@pytest.mark.parametrize("engine", ["auto", "openvino"])
def test_a_backbone_whose_answers_are_no_numbers_stops_the_stage(model, engine):
    broken = keras.models.clone_model(model)
    broken.set_weights([weight * np.nan for weight in model.get_weights()])
    with pytest.raises(StageFailedError, match="not finite"):
        open_engine(broken, settings(engine=engine))


def test_a_machine_without_openvino_embeds_by_keras_unless_told_otherwise(model, monkeypatch):
    def missing():
        raise UsageError("OpenVINO cannot be imported", "install it")

    monkeypatch.setattr(openvino_engine, "_openvino", missing)
    engine = open_engine(model, settings(), earlier="openvino-bf16")
    assert engine.name == KERAS
    assert engine.note.count("cannot be imported") == 2
    with pytest.raises(UsageError, match="cannot be imported"):
        open_engine(model, settings(engine="openvino"))


def test_an_accelerator_is_left_to_keras(model, monkeypatch):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: [f"{kind}:0"])
    assert open_engine(model, settings()).name == KERAS
    assert open_engine(model, settings(), earlier="openvino-fp32").name == "openvino-fp32"


def test_which_settings_leave_a_lakes_embeddings_as_they_are():
    kept = {
        (setting, earlier)
        for setting in ("auto", "keras", "openvino", "openvino-bf16")
        for earlier in ("", KERAS, "openvino-fp32", "openvino-bf16")
        if keeps(setting, earlier)
    }
    assert kept == {
        ("auto", KERAS),
        ("auto", "openvino-fp32"),
        ("auto", "openvino-bf16"),
        ("keras", KERAS),
        ("openvino", "openvino-fp32"),
        ("openvino-bf16", "openvino-bf16"),
    }


def test_the_gate_judges_by_fp32():
    assert [fp32_name(name) for name in (KERAS, "openvino-fp32", "openvino-bf16")] == [
        KERAS,
        "openvino-fp32",
        "openvino-fp32",
    ]


@pytest.mark.parametrize(
    ("reference", "candidate", "agreeing", "adopted"),
    [
        (0.8, 0.795, 0.98, True),
        (0.8, 0.79499, 1, False),
        (0.8, 0.8, 0.9799, False),
        (0.8, 0.9, 0.99, True),
        (float("nan"), 0.8, 1, False),
        (0.8, 0.8, float("nan"), False),
    ],
)
def test_less_precision_is_adopted_within_half_a_point_and_with_98_percent_the_same(
    reference, candidate, agreeing, adopted
):
    assert may_adopt(reference, candidate, agreeing) is adopted


@hypothesis_settings(max_examples=50)
@given(st.integers(0, 2**32), st.floats(-20, 20), st.floats(-6, -1))
def test_agreement_does_not_depend_on_how_large_features_are(seed, magnitude, strayed):
    generator = np.random.default_rng(seed)
    ours = generator.gamma(2, 1, (5, 64)) + 0.1
    theirs = ours.copy()
    theirs[3, 7] += 10**strayed * ours[3].max()
    plain, scaled = (agreement(ours * factor, theirs * factor) for factor in (1.0, 10.0**magnitude))
    assert plain.difference == pytest.approx(10**strayed, rel=1e-3)
    assert scaled.difference == pytest.approx(plain.difference, rel=1e-6)
    assert scaled.cosine == pytest.approx(plain.cosine, abs=1e-12)


def test_embeddings_of_nothing_but_zeros_agree_with_each_other_and_with_nothing_else():
    nothing, something = np.zeros((2, 4), np.float32), np.array([[0, 0, 0, 0], [0, 1, 0, 0]], np.float32)
    assert agreement(nothing, nothing) == (1.0, 0.0)
    assert agreement(nothing, something).cosine == 0
    assert agreement(something, nothing).difference == 1
