"""Which photos show no car, by ImageNet's last layer where a release carries it, and what they show instead."""

import numpy as np
from numpy.typing import NDArray

from autodetect.embeddings.imagenet_head import ImageNetHead
from autodetect.photos.screening import NO_CAR, PARTS, is_car, judge

FILE_NAME = "imagenet-head.npy"
WORDS = {
    PARTS["interior"]: "the inside of a car",
    PARTS["engine"]: "an engine",
    PARTS["wheel"]: "a wheel close by",
    PARTS["paper"]: "a paper or a page",
    NO_CAR: "something else",
}


def seen_instead(vectors: NDArray[np.float32], head: ImageNetHead) -> list[str | None]:
    """Say of each embedding what its photo shows, None where a car is seen from outside, however little of it.

    Args:
        vectors: float32 (n, 2048), embeddings of the backbone that the head belongs to.
        head: ImageNet's last layer.
    """
    probabilities, judged = head.probabilities(vectors), judge(vectors, head)
    found: list[str | None] = []
    for car, screened, row in zip(is_car(vectors, head), judged, probabilities, strict=True):
        if car:
            found.append(None)
        elif screened is None:
            likeliest = int(row.argmax())
            found.append(f"nothing that can be told (ImageNet class {likeliest} {row[likeliest]:.2f})")
        else:
            found.append(f"{WORDS[screened.rule]} ({screened.detail})")
    return found
