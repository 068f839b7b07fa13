"""Training of a head on cached embeddings: seeded, class-balanced, stopped when validation no longer gains.

Same inputs, same bits, on one machine: batches are drawn by NumPy from the seed, every layer carries its own seed.
"""

from collections.abc import Callable, Mapping

import keras
import numpy as np
import numpy.typing as npt

from autodetect.errors import StageFailedError
from autodetect.records import Record
from autodetect.sections import ClassifierSettings

# A class may count at most this many times as much per photo as under equal weights: inverse frequency alone would let
# a handful of photos of a rare class steer the head.
MAX_CLASS_WEIGHT = 5.0

Progress = Callable[[int, Mapping[str, float]], None]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.integer]


class TrainingRecord(Record):
    """How a training went. `history` holds one value per epoch of `loss`, `val_loss` and `val_top1`.

    `epochs` were run; `best_epoch` (from 1) is the one whose weights were kept, 0 where a warm start never got better
    than it began; `stopped` says that patience ran out before the epochs did.
    """

    history: dict[str, tuple[float, ...]]
    epochs: int
    best_epoch: int
    stopped: bool


def class_weights(y: Ints, classes: int) -> Floats:
    """Return a weight per class, float32 (classes,): inverse frequency, capped, averaging 1 over the photos.

    n / (k * n_c) for k classes with photos, at most `MAX_CLASS_WEIGHT`, then divided by the mean over photos.
    A class without photos gets 0.
    """
    counts = np.bincount(y, minlength=classes).astype(np.float64)
    present = counts > 0
    weights = np.zeros(classes)
    weights[present] = np.minimum(len(y) / (present.sum() * counts[present]), MAX_CLASS_WEIGHT)
    return (weights * (len(y) / (weights * counts).sum())).astype(np.float32)


def train_head(
    model: keras.Model,
    x: Floats,
    y: Ints,
    x_val: Floats,
    y_val: Ints,
    *,
    settings: ClassifierSettings,
    seed: int,
    warm: bool,
    progress: Progress | None = None,
) -> TrainingRecord:
    """Train `model` in place and leave it with the weights of its best epoch.

    AdamW (biases and batch norm are not decayed) on cross-entropy with label smoothing and class-balanced weights; the
    epoch with the lowest validation loss (plain negative log-likelihood per photo) is kept.

    Args:
        model: a head, (n, dim) -> (n, classes).
        x: training embeddings, float32 (n, dim).
        y: their outputs, integer (n,), 0 <= y < classes.
        x_val: validation embeddings, float32 (m, dim), m >= 1.
        y_val: their outputs, integer (m,).
        settings: epochs, patience, batch size, learning rates, weight decay, label smoothing.
        seed: of the order of photos.
        warm: the model is a champion, perhaps grown: use `warm_learning_rate`, and count its start as epoch 0.
        progress: called after each epoch with its number (from 1) and its entry of the history.

    Raises:
        StageFailedError: no photos, embeddings that are not finite, or a loss that is not.
    """
    _check(x, x_val)
    classes = model.output_shape[-1]
    keras.utils.set_random_seed(seed)
    generator = np.random.default_rng(seed)
    targets, weights = np.eye(classes, dtype=np.float32), class_weights(y, classes)
    optimizer = keras.optimizers.AdamW(
        learning_rate=settings.warm_learning_rate if warm else settings.learning_rate,
        weight_decay=settings.weight_decay,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing)
    model.compile(optimizer, loss, jit_compile=False)

    history: dict[str, list[float]] = {"loss": [], "val_loss": [], "val_top1": []}
    best_loss, best_epoch, best_weights = np.inf, 0, model.get_weights()
    if warm:
        best_loss, _ = _validate(model, x_val, y_val)
    epoch = 0
    while epoch < settings.epochs and epoch - best_epoch < settings.patience:
        epoch += 1
        model.reset_metrics()
        train_loss = np.nan
        for batch in _batches(generator.permutation(len(x)), settings.batch_size):
            train_loss = model.train_on_batch(x[batch], targets[y[batch]], sample_weight=weights[y[batch]])
        val_loss, val_top1 = _validate(model, x_val, y_val)
        _refuse_diverged(epoch, float(train_loss), val_loss)
        entry = {"loss": float(train_loss), "val_loss": val_loss, "val_top1": val_top1}
        for name, value in entry.items():
            history[name].append(round(value, 6))
        if val_loss < best_loss:
            best_loss, best_epoch, best_weights = val_loss, epoch, model.get_weights()
        if progress is not None:
            progress(epoch, entry)
    model.set_weights(best_weights)
    return TrainingRecord(
        history={name: tuple(values) for name, values in history.items()},
        epochs=epoch,
        best_epoch=best_epoch,
        stopped=epoch - best_epoch >= settings.patience,
    )


def _batches(order: npt.NDArray[np.int64], batch_size: int) -> list[npt.NDArray[np.int64]]:
    """Return the order cut into batches of nearly one size: a last batch of one photo would upset batch norm."""
    return np.array_split(order, -(-len(order) // batch_size))


def _validate(model: keras.Model, x: Floats, y: Ints) -> tuple[float, float]:
    """Return negative log-likelihood per photo and top-1."""
    probabilities = np.asarray(model.predict_on_batch(x), dtype=np.float64)
    picked = probabilities[np.arange(len(y)), y]
    return float(-np.log(np.maximum(picked, 1e-12)).mean()), float((probabilities.argmax(axis=1) == y).mean())


def _check(x: Floats, x_val: Floats) -> None:
    for name, values in (("training", x), ("validation", x_val)):
        if len(values) == 0:
            raise StageFailedError(
                f"there are no {name} photos", "crawl more listings, or lower dataset.min_vehicles or .min_validation"
            )
        bad = int((~np.isfinite(values).all(axis=1)).sum())
        if bad:
            raise StageFailedError(
                f"{bad} of {len(values)} {name} embeddings hold values that are not finite",
                "the embeddings are damaged: run `autodetect lake check`, then curate again",
            )


def _refuse_diverged(epoch: int, train_loss: float, val_loss: float) -> None:
    if not (np.isfinite(train_loss) and np.isfinite(val_loss)):
        raise StageFailedError(
            f"training diverged in epoch {epoch}: training loss {train_loss}, validation loss {val_loss}",
            "lower classifier.learning_rate (or .warm_learning_rate) and run the stage again",
        )
