"""Answers worth showing: which classes are taken for which, and a sample of test photos with their top three."""

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

CONFUSIONS = 10
SAMPLES = 12


def confusions(probabilities: npt.NDArray[Any], labels: npt.NDArray[Any], names: list[str]) -> list[dict[str, Any]]:
    """Return the most frequent wrong answers as (truth, answer, count), most frequent first.

    Args:
        probabilities: float, shape (n, classes).
        labels: the right output of each photo, shape (n,).
        names: one per output.
    """
    answered = probabilities.argmax(axis=1)
    pairs = Counter(zip(labels.tolist(), answered.tolist(), strict=True))
    wrong = sorted(((count, pair) for pair, count in pairs.items() if pair[0] != pair[1]), key=lambda w: (-w[0], w[1]))
    return [
        {"truth": names[truth], "answer": names[answer], "count": count}
        for count, (truth, answer) in wrong[:CONFUSIONS]
    ]


def sample_answers(
    probabilities: npt.NDArray[Any], photos: list[str], labels: npt.NDArray[Any], names: list[str], *, seed: int
) -> list[dict[str, Any]]:
    """Return a seeded sample of photos, each with its truth and its three most probable answers."""
    chosen = np.random.default_rng(seed).permutation(len(photos))[:SAMPLES]
    return [
        {
            "sha256": photos[i],
            "truth": names[labels[i]],
            "answers": [
                {"label": names[j], "probability": round(float(probabilities[i, j]), 6)}
                for j in np.argsort(-probabilities[i], kind="stable")[:3]
            ],
        }
        for i in sorted(chosen.tolist())
    ]
