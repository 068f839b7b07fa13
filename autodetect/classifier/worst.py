"""The classes a person should look at first, with photos that the model got wrong."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from autodetect.classifier.intervals import Share
from autodetect.classifier.pooling import Doubles, Vehicles
from autodetect.records import Record

MOST_CLASSES = 8
MOST_PHOTOS = 4


class WrongPhoto(Record):
    """A photo by its digest, what it was taken for, and how sure the model was (0..1)."""

    sha256: str
    answer: str
    probability: float


class WorstClass(Record):
    """A class with its top-1 by vehicle, what its vehicles are most often taken for, and photos taken for others."""

    name: str
    top1: Share
    taken_for: str
    photos: tuple[WrongPhoto, ...]


def worst_classes(
    vehicles: Vehicles, probabilities: Doubles, photos: Sequence[str], names: Sequence[str]
) -> tuple[WorstClass, ...]:
    """Return the classes that are most surely bad, worst first: by the upper end of the interval of their top-1.

    By the share alone, classes with one or two vehicles would fill the list, by chance.

    Args:
        vehicles: answers by vehicle; classes without a mistake are left out.
        probabilities: answers by photo, float64 (n, classes), rows summing to 1.
        photos: digest of each photo, (n,); none: classes are listed without photos.
        names: one per output.
    """
    answered = vehicles.log_probs.argmax(axis=1)
    wrong = answered != vehicles.truth
    scored = [(Share.of(~wrong[vehicles.truth == label]), label) for label in np.unique(vehicles.truth[wrong]).tolist()]
    scored.sort(key=lambda each: (each[0].high, each[1]))
    found = []
    for top1, label in scored[:MOST_CLASSES]:
        taken = Counter(answered[wrong & (vehicles.truth == label)].tolist())
        most = min(taken, key=lambda output: (-taken[output], output))
        shown = _surest(vehicles, label, probabilities, photos, names) if photos else ()
        found.append(WorstClass(name=names[label], top1=top1, taken_for=names[most], photos=shown))
    return tuple(found)


def _surest(
    vehicles: Vehicles, label: int, probabilities: Doubles, photos: Sequence[str], names: Sequence[str]
) -> tuple[WrongPhoto, ...]:
    """Return the surest wrong photos of a class, one per vehicle."""
    mine = np.flatnonzero(vehicles.truth[vehicles.member] == label)
    shown = [photos[place] for place in mine.tolist()]
    answer, sure = probabilities[mine].argmax(axis=1), probabilities[mine].max(axis=1)
    order = sorted(np.flatnonzero(answer != label).tolist(), key=lambda i: (-sure[i], shown[i]))
    by_vehicle: dict[int, int] = {}
    for i in order:
        by_vehicle.setdefault(int(vehicles.member[mine[i]]), i)
    return tuple(
        WrongPhoto(sha256=shown[i], answer=names[answer[i]], probability=round(float(sure[i]), 6))
        for i in list(by_vehicle.values())[:MOST_PHOTOS]
    )
