import subprocess
import sys

import numpy as np
import pytest

from autodetect.classifier.head import build_head
from autodetect.classifier.training import budget, train_head
from autodetect.errors import StageFailedError
from autodetect.sections import ClassifierSettings

DIM, CLASSES = 24, 5
SETTINGS = ClassifierSettings(
    hidden_width=32, epochs=30, patience=5, batch_size=32, learning_rate=3e-3, embedding_dropout=0.1, dropout=0.1
)
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
                  settings=ClassifierSettings(hidden_width=32), seed=1, kind=KIND)
train_head(head, x[:150], y[:150], x[150:], y[150:],
           settings=ClassifierSettings(hidden_width=32, epochs=3, batch_size=32, balance=BALANCE),
           seed=SEED, warm=False)
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


@pytest.mark.parametrize(("kind", "balance"), [("dense", "logits"), ("linear", "sampling")])
def test_two_processes_train_the_same_bits_and_another_seed_trains_others(kind, balance):
    def program(seed):
        text = TRAIN.replace("SEED", str(seed)).replace("KIND", repr(kind)).replace("BALANCE", repr(balance))
        return text + "\nprint(digest)"

    def trained_here(seed):
        scope = {}
        exec(program(seed), scope)
        return scope["digest"]

    done = subprocess.run([sys.executable, "-c", program(7)], check=True, capture_output=True, text=True, timeout=300)
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


@pytest.mark.parametrize(
    ("photos", "batch_size", "steps", "cold", "warm"),
    [(65, 32, 5, 160, 30), (1, 256, 1, 800, 150), (600, 256, 20, 40, 8), (50_000, 256, 196, 20, 2)],
)
def test_a_small_night_has_smaller_batches_and_more_epochs(photos, batch_size, steps, cold, warm):
    settings = ClassifierSettings(batch_size=batch_size)
    assert budget(photos, settings, warm=False) == (steps, cold)
    assert budget(photos, settings, warm=True) == (steps, warm)
    sizes = [len(part) for part in np.array_split(np.arange(photos), steps)]
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= batch_size


@pytest.mark.parametrize("kind", ["dense", "linear"])
@pytest.mark.parametrize("balance", ["none", "weights", "sampling", "logits"])
def test_every_way_of_balance_learns_and_validates_the_model_that_is_served(kind, balance):
    (x, y), (x_val, y_val) = photos(400, 0), photos(150, 1)
    kept = (y != 0) | (np.arange(400) % 8 == 0)  # class 0 is rare in training
    settings = SETTINGS.model_copy(update={"balance": balance})
    head = build_head(DIM, CLASSES, mean=x.mean(0), variance=x.var(0), settings=settings, seed=0, kind=kind)
    record = train_head(head, x[kept], y[kept], x_val, y_val, settings=settings, seed=0, warm=False)
    answers = head.predict_on_batch(x_val).astype(np.float64)
    assert (answers.argmax(axis=1) == y_val).mean() > 0.6
    told = record.history["val_loss"][record.best_epoch - 1]
    np.testing.assert_allclose(-np.log(answers[np.arange(150), y_val]).mean(), told, atol=1e-4)


def test_a_class_that_no_training_photo_shows_does_no_harm():
    (x, y), validation = photos(300, 0), photos(100, 1)
    kept = y != 2
    head = head_for(x)
    train_head(head, x[kept], y[kept], *validation, settings=SETTINGS, seed=0, warm=False)
    assert np.isfinite(head.predict_on_batch(x)).all()


def test_one_photo_of_a_class_is_enough_to_train():
    (x, y), validation = photos(200, 0), photos(100, 1)
    kept = (y != 1) | (np.cumsum(y == 1) == 1)
    head = head_for(x)
    record = train_head(head, x[kept], y[kept], *validation, settings=SETTINGS, seed=0, warm=False)
    assert record.history["val_top1"][-1] > 0.6
