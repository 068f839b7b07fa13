"""Tonight's new labels beside what the champion sees.

The unit is a label: what one seller says of one vehicle. Its photos are one car, wrong together, and count once.

The champion is sure of a vehicle where the few likeliest classes together reach a confidence, and disagrees where the
label is none of them. One class alone would be the plainer rule; but a model that is right six times in ten is hardly
ever that sure, while it well knows that a pickup is not a roadster: up to three classes find the same wrong labels
among a third of the vehicles.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from autodetect.errors import StageFailedError
from autodetect.records import Record, Refusal

SELLER_RULE = "seller.labels_doubtful"
_MOST_SELLERS_KEPT = 200
_TINY = 1e-12
_FEWEST_RULED_OUT = 3  # of so many classes at most one may be among the likeliest: else nothing is ruled out

Texts = npt.NDArray[np.str_]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


class NightLabels(Record):
    """What later nights must know of a night's labels; it names no seller.

    `labels` are new labels of classes that the champion knew, with `photos` photos; of `confident` of them it was sure
    (up to `choices` classes reach `confidence`), of these `disagreeing` are none of its choices. `sellers` holds
    (disagreeing, confident) of the sellers with most labels.
    """

    night: date
    confidence: float
    choices: int
    photos: int
    labels: int
    confident: int
    disagreeing: int
    sellers: tuple[tuple[int, int], ...] = ()


class DoubtfulSeller(Record):
    """A seller whose labels stand out; shares are 0..1, `p_value` is before Holm's correction."""

    seller: str
    labels: int
    confident: int
    disagreeing: int
    rate: float
    p_value: float


@dataclass(frozen=True)
class Disagreement:
    """Tonight's new labels beside the champion's answers; arrays (labels,), ordered by seller and vehicle.

    Attributes:
        confidence: what the likeliest classes must reach together.
        choices: at most so many classes.
        sellers: who labelled; empty where unknown.
        vehicles: what was labelled.
        truth: class ids, as labelled.
        answered: class ids, the champion's first choice.
        probability: float, of the class as labelled.
        confident: the champion is sure.
        disagreeing: it is sure, and the label is none of its choices.
        photos: int, how many photos each label has.
    """

    confidence: float
    choices: int
    sellers: Texts
    vehicles: Texts
    truth: Ints
    answered: Ints
    probability: npt.NDArray[np.float64]
    confident: Flags
    disagreeing: Flags
    photos: Ints

    def of_sellers(self) -> dict[str, tuple[int, int, int]]:
        """Return seller -> (disagreeing, confident, labels), of known sellers."""
        names, member = np.unique(self.sellers, return_inverse=True)
        columns = [np.bincount(member, weights, len(names)) for weights in (self.disagreeing, self.confident)]
        rows = zip(names.tolist(), *columns, np.bincount(member, minlength=len(names)), strict=True)
        return {str(name): (int(wrong), int(sure), int(count)) for name, wrong, sure, count in rows if name}

    def without(self, sellers: frozenset[str], vehicles: frozenset[str] = frozenset()) -> "Disagreement":
        """Return the labels of all other sellers and vehicles."""
        kept = ~(np.isin(self.sellers, sorted(sellers)) | np.isin(self.vehicles, sorted(vehicles)))
        arrays: dict[str, Any] = {
            name: column[kept] for name, column in vars(self).items() if isinstance(column, np.ndarray)
        }
        return replace(self, **arrays)

    def record(self, night: date, *, min_seller_labels: int) -> NightLabels:
        """Return the counts that later nights compare with."""
        large = [(wrong, sure) for wrong, sure, _ in self.of_sellers().values() if sure >= min_seller_labels]
        return NightLabels(
            night=night,
            confidence=self.confidence,
            choices=self.choices,
            photos=int(self.photos.sum()),
            labels=len(self.truth),
            confident=int(self.confident.sum()),
            disagreeing=int(self.disagreeing.sum()),
            sellers=tuple(sorted(large, key=lambda pair: (-pair[1], -pair[0]))[:_MOST_SELLERS_KEPT]),
        )


def disagreement(
    probabilities: npt.NDArray[np.floating],
    truth: npt.ArrayLike,
    *,
    class_ids: Sequence[int],
    vehicles: npt.ArrayLike,
    sellers: npt.ArrayLike,
    confidence: float,
    choices: int,
) -> Disagreement:
    """Return what the champion says of tonight's new labels.

    Args:
        probabilities: float (n, classes), the champion's calibrated answers on the new photos, rows summing to 1.
        truth: class ids, integer (n,); photos of classes that the champion does not know are left out.
        class_ids: the class id of each output.
        vehicles: the vehicle that each photo shows, text (n,).
        sellers: who offers it, text (n,); empty where unknown.
        confidence: a label's photos are answered by their mean log-probability; its likeliest classes must reach this.
        choices: by at most so many classes, and no more than a third of all.

    Raises:
        StageFailedError: answers that are no probabilities, or one seller's photos of a vehicle under two classes.
    """
    ids, labels = np.asarray(class_ids, np.int64), np.asarray(truth, np.int64)
    known = np.isin(labels, ids)
    answers = np.asarray(probabilities, np.float64).reshape(len(labels), len(ids))[known]
    if not (np.isfinite(answers).all() and (answers >= 0).all()):
        raise StageFailedError(
            "the champion's answers on tonight's photos are no probabilities",
            "its file or the embeddings are damaged: run `autodetect lake check`",
        )
    offers = np.stack([np.asarray(sellers, str)[known], np.asarray(vehicles, str)[known]], axis=1)
    offered, first, member = np.unique(offers, axis=0, return_index=True, return_inverse=True)
    member, labels = member.reshape(-1), labels[known]
    mixed = labels != labels[first][member] if len(labels) else np.zeros(0, bool)
    if mixed.any():
        raise StageFailedError(
            f"photos of {len(np.unique(member[mixed]))} new vehicles are under more than one class each, first "
            f"{offered[member[mixed][0]][1]}",
            "resolve the vehicles that the leak check of the dataset names, then train again",
        )
    photos = np.bincount(member, minlength=len(offered))
    pooled = np.zeros((len(offered), len(ids)))
    np.add.at(pooled, member, np.log(np.maximum(answers, _TINY)))
    pooled = np.exp(pooled / photos[:, None]) if len(photos) else pooled
    pooled /= pooled.sum(axis=1, keepdims=True)
    most = min(choices, max(1, len(ids) // _FEWEST_RULED_OUT))
    order = np.argsort(-pooled, axis=1, kind="stable")[:, :most]
    reached = np.take_along_axis(pooled, order, axis=1).cumsum(axis=1)
    before = np.concatenate([np.zeros((len(pooled), 1)), reached[:, :-1]], axis=1)
    labels = labels[first]
    possible = ((before < confidence) & (ids[order] == labels[:, None])).any(axis=1)
    confident = reached[:, -1] >= confidence
    return Disagreement(
        confidence=confidence,
        choices=choices,
        sellers=offered[:, 0],
        vehicles=offered[:, 1],
        truth=labels,
        answered=ids[order[:, 0]],
        probability=(pooled * (ids == labels[:, None])).sum(axis=1),
        confident=confident,
        disagreeing=confident & ~possible,
        photos=photos,
    )


def left_out(tonight: Disagreement, doubtful: Sequence[DoubtfulSeller]) -> list[Refusal]:
    """Return a refusal for each vehicle that a doubtful seller labelled, by vehicle."""
    told = {each.seller: f"the champion doubts {each.disagreeing} of {each.confident} labels" for each in doubtful}
    offers = zip(tonight.vehicles.tolist(), tonight.sellers.tolist(), strict=True)
    return [
        Refusal(table="vehicles", key=vehicle, rule=SELLER_RULE, value=f"seller {seller}: {told[seller]}")
        for vehicle, seller in sorted(offers)
        if seller in told
    ]
