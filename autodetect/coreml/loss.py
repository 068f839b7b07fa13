"""What a package costs in accuracy beside the champion under Keras, on the same photos: paired, by vehicle."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from autodetect.classifier.gate.answers import Answers, pair
from autodetect.classifier.gate.formulas import paired_difference
from autodetect.classifier.pooling import by_vehicle, log_of
from autodetect.records import Record

Z975 = 1.9599640  # of the normal distribution: both tails together are 5 %
_DIGITS = 6


class PairedLoss(Record):
    """The share of test vehicles that the champion names right and the package does not, less the other way round.

    `low` and `high` are the ends of its 95 % interval; all three are shares, below 0 where the package is better.
    """

    photos: int
    vehicles: int
    loss: float
    low: float
    high: float

    @property
    def words(self) -> str:
        """Return the loss in words, such as '0.4 points lost (95 %: -0.3 to 1.1) on 512 test vehicles'."""
        loss, low, high = (100 * share for share in (self.loss, self.low, self.high))
        return f"{loss:.1f} points lost (95 %: {low:.1f} to {high:.1f}) on {self.vehicles} test vehicles"


def paired_loss(
    champion: npt.NDArray[np.floating],
    package: npt.NDArray[np.floating],
    *,
    class_ids: Sequence[int],
    truth: npt.NDArray[np.integer],
    vehicles: npt.ArrayLike,
) -> PairedLoss | None:
    """Return what answering by the package costs; None without photos.

    A vehicle is answered by the mean log-probability over its photos.

    Args:
        champion: answers under Keras, float (n, classes), rows summing to 1.
        package: the package's answers to the same photos.
        class_ids: the class of each output.
        truth: class id of each photo (n,), one of `class_ids`.
        vehicles: the vehicle each photo shows, text (n,).

    Raises:
        StageFailedError: answers that are not finite, or photos of one vehicle under two classes.
    """
    if len(truth) == 0:
        return None
    theirs, ours = (_answers(each, class_ids, truth, vehicles) for each in (champion, package))
    pairs = pair(ours, theirs)
    n, gained, lost = len(pairs.vehicles), int(pairs.gained.sum()), int(pairs.lost.sum())
    centre, error = paired_difference(gained, lost, n)
    return PairedLoss(
        photos=len(truth),
        vehicles=n,
        loss=round((lost - gained) / n, _DIGITS),
        low=round(-centre - Z975 * error, _DIGITS),
        high=round(-centre + Z975 * error, _DIGITS),
    )


def _answers(
    probabilities: npt.NDArray[np.floating],
    class_ids: Sequence[int],
    truth: npt.NDArray[np.integer],
    vehicles: npt.ArrayLike,
) -> Answers:
    pooled = by_vehicle(log_of(probabilities), truth, vehicles)
    ids, outputs = pooled.ids.tolist(), pooled.log_probs.argmax(axis=1)
    return Answers(
        class_ids=frozenset(class_ids),
        truth=dict(zip(ids, pooled.truth.tolist(), strict=True)),
        answered={vehicle: class_ids[output] for vehicle, output in zip(ids, outputs.tolist(), strict=True)},
    )
