import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.classifier.finetune.optimizer import LayerwiseAdamW, WarmupCosine
from autodetect.sections import FinetuneSettings

SETTINGS = FinetuneSettings(
    steps=40, learning_rate=0.1, warmup_steps=4, weight_decay=0.05, clip_norm=1e9, ema=0.7, final_rate=0.1
)


def weights():
    kernel = np.arange(6, dtype=np.float32).reshape(2, 3) - 2
    return [keras.Variable(kernel, name="kernel"), keras.Variable(np.ones(3, np.float32), name="bias")]


def gradients(step):
    rng = np.random.default_rng(step)
    shapes = [(2, 3), (3,)]
    return [keras.ops.convert_to_tensor(rng.normal(size=shape).astype(np.float32)) for shape in shapes]


def built(settings=SETTINGS, factors=(1.0, 1.0)):
    variables, optimizer = weights(), LayerwiseAdamW(settings, factors)
    optimizer.build(variables)
    return variables, optimizer


def values(variables):
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def test_with_one_rate_for_all_it_is_keras_own_adamw():
    variables, optimizer = built()
    theirs, reference = weights(), keras.optimizers.AdamW(WarmupCosine(SETTINGS), weight_decay=0.05)
    reference.exclude_from_weight_decay(var_names=["bias"])
    for step in range(20):
        optimizer.apply(gradients(step), variables)
        reference.apply(gradients(step), theirs)
    for ours, other in zip(values(variables), values(theirs), strict=True):
        np.testing.assert_allclose(ours, other, rtol=1e-4, atol=1e-5)


def test_a_factor_scales_step_and_decay_of_its_weight_alone():
    plain, optimizer = built(SETTINGS.model_copy(update={"weight_decay": 0.0}))
    optimizer.apply(gradients(0), plain)
    slow, optimizer = built(SETTINGS.model_copy(update={"weight_decay": 0.0}), (0.1, 1.0))
    optimizer.apply(gradients(0), slow)
    start = values(weights())
    moved, slowly = (
        [ours - before for ours, before in zip(values(some), start, strict=True)] for some in (plain, slow)
    )
    np.testing.assert_allclose(slowly[0], 0.1 * moved[0], rtol=1e-3, atol=1e-6)
    np.testing.assert_array_equal(slowly[1], moved[1])

    decayed, optimizer = built(factors=(0.1, 1.0))
    optimizer.apply([keras.ops.zeros((2, 3)), keras.ops.zeros(3)], decayed)
    rate = optimizer.schedule.at(0)
    np.testing.assert_allclose(values(decayed)[0], start[0] * (1 - 0.1 * rate * 0.05), rtol=1e-5)
    np.testing.assert_array_equal(values(decayed)[1], start[1])


def test_passes_that_are_accumulated_make_the_update_of_their_mean():
    one, single = built()
    two, double = built(SETTINGS.model_copy(update={"accumulate": 2}))
    for step in range(10):
        first, second = gradients(2 * step), gradients(2 * step + 1)
        single.apply([(a + b) / 2 for a, b in zip(first, second, strict=True)], one)
        double.apply(first, two)
        double.apply(second, two)
    for ours, theirs in zip(values(one + single.averages), values(two + double.averages), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_the_average_follows_the_weights_with_its_momentum():
    variables, optimizer = built()
    expected = values(variables)
    for step in range(6):
        optimizer.apply(gradients(step), variables)
        expected = [0.7 * average + 0.3 * now for average, now in zip(expected, values(variables), strict=True)]
    for ours, average in zip(values(optimizer.averages), expected, strict=True):
        np.testing.assert_allclose(ours, average, rtol=1e-5, atol=1e-6)


def test_a_short_training_averages_no_longer_than_a_tenth_of_it_and_none_is_none():
    assert built(SETTINGS.model_copy(update={"ema": 0.9999, "steps": 200}))[1].momentum == pytest.approx(0.95)
    assert built(SETTINGS.model_copy(update={"ema": 0.9, "steps": 200}))[1].momentum == 0.9
    assert built(SETTINGS.model_copy(update={"ema": 0.0}))[1].averages == []


def test_a_gradient_is_cut_to_the_norm_over_all_weights():
    settings = SETTINGS.model_copy(update={"clip_norm": 0.5})
    (small, one), (large, other) = built(settings), built(settings)
    one.apply([keras.ops.ones((2, 3)) / 6, keras.ops.ones(3) / 6], small)  # norm 0.5
    other.apply([keras.ops.ones((2, 3)) * 1e6, keras.ops.ones(3) * 1e6], large)
    for ours, theirs in zip(values(one.variables[1:]), values(other.variables[1:]), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


@given(
    steps=st.integers(1, 500),
    warmup=st.integers(0, 600),
    accumulate=st.integers(1, 4),
    final=st.floats(0, 1),
    peak=st.floats(1e-6, 1),
)
def test_the_rate_rises_then_falls_and_passes_of_an_update_share_it(steps, warmup, accumulate, final, peak):
    settings = FinetuneSettings(
        steps=steps, warmup_steps=warmup, accumulate=accumulate, final_rate=final, learning_rate=peak
    )
    schedule = WarmupCosine(settings)
    rates = keras.ops.convert_to_numpy(schedule(np.arange(steps * accumulate))).reshape(steps, accumulate)
    assert (rates == rates[:, :1]).all()
    rates = rates[:, 0]
    assert (rates > 0).all() or final == 0
    top = schedule.warmup
    assert rates[top] == pytest.approx(peak, rel=1e-5)
    assert (np.diff(rates[: top + 1]) > 0).all()
    assert (np.diff(rates[top:]) <= 1e-7 * peak).all()
    assert schedule.at(steps) == pytest.approx(peak * final, rel=1e-4, abs=1e-6 * peak)


def test_factors_for_other_weights_are_refused():
    with pytest.raises(ValueError, match="1 factors for 2 trainable weights"):
        built(factors=(1.0,))
