"""The classifier's head: what the night trains on top of the frozen backbone. There are two shapes of it.

    dense:  embedding (dim) -> normalize -> embedding_drop -> hidden (relu) -> hidden_norm -> hidden_drop
            -> logits (classes) -> answer (softmax)
    linear: embedding (dim) -> normalize -> embedding_drop -> logits (classes) -> answer (softmax)

The hidden width is fixed, so a new class adds one column to the last dense layer and changes nothing else. Column i is
output i; which class that is, the caller keeps. `logits` and the softmax are separate layers so that a temperature can
be folded into `logits`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt

from autodetect.embeddings.keras_file import load_model, save_model
from autodetect.sections import ClassifierSettings

HeadKind = Literal["dense", "linear"]
HEAD_KINDS: tuple[HeadKind, ...] = ("dense", "linear")

# Features that hardly vary in the training set would be blown up by the standardisation: no feature is divided by less
# than a tenth of the typical standard deviation.
_VARIANCE_FLOOR = 0.01
# Running statistics follow within tens of steps; a night's training has hundreds, too few for Keras' 0.99.
_BATCH_NORM_MOMENTUM = 0.9
# What a masked output scores: the softmax of it is exactly 0, and float16 (Core ML) holds it, unlike infinity's sums.
_MASKED = -1e4
_IMPRINTED = 1024  # photos whose hidden vectors are asked for at a time
_KEPT = ("hidden", "hidden_norm")

Floats = npt.NDArray[np.floating]


def build_head(
    dim: int,
    classes: int,
    *,
    mean: Floats,
    variance: Floats,
    settings: ClassifierSettings,
    seed: int,
    kind: HeadKind = "dense",
) -> keras.Model:
    """Return an untrained head: float32 (n, dim) -> float32 (n, classes), rows summing to 1.

    Args:
        dim: length of an embedding.
        classes: number of outputs.
        mean: mean of each feature over the training set, shape (dim,).
        variance: variance of each feature over the training set, shape (dim,); a random backbone's features are tiny
            and some never vary, so variances are floored at 1 % of the median of those that do.
        settings: `hidden_width`, `dropout` and `embedding_dropout` are used.
        seed: of the initial weights and of dropout. A linear head begins at zero: every class as probable as another.
        kind: its shape.
    """
    live = variance[variance > 0]
    floor = _VARIANCE_FLOOR * float(np.median(live)) if live.size else 1.0
    return _assemble(
        mean=np.asarray(mean, np.float32),
        variance=np.asarray(np.maximum(variance, floor), np.float32),
        shape=(dim, settings.hidden_width if kind == "dense" else None, classes),
        rates=(settings.embedding_dropout, settings.dropout),
        seed=seed,
    )


def head_kind(head: keras.Model) -> HeadKind:
    """Return the shape of a head."""
    return "dense" if _has(head, "hidden") else "linear"


def grow_head(
    champion: keras.Model,
    n_old: int,
    new_class_features: Sequence[Floats],
    *,
    renewed: Mapping[int, Floats] | None = None,
) -> keras.Model:
    """Return the champion's head with one more output per new class, the old ones answering as before.

    A new column of `logits` is imprinted (Qi, Brown, Lowe: Low-Shot Learning with Imprinted Weights, CVPR 2018), but
    centred: the class's mean in hidden space minus the global mean, scaled to the mean norm of the existing columns.
    An uncentred imprint wins nearly everywhere, since all hidden vectors share a large common part. The bias lets the
    global mean score what existing classes score there on average (zero, where their columns are centred).
    The global mean needs no data: in a dense head it is what `hidden_norm` turns its running mean into, its offset
    `beta`; a linear head's hidden space is the standardised embedding, whose mean is zero. Masked outputs are left
    masked, and count for neither mean.

    Args:
        champion: a head of `build_head`, `grow_head`, `mask_outputs` or `load_head`.
        n_old: number of its outputs, checked.
        new_class_features: per new class the embeddings of its training photos, float, shape (photos >= 1, dim).
        renewed: old output -> embeddings of its photos: columns to imprint anew, of classes that come back after they
            were masked.

    Raises:
        ValueError: `n_old` is not the champion's number of outputs, or a class to imprint has no photos.
    """
    kernel, bias = (np.array(weights) for weights in champion.get_layer("logits").get_weights())
    renewed = renewed or {}
    if n_old != kernel.shape[1]:
        raise ValueError(f"the champion has {kernel.shape[1]} outputs, expected {n_old}")
    if any(len(features) == 0 for features in (*new_class_features, *renewed.values())):
        raise ValueError("a new class has no photos to imprint")
    alive = bias > _MASKED / 2
    centre = _centre(champion)
    norm = float(np.linalg.norm(kernel[:, alive], axis=0).mean()) if alive.any() else 1.0
    level = float((centre @ kernel + bias)[alive].mean()) if alive.any() else 0.0
    to_hidden = keras.Model(champion.inputs, champion.get_layer(_last_before_logits(champion)).output)

    pieces = [*renewed.values(), *new_class_features]
    if pieces:  # one call for all photos: every other number of them would be compiled anew
        together = to_hidden.predict(np.concatenate(pieces).astype(np.float32), batch_size=_IMPRINTED, verbose=0)
        hidden = np.split(np.asarray(together), np.cumsum([len(piece) for piece in pieces])[:-1])
        directions = np.stack([photos.mean(axis=0) - centre for photos in hidden], axis=1)
        columns = directions * (norm / np.maximum(np.linalg.norm(directions, axis=0), 1e-12))
        offsets = level - centre @ columns
        old = list(renewed)
        kernel[:, old], bias[old] = columns[:, : len(old)], offsets[: len(old)]
        kernel = np.concatenate([kernel, columns[:, len(old) :]], axis=1)
        bias = np.concatenate([bias, offsets[len(old) :]])
    return _rebuilt(champion, kernel, bias)


def mask_outputs(head: keras.Model, outputs: Sequence[int]) -> keras.Model:
    """Return the head with outputs (of retired classes) that never answer: probability 0, the others share the rest.

    The columns stay, so every other output keeps its place; what they held is gone (`grow_head` can renew them).

    Raises:
        ValueError: no other output would be left.
    """
    kernel, bias = (np.array(weights) for weights in head.get_layer("logits").get_weights())
    kernel[:, list(outputs)], bias[list(outputs)] = 0, _MASKED
    if len(masked_outputs(head) | set(outputs)) == len(bias):
        raise ValueError("every output would be masked")
    return _rebuilt(head, kernel, bias)


def masked_outputs(head: keras.Model) -> frozenset[int]:
    """Return the outputs that `mask_outputs` silenced."""
    _, bias = head.get_layer("logits").get_weights()
    return frozenset(np.flatnonzero(bias <= _MASKED / 2).tolist())


def save_head(model: keras.Model, path: Path) -> str:
    """Write the head to `path` (`.keras`), the same bytes for the same head; return the file's SHA-256 (hex)."""
    return save_model(model, path)


def load_head(path: Path) -> keras.Model:
    """Return the head in `path`, uncompiled, read in Keras' safe mode.

    Raises:
        CorruptError: the file is missing or damaged.
    """
    return load_model(path, "restore it from the release that carries it, or train without a champion")


def _has(head: keras.Model, name: str) -> bool:
    return any(layer.name == name for layer in head.layers)


def _last_before_logits(head: keras.Model) -> str:
    return "hidden_norm" if _has(head, "hidden") else "normalize"


def _centre(head: keras.Model) -> Floats:
    """Return the mean of the hidden vectors, shape (width,)."""
    if _has(head, "hidden"):
        return keras.ops.convert_to_numpy(head.get_layer("hidden_norm").beta)
    return np.zeros(head.input_shape[-1], np.float32)


def _rebuilt(head: keras.Model, kernel: Floats, bias: Floats) -> keras.Model:
    """Return a copy of the head with these last columns, kernel (width, classes) and bias (classes,)."""
    normalize, seed = head.get_layer("normalize"), 0
    rates = []
    for name in ("embedding_drop", "hidden_drop"):
        rates.append(head.get_layer(name).rate if _has(head, name) else 0.0)
        seed = head.get_layer(name).seed if _has(head, name) else seed
    copy = _assemble(
        mean=np.asarray(normalize.input_mean, np.float32),
        variance=np.asarray(normalize.input_variance, np.float32),
        shape=(head.input_shape[-1], kernel.shape[0] if _has(head, "hidden") else None, kernel.shape[1]),
        rates=(rates[0], rates[1]),
        seed=seed,
    )
    for name in _KEPT:
        if _has(head, name):
            copy.get_layer(name).set_weights(head.get_layer(name).get_weights())
    copy.get_layer("logits").set_weights([kernel, bias])
    return copy


def _assemble(
    *,
    mean: npt.NDArray[np.float32],
    variance: npt.NDArray[np.float32],
    shape: tuple[int, int | None, int],
    rates: tuple[float, float],
    seed: int,
) -> keras.Model:
    """Return a head of (dim, hidden width or None for linear, classes), with dropout (of embedding, of hidden)."""
    dim, width, classes = shape
    keras.utils.set_random_seed(seed)
    embedding = keras.Input((dim,), name="embedding")
    x = keras.layers.Normalization(mean=mean, variance=variance, name="normalize")(embedding)
    x = keras.layers.Dropout(rates[0], seed=seed, name="embedding_drop")(x)
    start: Any = "zeros"
    if width is not None:
        first = keras.initializers.HeNormal(seed=seed)
        x = keras.layers.Dense(width, activation="relu", kernel_initializer=first, name="hidden")(x)
        x = keras.layers.BatchNormalization(momentum=_BATCH_NORM_MOMENTUM, name="hidden_norm")(x)
        x = keras.layers.Dropout(rates[1], seed=seed, name="hidden_drop")(x)
        start = keras.initializers.GlorotUniform(seed=seed + 1)
    x = keras.layers.Dense(classes, kernel_initializer=start, name="logits")(x)
    return keras.Model(embedding, keras.layers.Softmax(name="answer")(x), name="head")
