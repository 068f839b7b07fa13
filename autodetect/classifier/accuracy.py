"""How often the right class is among the first few answers: over all cases, as a mean over classes, and per class."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from autodetect.classifier.intervals import Share, rounded, wilson
from autodetect.classifier.pooling import Floats, Ints
from autodetect.records import Record

Ranks = npt.NDArray[np.int64]
Interval = tuple[float, float]


class Accuracy(Record):
    """Top-1, top-3 and top-5 of one unit (photo or vehicle), shares 0..1.

    `top*` weigh every case alike (micro: cars come as often as they are listed), `macro_top*` every class that has
    cases (macro: every class comes as often as any other).
    """

    top1: Share
    top3: Share
    top5: Share
    macro_top1: float
    macro_top3: float
    macro_top5: float


class ClassScore(Record):
    """One class of the test set: how many photos and vehicles, and the shares answered right.

    Intervals (95 %, Wilson) are those of so many vehicles, by photo too: photos of one car are not independent.
    """

    name: str
    photos: int
    vehicles: int
    top1: float
    top3: float
    vehicle_top1: float
    vehicle_top3: float
    top5: float | None = None
    vehicle_top5: float | None = None
    top1_interval: Interval | None = None
    vehicle_top1_interval: Interval | None = None
    vehicle_top3_interval: Interval | None = None


def ranks(scores: Floats, labels: Ints) -> Ranks:
    """Return how many classes score above the right one (of equals, those with a lower index): 0 is top-1.

    Args:
        scores: float (n, classes).
        labels: the right class, integer (n,).

    Returns:
        Integers, shape (n,).
    """
    right = scores[np.arange(len(labels)), labels][:, None]
    ahead = (scores == right) & (np.arange(scores.shape[1])[None, :] < np.asarray(labels)[:, None])
    return np.asarray(((scores > right) | ahead).sum(axis=1), np.int64)


def accuracy(rank: Ranks, truth: Ints, *, cases: int | None = None) -> Accuracy:
    """Return the accuracy of one unit.

    Args:
        rank: places of the right class, shape (n,), n >= 1; see `ranks`.
        truth: the right class, integer (n,).
        cases: independent cases behind them, when fewer than n (vehicles, for photos).
    """
    macro = {k: rounded(float(_shares(rank, truth, k).mean())) for k in (1, 3, 5)}
    return Accuracy(
        top1=Share.of(rank < 1, cases),
        top3=Share.of(rank < 3, cases),
        top5=Share.of(rank < 5, cases),
        macro_top1=macro[1],
        macro_top3=macro[3],
        macro_top5=macro[5],
    )


def class_scores(
    photo_rank: Ranks, photo_truth: Ints, vehicle_rank: Ranks, vehicle_truth: Ints, names: Sequence[str]
) -> tuple[ClassScore, ...]:
    """Return a score for every class that has cases, in the order of the outputs.

    Args:
        photo_rank: places of the right class by photo, shape (n,).
        photo_truth: the right class by photo, integer (n,).
        vehicle_rank: the same by vehicle, shape (m,).
        vehicle_truth: the right class by vehicle, integer (m,), of the same classes.
        names: one per output.
    """
    classes, photos = np.unique(photo_truth, return_counts=True)
    vehicles = np.unique(vehicle_truth, return_counts=True)[1]
    by_photo = {k: _shares(photo_rank, photo_truth, k) for k in (1, 3, 5)}
    by_vehicle = {k: _shares(vehicle_rank, vehicle_truth, k) for k in (1, 3, 5)}
    return tuple(
        ClassScore(
            name=names[label],
            photos=int(photos[place]),
            vehicles=int(vehicles[place]),
            top1=rounded(by_photo[1][place]),
            top3=rounded(by_photo[3][place]),
            top5=rounded(by_photo[5][place]),
            vehicle_top1=rounded(by_vehicle[1][place]),
            vehicle_top3=rounded(by_vehicle[3][place]),
            vehicle_top5=rounded(by_vehicle[5][place]),
            top1_interval=_interval(by_photo[1][place], vehicles[place]),
            vehicle_top1_interval=_interval(by_vehicle[1][place], vehicles[place]),
            vehicle_top3_interval=_interval(by_vehicle[3][place], vehicles[place]),
        )
        for place, label in enumerate(classes.tolist())
    )


def _shares(rank: Ranks, truth: Ints, k: int) -> npt.NDArray[np.float64]:
    """Return the top-k of every class that has cases, in the order of the outputs."""
    counts = np.bincount(truth)
    present = counts > 0
    return np.bincount(truth, weights=rank < k)[present] / counts[present]


def _interval(share: float, n: int) -> Interval:
    low, high = wilson(float(share), int(n))
    return rounded(low), rounded(high)
