"""The classifier's head: what the night trains on top of the frozen backbone.

    embedding (dim) -> normalize -> hidden (relu) -> hidden_norm -> hidden_drop -> logits (classes) -> answer (softmax)

The hidden width is fixed, so a new class adds one column to the last dense layer and changes nothing else. Column i is
output i; which class that is, the caller keeps. `logits` and the softmax are separate layers so that a temperature can
be folded into `logits`.
"""

from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from autodetect.embeddings.keras_file import load_model, save_model
from autodetect.sections import ClassifierSettings

# Features that hardly vary in the training set would be blown up by the standardisation: no feature is divided by less
# than a tenth of the typical standard deviation.
_VARIANCE_FLOOR = 0.01
# Running statistics follow within tens of steps; a night's training has hundreds, too few for Keras' 0.99.
_BATCH_NORM_MOMENTUM = 0.9
_LAYERS_KEPT = ("hidden", "hidden_norm")


def build_head(
    dim: int,
    classes: int,
    *,
    mean: npt.NDArray[np.floating],
    variance: npt.NDArray[np.floating],
    settings: ClassifierSettings,
    seed: int,
) -> keras.Model:
    """Return an untrained head: float32 (n, dim) -> float32 (n, classes), rows summing to 1.

    Args:
        dim: length of an embedding.
        classes: number of outputs.
        mean: mean of each feature over the training set, shape (dim,).
        variance: variance of each feature over the training set, shape (dim,); a random backbone's features are tiny
            and some never vary, so variances are floored at 1 % of the median of those that do.
        settings: `hidden_width` and `dropout` are used.
        seed: of the initial weights and of dropout.
    """
    live = variance[variance > 0]
    floor = _VARIANCE_FLOOR * float(np.median(live)) if live.size else 1.0
    return _assemble(
        mean=np.asarray(mean, np.float32),
        variance=np.asarray(np.maximum(variance, floor), np.float32),
        shape=(dim, settings.hidden_width, classes),
        dropout=settings.dropout,
        seed=seed,
    )


def grow_head(champion: keras.Model, n_old: int, new_class_features: list[npt.NDArray[np.floating]]) -> keras.Model:
    """Return the champion's head with one more output per new class, the old ones answering as before.

    A new column of `logits` is imprinted (Qi, Brown, Lowe: Low-Shot Learning with Imprinted Weights, CVPR 2018), but
    centred: the class's mean in hidden space minus the global mean, scaled to the mean norm of the existing columns.
    An uncentred imprint wins nearly everywhere, since all hidden vectors share a large common part. The bias lets the
    global mean score what existing classes score there on average (zero, where their columns are centred).
    The global mean needs no data: it is what `hidden_norm` turns its running mean into, its offset `beta`.

    Args:
        champion: a head of `build_head`, `grow_head` or `load_head`.
        n_old: number of its outputs, checked.
        new_class_features: per new class the embeddings of its training photos, float, shape (photos >= 1, dim).

    Raises:
        ValueError: `n_old` is not the champion's number of outputs, or a new class has no photos.
    """
    kernel, bias = champion.get_layer("logits").get_weights()
    if n_old != kernel.shape[1]:
        raise ValueError(f"the champion has {kernel.shape[1]} outputs, expected {n_old}")
    if any(len(features) == 0 for features in new_class_features):
        raise ValueError("a new class has no photos to imprint")
    to_hidden = keras.Model(champion.inputs, champion.get_layer("hidden_norm").output)
    centre = champion.get_layer("hidden_norm").beta.numpy()
    norm = np.linalg.norm(kernel, axis=0).mean()
    level = (centre @ kernel + bias).mean()
    columns, offsets = [kernel], [bias]
    for features in new_class_features:
        hidden = np.asarray(to_hidden.predict_on_batch(np.asarray(features, np.float32)))
        direction = hidden.mean(axis=0) - centre
        column = direction * (norm / max(float(np.linalg.norm(direction)), 1e-12))
        columns.append(column[:, None])
        offsets.append(np.asarray([level - centre @ column]))
    normalize, dropout = champion.get_layer("normalize"), champion.get_layer("hidden_drop")
    grown = _assemble(
        mean=np.asarray(normalize.input_mean, np.float32),
        variance=np.asarray(normalize.input_variance, np.float32),
        shape=(champion.input_shape[-1], kernel.shape[0], n_old + len(new_class_features)),
        dropout=dropout.rate,
        seed=dropout.seed,
    )
    for name in _LAYERS_KEPT:
        grown.get_layer(name).set_weights(champion.get_layer(name).get_weights())
    grown.get_layer("logits").set_weights([np.concatenate(columns, axis=1), np.concatenate(offsets)])
    return grown


def save_head(model: keras.Model, path: Path) -> str:
    """Write the head to `path` (`.keras`), the same bytes for the same head; return the file's SHA-256 (hex)."""
    return save_model(model, path)


def load_head(path: Path) -> keras.Model:
    """Return the head in `path`, uncompiled, read in Keras' safe mode.

    Raises:
        CorruptError: the file is missing or damaged.
    """
    return load_model(path, "restore it from the release that carries it, or train without a champion")


def _assemble(
    *,
    mean: npt.NDArray[np.float32],
    variance: npt.NDArray[np.float32],
    shape: tuple[int, int, int],
    dropout: float,
    seed: int,
) -> keras.Model:
    dim, width, classes = shape
    keras.utils.set_random_seed(seed)
    embedding = keras.Input((dim,), name="embedding")
    x = keras.layers.Normalization(mean=mean, variance=variance, name="normalize")(embedding)
    x = keras.layers.Dense(
        width, activation="relu", kernel_initializer=keras.initializers.HeNormal(seed=seed), name="hidden"
    )(x)
    x = keras.layers.BatchNormalization(momentum=_BATCH_NORM_MOMENTUM, name="hidden_norm")(x)
    x = keras.layers.Dropout(dropout, seed=seed, name="hidden_drop")(x)
    x = keras.layers.Dense(classes, kernel_initializer=keras.initializers.GlorotUniform(seed=seed + 1), name="logits")(
        x
    )
    return keras.Model(embedding, keras.layers.Softmax(name="answer")(x), name="head")
