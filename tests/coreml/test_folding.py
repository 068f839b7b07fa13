"""Folding changes weights, not answers."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.classifier.head import HEAD_KINDS, build_head, mask_outputs
from autodetect.classifier.temperature import tempered
from autodetect.coreml.folding import folded_convolutions, folded_head, folded_weights
from autodetect.embeddings.architectures import set_random, tiny
from autodetect.sections import ClassifierSettings

DIM, WIDTH, CLASSES = 24, 16, 7


def trained_head(kind, *, spread=1.0, offset=1.0, seed=0):
    """A head with statistics as training leaves them; features vary by `spread`, around `offset` times as much."""
    rng = np.random.default_rng(seed)
    std = spread * 10 ** rng.uniform(-0.5, 0.5, DIM)
    mean = std * offset * rng.random(DIM)
    head = build_head(
        DIM,
        CLASSES,
        mean=mean.astype(np.float32),
        variance=(std**2).astype(np.float32),
        settings=ClassifierSettings(hidden_width=WIDTH),
        seed=seed,
        kind=kind,
    )
    if kind == "dense":
        kernel, _ = head.get_layer("hidden").get_weights()
        head.get_layer("hidden").set_weights([kernel, rng.normal(0, 0.3, WIDTH)])
        norm = [rng.normal(1, 0.4, WIDTH), rng.normal(size=WIDTH), *rng.random((2, WIDTH))]
        head.get_layer("hidden_norm").set_weights(norm)
    kernel = head.get_layer("logits").get_weights()[0]
    head.get_layer("logits").set_weights([kernel + rng.normal(0, 0.2, kernel.shape), rng.normal(size=CLASSES)])
    return head, (rng.normal(size=(9, DIM)) * std + mean).astype(np.float32)


def answers(head, x):
    return np.asarray(head(x, training=False), np.float64)


def exactly(head, x, temperature):
    """What a head answers at a temperature, in float64 throughout."""
    normalize = head.get_layer("normalize")
    mean, variance = (np.ravel(given).astype(float) for given in (normalize.input_mean, normalize.input_variance))
    values = (x.astype(float) - mean) / np.maximum(np.sqrt(variance), 1e-7)
    if "hidden" in [layer.name for layer in head.layers]:
        kernel, bias = (each.astype(float) for each in head.get_layer("hidden").get_weights())
        norm = head.get_layer("hidden_norm")
        gamma, beta, mean, variance = (each.astype(float) for each in norm.get_weights())
        values = np.maximum(values @ kernel + bias, 0)
        values = gamma * (values - mean) / np.sqrt(variance + norm.epsilon) + beta
    kernel, bias = (each.astype(float) for each in head.get_layer("logits").get_weights())
    return np.exp(tempered(values @ kernel + bias, temperature))


def folded_exactly(head, x, temperature):
    """What the folded weights answer before they are rounded."""
    centring, layers = folded_weights(head, temperature)
    values = (x.astype(float) - centring.mean) * centring.factor
    if "hidden" in layers:
        values = np.maximum(values @ layers["hidden"].kernel + layers["hidden"].bias, 0)
    return np.exp(tempered(values @ layers["logits"].kernel + layers["logits"].bias))


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(HEAD_KINDS),
    st.floats(0.1, 10),
    st.floats(1e-6, 1e3),
    st.floats(0, 60),
    st.sets(st.integers(0, CLASSES - 1), max_size=CLASSES - 1),
    st.integers(0, 2**20),
)
def test_folding_changes_no_answer(kind, temperature, spread, offset, silent, seed):
    head, x = trained_head(kind, spread=spread, offset=offset, seed=seed)
    head = mask_outputs(head, sorted(silent)) if silent else head
    expected = exactly(head, x, temperature)
    expected[:, sorted(silent)] = 0
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(folded_exactly(head, x, temperature), expected, atol=1e-9, rtol=0)


@pytest.mark.parametrize("kind", HEAD_KINDS)
@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.7])
def test_in_float32_the_folded_head_answers_within_a_millionth(kind, temperature):
    head, x = trained_head(kind)
    found = answers(folded_head(head, temperature), x)
    np.testing.assert_allclose(found, exactly(head, x, temperature), atol=1e-6, rtol=0)


@pytest.mark.parametrize("kind", HEAD_KINDS)
@pytest.mark.parametrize("temperature", [0.1, 1.7, 10.0])
def test_silent_outputs_stay_silent_at_any_temperature(kind, temperature):
    head, x = trained_head(kind)
    kernel, bias = folded_weights(mask_outputs(head, [1, 4]), temperature)[1]["logits"]
    assert (bias[[1, 4]] == -1e4).all()
    assert not kernel[:, [1, 4]].any()
    assert not answers(folded_head(mask_outputs(head, [1, 4]), temperature), x)[:, [1, 4]].any()


@pytest.mark.parametrize("spread", [1e-6, 1e-4, 1.0, 1e4])
def test_weights_that_tiny_variances_would_blow_up_stay_where_float16_resolves_them(spread):
    head, x = trained_head("dense", spread=spread)
    centring, layers = folded_weights(head)
    for values in (*centring, centring.factor**-2):
        assert np.isfinite(values).all()
    for kernel, bias in layers.values():
        assert np.abs(kernel).max(axis=0).min() > 1e-3
        assert max(np.abs(kernel).max(), np.abs(bias).max()) < 200
    np.testing.assert_allclose(answers(folded_head(head), x), answers(head, x), atol=1e-6, rtol=0)


def test_the_centring_is_exact_in_float16():
    for value in folded_weights(trained_head("dense", spread=0.003, offset=30)[0])[0]:
        np.testing.assert_array_equal(value.astype(np.float16).astype(float), value)


@pytest.mark.parametrize("kind", HEAD_KINDS)
def test_coarse_weights_cost_little_where_means_are_many_deviations(kind):
    """Eight bits per weight: the error must not be multiplied by the means."""
    head, x = trained_head(kind, spread=0.002, offset=30)
    folded = folded_head(head)
    for name in ("hidden", "logits"):
        if name in {layer.name for layer in folded.layers}:
            kernel, bias = folded.get_layer(name).get_weights()
            step = np.abs(kernel).max(axis=0) / 127
            folded.get_layer(name).set_weights([np.round(kernel / step) * step, bias])
    assert np.abs(answers(folded, x) - answers(head, x)).max() < 0.02


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_that_is_none_is_refused(temperature):
    with pytest.raises(ValueError, match="temperature"):
        folded_head(trained_head("linear")[0], temperature)


def test_convolutions_with_their_batch_norm_folded_answer_as_both_do():
    network = set_random(tiny(32), 3)
    rng = np.random.default_rng(1)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            channels = layer.moving_mean.shape[0]
            layer.set_weights([rng.normal(size=channels), rng.normal(size=channels), rng.random(channels) * 100])
    pixels = rng.uniform(-1, 1, (4, 32, 32, 3)).astype(np.float32)
    plain = keras.models.clone_model(network)
    for name, (kernel, bias) in folded_convolutions(network).items():
        plain.get_layer(name).set_weights([kernel])
        norm = plain.get_layer(name.replace("conv", "norm"))
        norm.set_weights([bias, np.zeros_like(bias), np.full_like(bias, 1 - norm.epsilon)])
    expected = answers(network, pixels)
    np.testing.assert_allclose(answers(plain, pixels), expected, atol=1e-5 * np.abs(expected).max())


def test_a_batch_norm_whose_convolution_another_layer_reads_too_is_not_folded():
    x = keras.Input((8, 8, 3))
    conv = keras.layers.Conv2D(4, 3, name="conv")(x)
    depthwise = keras.layers.DepthwiseConv2D(2, depth_multiplier=2, use_bias=False, name="deep")(conv)
    deep = keras.layers.BatchNormalization(name="behind")(depthwise)
    pooled = keras.layers.GlobalAveragePooling2D()
    both = keras.layers.Concatenate()([pooled(conv), pooled(keras.layers.BatchNormalization()(conv)), pooled(deep)])
    model = keras.Model(x, both)
    behind = model.get_layer("behind")
    behind.set_weights([np.full(8, 2.0), np.ones(8), np.zeros(8), np.ones(8)])
    found = folded_convolutions(model)
    np.testing.assert_array_equal(found["conv"].kernel, model.get_layer("conv").get_weights()[0])
    scale = 2 / np.sqrt(1 + behind.epsilon)
    np.testing.assert_allclose(found["deep"].kernel, model.get_layer("deep").get_weights()[0] * scale)
    np.testing.assert_allclose(found["deep"].bias, np.ones(8))
