import subprocess
import sys

import keras
import numpy as np
import pytest

from autodetect.classifier.head import build_head, grow_head, load_head, save_head
from autodetect.classifier.training import train_head
from autodetect.errors import CorruptError
from autodetect.sections import ClassifierSettings

DIM, OLD = 32, 6
SETTINGS = ClassifierSettings(hidden_width=48, epochs=40, batch_size=32)
BUILD = """
import sys
import numpy as np
from pathlib import Path
from autodetect.classifier.head import build_head, save_head
from autodetect.sections import ClassifierSettings
head = build_head(32, 6, mean=np.linspace(0, 1, 32), variance=np.linspace(0, 3, 32),
                  settings=ClassifierSettings(hidden_width=48), seed=5)
print(save_head(head, Path(sys.argv[1])))
"""


def clusters(classes, per_class, seed):
    """Return relu-like features around one centre per class, all sharing a large common part."""
    centres = np.random.default_rng(0).normal(size=(20, DIM))[:classes]
    noise = np.random.default_rng(seed).normal(size=(classes, per_class, DIM))
    x = np.maximum(5 + centres[:, None] + 0.6 * noise, 0).reshape(-1, DIM).astype(np.float32)
    return x, np.repeat(np.arange(classes), per_class)


def fresh(seed=5):
    return build_head(
        DIM, OLD, mean=np.linspace(0, 1, DIM), variance=np.linspace(0, 3, DIM), settings=SETTINGS, seed=seed
    )


@pytest.fixture(scope="module")
def champion():
    x, y = clusters(OLD, 60, seed=1)
    head = build_head(DIM, OLD, mean=x.mean(0), variance=x.var(0), settings=SETTINGS, seed=0)
    train_head(head, x, y, *clusters(OLD, 10, seed=2), settings=SETTINGS, seed=0, warm=False)
    return head


def top1(head, x, y):
    return (head.predict_on_batch(x).argmax(axis=1) == y).mean()


def test_a_head_answers_with_probabilities():
    answers = fresh().predict_on_batch(clusters(3, 4, seed=0)[0])
    assert answers.shape == (12, OLD)
    assert (answers >= 0).all()
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)


def test_softmax_is_apart_from_the_logits_so_that_a_temperature_can_be_folded_in():
    head, x = fresh(), clusters(3, 4, seed=0)[0]
    logits = keras.Model(head.inputs, head.get_layer("logits").output).predict_on_batch(x)
    cooled = np.exp(logits / 2) / np.exp(logits / 2).sum(axis=1, keepdims=True)
    kernel, bias = head.get_layer("logits").get_weights()
    head.get_layer("logits").set_weights([kernel / 2, bias / 2])
    np.testing.assert_allclose(head.predict_on_batch(x), cooled, rtol=1e-4)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
def test_odd_scales_and_dead_features_do_no_harm(scale):
    rng = np.random.default_rng(0)
    seen = rng.normal(size=(200, DIM)).astype(np.float32) * scale
    seen[:, 3] = 0
    head = build_head(DIM, OLD, mean=seen.mean(0), variance=seen.var(0), settings=SETTINGS, seed=0)
    unseen = seen[:5].copy()
    unseen[:, 3] = scale
    standard = keras.Model(head.inputs, head.get_layer("normalize").output).predict_on_batch(unseen)
    np.testing.assert_allclose(standard[:, 3], 10, rtol=0.2)
    assert np.abs(np.delete(standard, 3, axis=1)).max() < 6


def test_training_features_without_any_variance_are_survived():
    head = build_head(DIM, OLD, mean=np.ones(DIM), variance=np.zeros(DIM), settings=SETTINGS, seed=0)
    assert np.isfinite(head.predict_on_batch(np.ones((2, DIM), np.float32))).all()


def test_a_grown_head_gives_old_classes_the_old_logits(champion):
    x, _ = clusters(OLD, 10, seed=3)
    new = [clusters(9, 20, seed=4)[0][20 * index : 20 * index + 20] for index in (6, 7, 8)]
    grown = grow_head(champion, OLD, new)
    assert grown.output_shape == (None, 9)
    ours, theirs = (
        keras.Model(head.inputs, head.get_layer("logits").output).predict_on_batch(x) for head in (champion, grown)
    )
    np.testing.assert_allclose(theirs[:, :OLD], ours, rtol=1e-5, atol=1e-5)


def test_a_new_class_is_known_at_once_and_old_ones_are_not_forgotten(champion):
    x, y = clusters(OLD + 1, 40, seed=5)
    old = y < OLD
    train_x, train_y = clusters(OLD + 1, 20, seed=6)
    grown = grow_head(champion, OLD, [train_x[train_y == OLD]])
    before = top1(champion, x[old], y[old])
    assert before > 0.9
    assert top1(grown, x[old], y[old]) > before - 0.05
    assert top1(grown, x[~old], y[~old]) > 0.5


def test_the_global_mean_is_nothing_special_to_a_new_class(champion):
    train_x, train_y = clusters(OLD + 1, 20, seed=6)
    grown = grow_head(champion, OLD, [train_x[train_y == OLD]])
    kernel, bias = grown.get_layer("logits").get_weights()
    at_centre = grown.get_layer("hidden_norm").beta.numpy() @ kernel + bias
    np.testing.assert_allclose(at_centre[OLD], at_centre[:OLD].mean(), atol=1e-4)
    norms = np.linalg.norm(kernel, axis=0)
    np.testing.assert_allclose(norms[OLD], norms[:OLD].mean(), rtol=1e-5)


def test_growing_by_nothing_changes_no_answer(champion):
    x, _ = clusters(OLD, 5, seed=7)
    np.testing.assert_array_equal(grow_head(champion, OLD, []).predict_on_batch(x), champion.predict_on_batch(x))


def test_growing_a_head_of_another_size_or_by_an_empty_class_is_refused(champion):
    with pytest.raises(ValueError, match="6 outputs, expected 5"):
        grow_head(champion, 5, [])
    with pytest.raises(ValueError, match="no photos"):
        grow_head(champion, OLD, [np.empty((0, DIM), np.float32)])


def test_a_saved_head_answers_and_grows_as_before(champion, tmp_path):
    x, y = clusters(OLD + 1, 5, seed=8)
    digest = save_head(champion, tmp_path / "head.keras")
    loaded = load_head(tmp_path / "head.keras")
    np.testing.assert_array_equal(loaded.predict_on_batch(x), champion.predict_on_batch(x))
    assert save_head(loaded, tmp_path / "again.keras") == digest
    ours, theirs = (grow_head(head, OLD, [x[y == OLD]]).predict_on_batch(x) for head in (champion, loaded))
    np.testing.assert_array_equal(ours, theirs)


def test_two_processes_save_the_same_head_byte_for_byte(tmp_path):
    keras.layers.Dense(3)  # names that Keras gives must play no part
    digest = save_head(fresh(), tmp_path / "here.keras")
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(tmp_path / "there.keras")],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout.split()[-1] == digest
    assert save_head(fresh(seed=6), tmp_path / "other.keras") != digest


def test_a_cut_head_is_told(tmp_path):
    path = tmp_path / "head.keras"
    save_head(fresh(), path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CorruptError) as raised:
        load_head(path)
    assert "champion" in raised.value.remedy
