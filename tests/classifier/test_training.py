import subprocess
import sys

import numpy as np
import pytest

from autodetect.classifier.head import build_head
from autodetect.classifier.training import MAX_CLASS_WEIGHT, class_weights, train_head
from autodetect.errors import StageFailedError
from autodetect.sections import ClassifierSettings

DIM, CLASSES = 24, 5
SETTINGS = ClassifierSettings(hidden_width=32, epochs=30, patience=5, batch_size=32)
TRAIN = """
import hashlib
import numpy as np
from autodetect.classifier.head import build_head
from autodetect.classifier.training import train_head
from autodetect.sections import ClassifierSettings
rng = np.random.default_rng(0)
x, y = rng.normal(size=(200, 24)).astype(np.float32), rng.integers(0, 5, 200)
x[:, :5] += 2 * np.eye(5, dtype=np.float32)[y]
head = build_head(24, 5, mean=x.mean(0), variance=x.var(0),
                  settings=ClassifierSettings(hidden_width=32), seed=1)
train_head(head, x[:150], y[:150], x[150:], y[150:],
           settings=ClassifierSettings(hidden_width=32, epochs=6, batch_size=32), seed=SEED, warm=False)
digest = hashlib.sha256(b"".join(weight.tobytes() for weight in head.get_weights())).hexdigest()
"""


def photos(count, seed, lift=3.0):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(count, DIM)).astype(np.float32), rng.integers(0, CLASSES, count)
    x[:, :CLASSES] += lift * np.eye(CLASSES, dtype=np.float32)[y]
    return x, y


def head_for(x):
    return build_head(DIM, CLASSES, mean=x.mean(0), variance=x.var(0), settings=SETTINGS, seed=0)


def test_a_head_learns_what_can_be_learned():
    (x, y), validation, (test_x, test_y) = photos(600, 0), photos(150, 1), photos(300, 2)
    head, told = head_for(x), []
    record = train_head(
        head, x, y, *validation, settings=SETTINGS, seed=0, warm=False, progress=lambda *entry: told.append(entry)
    )
    assert (head.predict_on_batch(test_x).argmax(axis=1) == test_y).mean() > 0.85
    assert record.history["loss"][-1] < record.history["loss"][0]
    assert [epoch for epoch, _ in told] == list(range(1, record.epochs + 1))
    assert {len(values) for values in record.history.values()} == {record.epochs}


def test_the_weights_of_the_best_epoch_are_kept():
    (x, y), (x_val, y_val) = photos(80, 0, lift=1.0), photos(100, 1, lift=1.0)
    head, hasty = head_for(x), SETTINGS.model_copy(update={"learning_rate": 0.02})
    record = train_head(head, x, y, x_val, y_val, settings=hasty, seed=0, warm=False)
    assert record.stopped
    assert record.epochs == record.best_epoch + SETTINGS.patience
    best = min(record.history["val_loss"])
    assert record.history["val_loss"][record.best_epoch - 1] == best
    assert record.history["val_loss"][-1] > best
    picked = head.predict_on_batch(x_val)[np.arange(100), y_val]
    np.testing.assert_allclose(-np.log(picked).mean(), best, atol=1e-5)


def test_a_warm_start_that_only_gets_worse_keeps_the_champion():
    (x, y), validation = photos(300, 0), photos(100, 1)
    head = head_for(x)
    train_head(head, x, y, *validation, settings=SETTINGS, seed=0, warm=False)
    champion = head.get_weights()
    noise = np.random.default_rng(5).integers(0, CLASSES, 300)
    wild = SETTINGS.model_copy(update={"warm_learning_rate": 0.05})
    record = train_head(head, x, noise, *validation, settings=wild, seed=0, warm=True)
    assert (record.best_epoch, record.epochs, record.stopped) == (0, SETTINGS.patience, True)
    for before, after in zip(champion, head.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_two_processes_train_the_same_bits_and_another_seed_trains_others():
    def trained_here(seed):
        scope = {}
        exec(TRAIN.replace("SEED", str(seed)), scope)
        return scope["digest"]

    program = TRAIN.replace("SEED", "7") + "\nprint(digest)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=300)
    assert done.stdout.split()[-1] == trained_here(7) == trained_here(7) != trained_here(8)


@pytest.mark.parametrize("rate", [1e30, 1e38])
def test_a_diverging_training_stops_the_stage(rate):
    (x, y), validation = photos(100, 0), photos(50, 1)
    with pytest.raises(StageFailedError, match="diverged in epoch") as raised:
        train_head(
            head_for(x),
            x,
            y,
            *validation,
            settings=SETTINGS.model_copy(update={"learning_rate": rate}),
            seed=0,
            warm=False,
        )
    assert "learning_rate" in raised.value.remedy


def test_embeddings_that_are_not_finite_stop_the_stage():
    (x, y), (x_val, y_val) = photos(50, 0), photos(20, 1)
    x_val[3, 2] = np.nan
    with pytest.raises(StageFailedError, match="1 of 20 validation embeddings"):
        train_head(head_for(x), x, y, x_val, y_val, settings=SETTINGS, seed=0, warm=False)


@pytest.mark.parametrize("empty", ["training", "validation"])
def test_no_photos_stop_the_stage(empty):
    some, none = photos(50, 0), (np.empty((0, DIM), np.float32), np.empty(0, int))
    given = (*none, *some) if empty == "training" else (*some, *none)
    with pytest.raises(StageFailedError, match=f"no {empty} photos"):
        train_head(head_for(some[0]), *given, settings=SETTINGS, seed=0, warm=False)


def test_a_last_batch_of_one_photo_is_avoided():
    (x, y), validation = photos(65, 0), photos(20, 1)
    head = head_for(x)
    sizes = []
    step = head.train_on_batch
    head.train_on_batch = lambda batch, *rest, **named: sizes.append(len(batch)) or step(batch, *rest, **named)
    train_head(head, x, y, *validation, settings=SETTINGS.model_copy(update={"epochs": 1}), seed=0, warm=False)
    assert sorted(sizes) == [21, 22, 22]


def test_rare_classes_weigh_more_up_to_a_cap_and_photos_weigh_one_on_average():
    y = np.repeat([0, 1, 2], [600, 390, 10])
    weights = class_weights(y, 4)
    assert weights.dtype == np.float32
    assert weights[3] == 0
    np.testing.assert_allclose(weights[1] / weights[0], 600 / 390, rtol=1e-5)
    np.testing.assert_allclose(weights[2] / weights[0], MAX_CLASS_WEIGHT / (1000 / 3 / 600), rtol=1e-5)
    np.testing.assert_allclose(weights[y].mean(), 1, rtol=1e-5)
    np.testing.assert_allclose(class_weights(np.arange(30) % 3, 3), 1)
