"""The head that a fine-tune starts from."""

import numpy as np
import pytest

from autodetect.classifier.finetune.start import fresh_head, only_outputs
from autodetect.classifier.head import HeadKind, build_head
from autodetect.sections import ClassifierSettings, FinetuneSettings


@pytest.mark.parametrize("kind", ["dense", "linear"])
def test_the_outputs_that_are_left_answer_as_before_among_themselves(kind: HeadKind) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 8)).astype(np.float32)
    settings = ClassifierSettings(hidden_width=16)
    head = build_head(8, 5, mean=x.mean(axis=0), variance=x.var(axis=0), settings=settings, seed=1, kind=kind)
    kernel, bias = head.get_layer("logits").get_weights()
    head.get_layer("logits").set_weights([rng.normal(size=kernel.shape), rng.normal(size=bias.shape)])
    before = np.asarray(head.predict_on_batch(x))[:, [3, 0, 4]]
    after = np.asarray(only_outputs(head, [3, 0, 4]).predict_on_batch(x))
    np.testing.assert_allclose(after, before / before.sum(axis=1, keepdims=True), rtol=1e-5)


def test_a_fresh_head_has_an_output_a_class_and_is_the_same_for_the_same_seed() -> None:
    heads = [fresh_head(8, (4, 7, 9), FinetuneSettings(), seed) for seed in (1, 1, 2)]
    assert [head.class_ids for head in heads] == [(4, 7, 9)] * 3
    assert heads[0].model.output_shape == (None, 3)
    kernels = [head.model.get_layer("logits").get_weights()[0] for head in heads]
    assert np.array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[0], kernels[2])
