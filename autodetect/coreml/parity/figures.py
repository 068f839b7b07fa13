"""The figures of a comparison between Keras and a package, and what they must be."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from autodetect.records import Record

How = Literal["interpreted (Linux)", "native"]
Shares = npt.NDArray[np.floating]

LARGEST_DIFFERENCE = 0.002
"""How far one probability may be apart in float32 arithmetic, at most: sums are added up in another order only."""
LEAST_ALLOWED = 1e-4
"""What is allowed in any case; the order of additions was seen to move a probability by 2e-6."""
LEAST_AGREEMENT = 0.995
_SMALLEST_SHARE = np.finfo(np.float32).tiny  # a probability that underflowed to 0 is at most this


class Parity(Record):
    """What came of holding a package against the Keras model that it was made from.

    Attributes:
        how: what answered for the package: the interpreter, or Core ML itself on a Mac.
        photos: photos that both were asked about.
        largest_difference: of one probability (0..1), between Keras carrying the package's weights and the package.
        kl_mean: mean over the photos of KL(Keras || package), nats.
        kl_max: the largest of them.
        numeric_error: the largest change of a probability when the result of every operation is rounded to the type
            that the package declares, measured on `rounded_photos`: what a phone's arithmetic may do.
        rounded_photos: photos that were also answered with that rounding.
        rounded_agreement: share (0..1) of the decided among them whose first answer, with rounding, is Keras's.
        decided: photos of which Keras's first answer leads its second by more than `numeric_error`.
        agreement: share (0..1) of the decided with the same first answer; 1 where none is decided.
        worst_weight: the layer whose weights are farthest from what they stand for, in terms of their format.
        worst_weight_error: how far: 1 is all that the format allows.
        passed: whether the package may be released.
        words: a sentence for a person: what was compared and what came out, or why it failed.
    """

    how: How
    photos: int
    largest_difference: float
    kl_mean: float
    kl_max: float
    numeric_error: float
    rounded_photos: int
    rounded_agreement: float
    decided: int
    agreement: float
    worst_weight: str
    worst_weight_error: float
    passed: bool
    words: str


@dataclass(frozen=True)
class Figures:
    """The measured part of `Parity`; its attributes are explained there."""

    photos: int
    largest_difference: float
    kl_mean: float
    kl_max: float
    numeric_error: float
    rounded_photos: int
    rounded_agreement: float
    decided: int
    agreement: float

    def faults(self, allowed_difference: float = LARGEST_DIFFERENCE) -> list[str]:
        """Return what is too large or too small, in words; nothing where all is well."""
        found = []
        if not self.largest_difference <= allowed_difference:
            found.append(
                f"a probability differs by {self.largest_difference:.4f} from Keras carrying the same weights, "
                f"more than {allowed_difference:.4f}"
            )
        if self.agreement < LEAST_AGREEMENT:
            found.append(
                f"the first answer is the same for {self.agreement:.2%} of {self.decided} decided photos, "
                f"fewer than {LEAST_AGREEMENT:.1%}"
            )
        return found


NOTHING_MEASURED = Figures(
    photos=0,
    largest_difference=0.0,
    kl_mean=0.0,
    kl_max=0.0,
    numeric_error=0.0,
    rounded_photos=0,
    rounded_agreement=0.0,
    decided=0,
    agreement=0.0,
)


def compare(keras: Shares, package: Shares, unrounded: Shares, rounded: Shares, *, moving: int = 1) -> Figures:
    """Return the figures of finite answers to the same photos, columns in the same order.

    Args:
        keras: Keras carrying the package's weights: (n, classes), rows sum to 1.
        package: the package: (n, classes).
        unrounded: the package in float32 arithmetic, for the first m of the photos: (m, classes).
        rounded: the package with every result rounded as it declares, for the same: (m, classes).
        moving: by how many numeric errors a first answer must lead the second to be decided.
    """
    numeric_error = _worst(np.abs(unrounded - rounded))
    divergence = kl(keras, package)
    sure = margins(keras) > moving * numeric_error
    same = keras.argmax(axis=1) == package.argmax(axis=1)
    same_rounded = keras[: len(rounded)].argmax(axis=1) == rounded.argmax(axis=1)
    return Figures(
        photos=len(keras),
        largest_difference=_worst(np.abs(keras - package)),
        kl_mean=float(divergence.mean()) if len(divergence) else 0.0,
        kl_max=_worst(divergence),
        numeric_error=numeric_error,
        rounded_photos=len(rounded),
        rounded_agreement=_share(same_rounded[sure[: len(rounded)]]),
        decided=int(sure.sum()),
        agreement=_share(same[sure]),
    )


def kl(first: Shares, second: Shares) -> npt.NDArray[np.float64]:
    """Return KL(first || second) of each row in nats: (n, classes) twice -> (n,)."""
    p, q = (np.maximum(shares.astype(np.float64), _SMALLEST_SHARE) for shares in (first, second))
    p, q = p / p.sum(axis=1, keepdims=True), q / q.sum(axis=1, keepdims=True)
    return np.maximum((p * np.log(p / q)).sum(axis=1), 0.0)


def margins(shares: Shares) -> npt.NDArray[np.float64]:
    """Return by how much the largest share of each row leads the next: (n, classes) -> (n,); one class leads by 1."""
    if shares.shape[1] < 2:
        return np.ones(len(shares))
    top = np.partition(shares.astype(np.float64), -2, axis=1)[:, -2:]
    return top[:, 1] - top[:, 0]


def _worst(values: Shares) -> float:
    return float(values.max(initial=0.0))


def _share(same: npt.NDArray[np.bool_]) -> float:
    return float(same.mean()) if len(same) else 1.0
