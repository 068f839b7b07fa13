import keras
import numpy as np
import pytest

from autodetect.classifier.finetune.network import build_network, linear_head
from autodetect.errors import UsageError
from tests.classifier.finetune.tiny import CLASSES, SCRATCH, SIZE, backbone, network, photos, train

PRETRAINED = SCRATCH.model_copy(
    update={"from_layer": "mixed1", "steps": 4, "backbone_rate": 0.5, "block_decay": 0.5, "ema": 0.0}
)


def weights(model):
    return {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}


def test_below_the_block_and_in_batch_norms_statistics_pretrained_weights_stay_bit_for_bit(tmp_path):
    model = backbone()
    model.get_layer("norm1").moving_mean.assign(np.linspace(-1, 1, 8))
    net = build_network(model, linear_head(8, CLASSES, PRETRAINED, seed=2), PRETRAINED, from_random=False)
    before = weights(model)
    record = train(net, tmp_path, PRETRAINED)
    after = weights(model)
    changed = {path for path in before if not np.array_equal(before[path], after[path])}
    assert changed == {f"{name}/{kind}" for name in ("narrow1", "wide1") for kind in ("kernel", "bias")} | {
        "norm1/gamma",
        "norm1/beta",
    }
    assert record.batch_norm == "inference"


def test_random_weights_train_batch_norms_statistics_too(tmp_path):
    settings = SCRATCH.model_copy(update={"steps": 4})
    net = network(settings)
    before = weights(net.kept)
    train(net, tmp_path, settings)
    after = weights(net.kept)
    assert all(not np.array_equal(before[path], after[path]) for path in before)


def test_blocks_learn_at_rates_that_fall_from_the_head_down():
    settings = SCRATCH.model_copy(update={"backbone_rate": 0.5, "block_decay": 0.1})
    net = network(settings)
    factors = dict(zip((weight.path for weight in net.trained.trainable_variables), net.optimizer.factors, strict=True))
    chosen = ("logits/kernel", "norm1/gamma", "wide1/kernel", "norm0/beta", "wide0/kernel", "stem/kernel")
    assert [factors[path] for path in chosen] == pytest.approx([1, 0.5, 0.05, 0.05, 0.005, 0.005])


def test_what_is_trained_starts_as_what_was_given_and_leaves_it_alone_until_asked():
    net = network(SCRATCH.model_copy(update={"dropout": 0.5}))
    some = photos(10, SIZE, 5).photos
    before = net.answers(some)
    logits = keras.ops.softmax(net.trained.predict_on_batch(some))
    np.testing.assert_allclose(before, keras.ops.convert_to_numpy(logits), atol=1e-6)
    np.testing.assert_allclose(before.sum(axis=1), 1, atol=1e-6)
    for variable in net.trained.trainable_variables:
        variable.assign(variable * 2)
    np.testing.assert_array_equal(net.answers(some), before)
    net.keep()  # the average, which has not moved yet
    np.testing.assert_array_equal(net.answers(some), before)
    for average in net.optimizer.averages:
        average.assign(average * 3)
    net.keep()
    assert np.abs(net.answers(some) - before).max() > 0.01


def test_in_bfloat16_weights_and_what_is_kept_stay_float32(tmp_path):
    settings = SCRATCH.model_copy(update={"precision": "mixed_bfloat16", "steps": 12})
    net = network(settings)
    assert net.trained.get_layer("tiny").get_layer("wide1").compute_dtype == "bfloat16"
    assert {variable.dtype for variable in net.trained.weights} == {"float32"}
    record = train(net, tmp_path, settings)
    assert record.precision == "mixed_bfloat16"
    assert record.history[-1]["loss"] < record.history[0]["loss"]
    assert {layer.compute_dtype for layer in net.kept.layers} == {"float32"}


def test_random_weights_below_the_block_are_refused():
    with pytest.raises(UsageError, match="what lies below would stay random"):
        network(PRETRAINED)


def test_a_block_that_the_backbone_does_not_have_is_told():
    with pytest.raises(UsageError, match=r"finetune\.from_layer: tiny has no layer 'mixed7'"):
        network(PRETRAINED.model_copy(update={"from_layer": "mixed7"}), from_random=False)
