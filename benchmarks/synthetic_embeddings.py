"""Made-up embeddings that are as hard as real ones: relu features with a large common part, lookalikes, a long tail.

Every feature is a mix of a few latent directions. A class is a point in that latent space near the point of its
lookalike group; a vehicle lies beside its class, a photo beside its vehicle. Half of the photos' scatter is drawn
along directions that say nothing of the class.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autodetect.classifier.split_arrays import Examples

LATENT = 96
GROUP = 5  # classes that look alike
BETWEEN_GROUPS, WITHIN_GROUP, VEHICLE, PHOTO = 1.0, 0.6, 1.3, 1.6
NOISE = 1.0
PHOTOS_PER_VEHICLE = 4

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class World:
    """Where classes lie: `places` (classes, LATENT), `mix` (LATENT, dim), `common` (dim,); all float32."""

    places: Floats
    mix: Floats
    common: Floats


def world(classes: int, dim: int, seed: int) -> World:
    """Return a world of `classes` classes whose embeddings have `dim` features."""
    rng = np.random.default_rng(seed)
    groups = BETWEEN_GROUPS * rng.normal(size=(-(-classes // GROUP), LATENT))
    places = np.repeat(groups, GROUP, axis=0)[:classes] + WITHIN_GROUP * rng.normal(size=(classes, LATENT))
    mix = rng.normal(size=(LATENT, dim)) / np.sqrt(LATENT)
    return World(places.astype(np.float32), mix.astype(np.float32), rng.gamma(2.0, 0.5, dim).astype(np.float32))


def class_sizes(photos: int, classes: int, tail: float) -> Ints:
    """Return photos per class, integer (classes,), proportional to rank ** -tail, each at least 8 (2 vehicles)."""
    shares = np.arange(1, classes + 1, dtype=np.float64) ** -tail
    return np.maximum((photos * shares / shares.sum()).astype(np.int64), 8)


def embeddings(place: World, sizes: Ints, seed: int) -> tuple[Floats, Ints]:
    """Return photos of every class, `sizes[c]` of class c: float32 (n, dim) in a mixed order, and classes (n,)."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(sizes)), sizes)
    vehicle = np.arange(len(y)) // PHOTOS_PER_VEHICLE  # a few straddle two classes: a little label noise
    x = np.empty((len(y), place.mix.shape[1]), np.float32)
    cars = VEHICLE * rng.normal(size=(vehicle[-1] + 1, LATENT)).astype(np.float32)
    order = rng.permutation(len(y))
    y, vehicle = y[order], vehicle[order]
    for start in range(0, len(y), 4096):
        part = slice(start, start + 4096)
        scatter = PHOTO * rng.normal(size=(len(y[part]), LATENT)).astype(np.float32)
        latent = place.places[y[part]] + cars[vehicle[part]] + scatter
        noise = NOISE * rng.normal(size=(len(latent), x.shape[1])).astype(np.float32)
        x[part] = np.maximum(place.common + latent @ place.mix + noise, 0)
    return x, y


def as_examples(x: Floats, y: Ints) -> Examples:
    """Return photos as a split of a snapshot; for the sake of the count every photo is a vehicle of its own."""
    names = [str(number) for number in range(len(y))]
    return Examples(x, y, np.array(names), names)
