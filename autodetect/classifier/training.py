"""Training of a head on cached embeddings: seeded, balanced between classes, stopped when validation no longer gains.

Same inputs, same bits, on one machine: batches are drawn by NumPy from the seed, every layer carries its own seed.
The learning rate falls to zero along a cosine over a budget of epochs, small for a warm start: what a champion has yet
to learn in a night is little.
"""

from collections.abc import Callable, Mapping

import keras
import numpy as np
import numpy.typing as npt

from autodetect.classifier.balance import class_weights, draw, log_priors
from autodetect.classifier.head import head_kind
from autodetect.errors import StageFailedError
from autodetect.records import Record
from autodetect.sections import ClassifierSettings

# A night of few photos would end untrained: its batches are smaller, down to a floor, and its epochs more, so that a
# cold start takes at least so many steps, and a warm one its share of them.
_BATCHES, _SMALLEST_BATCH = 20, 16
_COLD_STEPS, _WARM_STEPS = 800, 150
# The linear head's share of the learning rate: at more than a tenth it fits the noise of 2,048 features.
_LINEAR_SHARE = 0.1

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

    AdamW (biases and batch norm are not decayed) on cross-entropy with label smoothing, balanced between classes as
    `classifier.balance` says; the epoch with the lowest validation loss (plain negative log-likelihood per photo) is
    kept.

    Args:
        model: a head, (n, dim) -> (n, classes).
        x: training embeddings, float32 (n, dim).
        y: their outputs, integer (n,), 0 <= y < classes.
        x_val: validation embeddings, float32 (m, dim), m >= 1.
        y_val: their outputs, integer (m,).
        settings: epochs, patience, batch size, learning rates, weight decay, label smoothing, balance.
        seed: of the order of photos.
        warm: the model is a champion, perhaps grown: use `warm_epochs` and `warm_learning_rate`, and count its start
            as epoch 0.
        progress: called after each epoch with its number (from 1) and its entry of the history.

    Raises:
        StageFailedError: no photos, embeddings that are not finite, or a loss that is not.
    """
    check_examples(x, x_val)
    classes = model.output_shape[-1]
    keras.utils.set_random_seed(seed)
    generator = np.random.default_rng(seed)
    targets, weights = np.eye(classes, dtype=np.float32), class_weights(y, classes, settings.balance)
    priors = log_priors(y, classes, settings.balance)
    steps, epochs = budget(len(x), settings, warm=warm)
    _compile(model, settings, warm=warm, steps=epochs * steps)

    history: dict[str, list[float]] = {"loss": [], "val_loss": [], "val_top1": []}
    best_loss, best_epoch, best_weights = np.inf, 0, model.get_weights()
    if warm:
        best_loss, _ = _validate(model, x_val, y_val, np.zeros(classes))
    _shift(model, priors)
    epoch = 0
    while epoch < epochs and epoch - best_epoch < settings.patience:
        epoch += 1
        model.reset_metrics()
        train_loss = np.nan
        for batch in np.array_split(draw(y, generator, settings.balance), steps):
            train_loss = model.train_on_batch(x[batch], targets[y[batch]], sample_weight=weights[y[batch]])
        val_loss, val_top1 = _validate(model, x_val, y_val, priors)
        _refuse_diverged(epoch, float(train_loss), val_loss)
        entry = {"loss": float(train_loss), "val_loss": val_loss, "val_top1": val_top1}
        for name, value in entry.items():
            history[name].append(round(value, 6))
        if val_loss < best_loss:
            _shift(model, -priors)
            best_loss, best_epoch, best_weights = val_loss, epoch, model.get_weights()
            _shift(model, priors)
        if progress is not None:
            progress(epoch, entry)
    model.set_weights(best_weights)
    return TrainingRecord(
        history={name: tuple(values) for name, values in history.items()},
        epochs=epoch,
        best_epoch=best_epoch,
        stopped=epoch - best_epoch >= settings.patience,
    )


def budget(photos: int, settings: ClassifierSettings, *, warm: bool) -> tuple[int, int]:
    """Return steps per epoch, and epochs at most.

    Steps are batches of `batch_size` photos at most and of nearly one size (a last batch of one photo would upset batch
    norm). A night of few photos has smaller batches and more epochs than the settings say, so that steps suffice.
    """
    size = max(min(settings.batch_size, photos // _BATCHES), _SMALLEST_BATCH)
    steps = -(-photos // size)
    epochs, fewest = (settings.warm_epochs, _WARM_STEPS) if warm else (settings.epochs, _COLD_STEPS)
    return steps, max(epochs, -(-fewest // steps))


def check_examples(x: Floats, x_val: Floats) -> None:
    """Refuse to train on nothing, or on numbers that are none.

    Raises:
        StageFailedError: no photos, or embeddings that are not finite.
    """
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


def _compile(model: keras.Model, settings: ClassifierSettings, *, warm: bool, steps: int) -> None:
    rate = settings.warm_learning_rate if warm else settings.learning_rate
    share = _LINEAR_SHARE if head_kind(model) == "linear" else 1.0
    optimizer = keras.optimizers.AdamW(
        learning_rate=keras.optimizers.schedules.CosineDecay(rate * share, steps), weight_decay=settings.weight_decay
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing)
    model.compile(optimizer, loss, jit_compile=False)


def _shift(model: keras.Model, scores: npt.NDArray[np.float64]) -> None:
    """Add to every output's score: how training sees the priors of its photos, and serving does not."""
    if scores.any():
        logits = model.get_layer("logits")
        kernel, bias = logits.get_weights()
        logits.set_weights([kernel, (bias + scores).astype(bias.dtype)])


def _validate(model: keras.Model, x: Floats, y: Ints, priors: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return negative log-likelihood per photo and top-1, of the model without the priors it is trained under."""
    answers = np.asarray(model.predict_on_batch(x), dtype=np.float64)
    if priors.any():
        answers = answers * np.exp(-priors)
        answers /= answers.sum(axis=1, keepdims=True)
    picked = answers[np.arange(len(y)), y]
    return float(-np.log(np.maximum(picked, 1e-12)).mean()), float((answers.argmax(axis=1) == y).mean())


def _refuse_diverged(epoch: int, train_loss: float, val_loss: float) -> None:
    if not (np.isfinite(train_loss) and np.isfinite(val_loss)):
        raise StageFailedError(
            f"training diverged in epoch {epoch}: training loss {train_loss}, validation loss {val_loss}",
            "lower classifier.learning_rate (or .warm_learning_rate) and run the stage again",
        )
