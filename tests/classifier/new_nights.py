"""Nights of new labels with a champion that is right as often as asked, and knows how sure it may be.

Cars are points; classes lie in groups of lookalikes; the champion answers with Bayes' posterior, so that its
probabilities are calibrated and its mistakes are mostly lookalikes.
"""

from datetime import date, timedelta
from functools import cache

import numpy as np

from autodetect.classifier.new_labels import Disagreement, NightLabels, disagreement
from autodetect.sections import PoisonSettings

CLASSES, GROUPS, DIMENSION = 40, 10, 12
APART = {0.6: 0.5, 0.75: 0.68, 0.9: 1.0}  # top-1 -> how far lookalikes lie apart
SETTINGS = PoisonSettings()
FIRST = date(2026, 1, 1)
TONIGHT = FIRST + timedelta(days=14)


@cache
def centres(top1: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    groups = rng.normal(size=(GROUPS, DIMENSION))[np.arange(CLASSES) % GROUPS]
    return groups + APART[top1] * rng.normal(size=(CLASSES, DIMENSION))


def cars(rng: np.random.Generator, top1: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what cars are, (count,), and what the champion thinks, (count, CLASSES)."""
    what = rng.integers(0, CLASSES, count)
    seen = centres(top1)[what] + rng.normal(size=(count, DIMENSION))
    scores = seen @ centres(top1).T - (centres(top1) ** 2).sum(axis=1) / 2
    likely = np.exp(scores - scores.max(axis=1, keepdims=True))
    return what, likely / likely.sum(axis=1, keepdims=True)


def mislabelled(rng: np.random.Generator, labels: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return the labels with another class, any other, where asked."""
    return np.where(where, (labels + rng.integers(1, CLASSES, len(labels))) % CLASSES, labels)


def new_night(
    rng: np.random.Generator,
    top1: float,
    *,
    labels: int = 800,
    poison: float = 0.0,
    dealers: int = 0,
    bad: dict[str, tuple[int, float]] | None = None,
) -> Disagreement:
    """Return a night of labels of which the usual 2 to 5 % are wrong.

    Args:
        rng: draws everything.
        top1: of the champion, a key of `APART`.
        labels: how many.
        poison: share of labels that are wrong beyond the usual.
        dealers: so many sellers have four fifths of the labels; the rest is spread over 300 people.
        bad: seller -> (how many labels, share of them that is wrong).
    """
    what, likely = cars(rng, top1, labels)
    said = mislabelled(rng, what, rng.random(labels) < rng.uniform(0.02, 0.05))
    said = mislabelled(rng, said, rng.random(labels) < poison)
    sellers = np.array([f"person-{each}" for each in rng.integers(0, 300, labels)], dtype="<U16")
    if dealers:
        sells = rng.random(labels) < 0.8
        sellers[sells] = [f"dealer-{each}" for each in rng.integers(0, dealers, sells.sum())]
    start = 0
    for seller, (count, share) in (bad or {}).items():
        theirs = slice(start, start + count)
        sellers[theirs] = seller
        said[theirs] = mislabelled(rng, what[theirs], rng.random(count) < share)
        start += count
    return disagreement(
        likely,
        said,
        class_ids=range(CLASSES),
        vehicles=np.arange(labels).astype(str),
        sellers=sellers,
        confidence=SETTINGS.confidence,
        choices=SETTINGS.choices,
    )


def nights_before(rng: np.random.Generator, top1: float, *, nights: int = 14, dealers: int = 0) -> list[NightLabels]:
    return [
        new_night(rng, top1, dealers=dealers).record(
            FIRST + timedelta(days=each), min_seller_labels=SETTINGS.min_seller_labels
        )
        for each in range(nights)
    ]
