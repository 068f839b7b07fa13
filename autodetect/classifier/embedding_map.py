"""A map of the test vehicles: those whose photos look alike to the backbone lie close together (t-SNE).

It shows what no figure does: which makes the backbone tells apart before any head is trained, and which classes lie in
one heap. Distances between heaps, and their sizes, mean nothing.
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from autodetect.classifier.pooling import Floats, pooled
from autodetect.records import Record

MOST_VEHICLES = 1_500
FEWEST_VEHICLES = 12
PERPLEXITY = 30.0
_COMPONENTS = 50
_DIGITS = 3
_ALIKE = 1e-6  # a spread that is rounding: t-SNE divides by it


class EmbeddingMap(Record):
    """Vehicles on a plane: `x`, `y` and `classes` hold one value each per vehicle; axes have no unit.

    `classes[i]` is a place in `labels` and `groups`: what the class is called, and what gives its points their colour
    (its make, or its group of lookalikes). `vehicles` were there; the map shows `len(x)` of them.
    """

    seed: int
    vehicles: int
    labels: tuple[str, ...]
    groups: tuple[str, ...]
    classes: tuple[int, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]


def embedding_map(
    x: Floats,
    class_ids: Sequence[int] | npt.NDArray[np.integer],
    vehicle_ids: npt.ArrayLike,
    *,
    labels: Mapping[int, str],
    groups: Mapping[int, str],
    seed: int,
) -> EmbeddingMap | None:
    """Lay out the mean embeddings of vehicles; None for fewer than a dozen of them, or where all are alike.

    The same arguments give the same map on one machine: one thread, so that sums keep their order (and many times
    faster than with more threads than cores).

    Args:
        x: embeddings of photos, float (n, d).
        class_ids: the class of each photo, integer (n,).
        vehicle_ids: the vehicle each photo shows, text (n,).
        labels: class id -> what it is called.
        groups: class id -> make or group of lookalikes; a class without one is its own.
        seed: of the layout.
    """
    from sklearn.decomposition import PCA  # type: ignore[import-untyped]
    from sklearn.manifold import TSNE  # type: ignore[import-untyped]
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    ids, first, member = np.unique(np.asarray(vehicle_ids, str), return_index=True, return_inverse=True)
    if len(ids) < FEWEST_VEHICLES:
        return None
    kept = _lowest(ids.tolist(), MOST_VEHICLES)
    means = pooled(x, member, len(ids))[kept]
    if not float(means.std(axis=0).max()) > _ALIKE:
        return None
    parts = min(_COMPONENTS, len(kept) - 1, means.shape[1])
    # As many neighbours as a third of the vehicles at most, or t-SNE has nothing to tell near from far.
    perplexity = min(PERPLEXITY, (len(kept) - 1) / 3)
    with threadpool_limits(limits=1):
        reduced = PCA(parts, svd_solver="randomized", random_state=seed).fit_transform(means.astype(np.float32))
        places = TSNE(2, init="pca", perplexity=perplexity, random_state=seed).fit_transform(reduced)
    shown = np.asarray(class_ids)[first][kept].tolist()
    classes = sorted(set(shown))
    position = {class_id: place for place, class_id in enumerate(classes)}
    return EmbeddingMap(
        seed=seed,
        vehicles=len(ids),
        labels=tuple(labels[class_id] for class_id in classes),
        groups=tuple(groups.get(class_id) or labels[class_id] for class_id in classes),
        classes=tuple(position[class_id] for class_id in shown),
        x=tuple(round(float(value), _DIGITS) for value in places[:, 0]),
        y=tuple(round(float(value), _DIGITS) for value in places[:, 1]),
    )


def _lowest(ids: Sequence[str], most: int) -> list[int]:
    """Return the places of the ids with the lowest hash: a choice that hardly changes from night to night."""
    order = sorted(range(len(ids)), key=lambda place: hashlib.sha256(ids[place].encode()).digest())
    return sorted(order[:most])
