import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.classifier.balance import MAX_CLASS_WEIGHT, PRIOR_SHARE, class_weights, draw, log_priors

LABELS = st.lists(st.integers(0, 6), min_size=1, max_size=60).map(np.array)


def test_rare_classes_weigh_more_up_to_a_cap_and_photos_weigh_one_on_average():
    y = np.repeat([0, 1, 2], [600, 390, 10])
    weights = class_weights(y, 4)
    assert weights.dtype == np.float32
    assert weights[3] == 0
    np.testing.assert_allclose(weights[1] / weights[0], 600 / 390, rtol=1e-5)
    np.testing.assert_allclose(weights[2] / weights[0], MAX_CLASS_WEIGHT / (1000 / 3 / 600), rtol=1e-5)
    np.testing.assert_allclose(weights[y].mean(), 1, rtol=1e-5)
    np.testing.assert_allclose(class_weights(np.arange(30) % 3, 3), 1)


@settings(derandomize=True, deadline=None)
@given(LABELS, st.sampled_from(["none", "weights", "logits"]))
def test_an_epoch_shows_every_photo_once_unless_photos_are_drawn(y, balance):
    order = draw(y, np.random.default_rng(0), balance)
    assert sorted(order.tolist()) == list(range(len(y)))


def test_drawn_epochs_show_classes_alike_up_to_the_cap():
    y = np.repeat([0, 1, 2], [6000, 3900, 100])
    shown = np.bincount(y[draw(y, np.random.default_rng(0), "sampling")], minlength=3)
    np.testing.assert_allclose(shown[0] / shown[1], 1, atol=0.1)
    np.testing.assert_allclose(shown[2] / shown[0], MAX_CLASS_WEIGHT * 100 / (10000 / 3), rtol=0.15)


@settings(derandomize=True, deadline=None)
@given(LABELS)
def test_priors_are_finite_and_follow_the_counts(y):
    priors = log_priors(y, 9, "logits")
    assert np.isfinite(priors).all()
    counts = np.maximum(np.bincount(y, minlength=9), 0.5)
    np.testing.assert_allclose(priors - priors[0], PRIOR_SHARE * (np.log(counts) - np.log(counts[0])), atol=1e-12)
    for balance in ("none", "weights", "sampling"):
        assert not log_priors(y, 9, balance).any()
