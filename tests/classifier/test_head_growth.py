"""Classes join, leave, merge, split and come back: what a head forgets by it, before any training."""

import keras
import numpy as np
import pytest

from autodetect.classifier.head import HEAD_KINDS, build_head, grow_head, head_kind, mask_outputs, masked_outputs
from autodetect.classifier.training import train_head
from autodetect.sections import ClassifierSettings

DIM, OLD, NEW = 128, 30, 6
SETTINGS = ClassifierSettings(hidden_width=96, epochs=12, batch_size=64, embedding_dropout=0.2, dropout=0.2)


def photos(per_class, seed):
    """Return relu features of every class, old and new: a centre each, and a common part that all of them share."""
    world = np.random.default_rng(0)
    centres, common = world.normal(size=(OLD + NEW, DIM)), world.gamma(2.0, 1.0, DIM)
    noise = np.random.default_rng(seed).normal(size=(OLD + NEW, per_class, DIM))
    x = np.maximum(common + centres[:, None] + 1.8 * noise, 0).reshape(-1, DIM).astype(np.float32)
    return x, np.repeat(np.arange(OLD + NEW), per_class)


def among(x, y, classes):
    kept = np.isin(y, classes)
    return x[kept], y[kept]


FIT, VALIDATION, TEST = photos(40, 1), photos(8, 2), photos(40, 3)
OLD_TEST = among(*TEST, range(OLD))


def top1(head, x, y):
    return (head.predict_on_batch(x).argmax(axis=1) == y).mean()


def arrivals(*classes):
    return [FIT[0][FIT[1] == c] for c in classes]


@pytest.fixture(scope="module", params=HEAD_KINDS)
def champion(request):
    """A head that knows the old classes."""
    x, y = among(*FIT, range(OLD))
    head = build_head(DIM, OLD, mean=x.mean(0), variance=x.var(0), settings=SETTINGS, seed=0, kind=request.param)
    train_head(head, x, y, *among(*VALIDATION, range(OLD)), settings=SETTINGS, seed=0, warm=False)
    assert head_kind(head) == request.param
    assert top1(head, *OLD_TEST) > 0.9
    return head


def test_old_classes_lose_at_most_two_points_by_growth_and_new_ones_are_known_before_any_training(champion):
    grown = grow_head(champion, OLD, arrivals(*range(OLD, OLD + NEW)))
    assert top1(grown, *OLD_TEST) >= top1(champion, *OLD_TEST) - 0.02
    assert top1(grown, *among(*TEST, range(OLD, OLD + NEW))) > 0.5


def test_an_uncentred_imprint_would_forget_the_old_classes(champion):
    """What the test above must be able to see: the raw mean of the hidden vectors as the new column."""
    grown = grow_head(champion, OLD, arrivals(*range(OLD, OLD + NEW)))
    last = "hidden" if head_kind(champion) == "dense" else "embedding"
    to_hidden = keras.Model(grown.inputs, grown.get_layer(last).output)
    kernel, bias = (np.array(weights) for weights in grown.get_layer("logits").get_weights())
    norm = np.linalg.norm(kernel[:, :OLD], axis=0).mean()
    for output, features in enumerate(arrivals(*range(OLD, OLD + NEW)), start=OLD):
        raw = to_hidden.predict_on_batch(features).mean(axis=0)
        kernel[:, output], bias[output] = raw * norm / np.linalg.norm(raw), 0
    normalize = None
    if last == "embedding":  # a linear head's hidden space is standardised: undo it for the raw columns
        normalize = grown.get_layer("normalize")
    hidden = to_hidden.predict_on_batch(OLD_TEST[0])
    standard = np.asarray(normalize(OLD_TEST[0])) if normalize else None
    if standard is None:
        standard = keras.Model(grown.inputs, grown.get_layer("hidden_norm").output).predict_on_batch(OLD_TEST[0])
    scores = np.concatenate([standard @ kernel[:, :OLD] + bias[:OLD], hidden @ kernel[:, OLD:] + bias[OLD:]], axis=1)
    assert (scores.argmax(axis=1) == OLD_TEST[1]).mean() < top1(champion, *OLD_TEST) - 0.1


def test_a_masked_output_never_answers_and_the_others_share_the_rest(champion):
    masked = mask_outputs(champion, [3, 7])
    x = OLD_TEST[0]
    before, after = champion.predict_on_batch(x).astype(np.float64), masked.predict_on_batch(x)
    assert masked_outputs(masked) == {3, 7}
    assert masked_outputs(champion) == frozenset()
    assert (after[:, [3, 7]] == 0).all()
    before[:, [3, 7]] = 0
    np.testing.assert_allclose(after, before / before.sum(axis=1, keepdims=True), rtol=2e-3, atol=1e-6)


def test_masked_outputs_survive_growth_and_training_and_can_be_renewed(champion):
    masked = mask_outputs(champion, [3])
    grown = grow_head(masked, OLD, arrivals(OLD))
    assert masked_outputs(grown) == {3}
    x, y = among(*FIT, [c for c in range(OLD + 1) if c != 3])
    validation = among(*VALIDATION, [c for c in range(OLD + 1) if c != 3])
    train_head(grown, x, y, *validation, settings=SETTINGS, seed=0, warm=True)
    assert masked_outputs(grown) == {3}
    back = grow_head(grown, OLD + 1, [], renewed={3: arrivals(3)[0]})
    assert masked_outputs(back) == frozenset()
    assert top1(back, *among(*TEST, [3])) > 0.5


def test_merged_and_split_classes_leave_the_others_as_they_were(champion):
    """4 and 5 become one new class; 6 becomes two: the old outputs are masked, the new ones imprinted."""
    parent = FIT[0][FIT[1] == 6]
    merged = np.concatenate(arrivals(4, 5))
    halves = [parent[parent[:, 0] < np.median(parent[:, 0])], parent[parent[:, 0] >= np.median(parent[:, 0])]]
    after = mask_outputs(grow_head(champion, OLD, [merged, *halves]), [4, 5, 6])
    others = among(*TEST, [c for c in range(OLD) if c not in {4, 5, 6}])
    assert top1(after, *others) >= top1(champion, *others) - 0.02
    answers = after.predict_on_batch(among(*TEST, [4, 5])[0]).argmax(axis=1)
    assert (answers == OLD).mean() > 0.5
    answers = after.predict_on_batch(among(*TEST, [6])[0]).argmax(axis=1)
    assert np.isin(answers, [OLD + 1, OLD + 2]).mean() > 0.8


def test_masking_everything_is_refused(champion):
    with pytest.raises(ValueError, match="every output"):
        mask_outputs(champion, range(OLD))
