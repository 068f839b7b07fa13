"""Tonight's new labels before the judge: which photos are new, who labelled them, and what the champion sees."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

import keras
import numpy as np

from autodetect.classifier.champion import Champion
from autodetect.classifier.head import masked_outputs
from autodetect.classifier.new_labels import SELLER_RULE, NightLabels, disagreement, left_out
from autodetect.classifier.poison import LabelVerdict, judge, kept
from autodetect.classifier.pooling import log_of
from autodetect.classifier.split_arrays import Examples
from autodetect.classifier.temperature import tempered
from autodetect.errors import HeldError
from autodetect.records import Receipt, Refusal
from autodetect.sections import PoisonSettings

HISTORY = "label_history"  # of a train receipt: what the next nights compare with
_STILL_OUT = "left out before; tonight's labels cannot be judged"


@dataclass(frozen=True)
class Watched:
    """The verdict on tonight's labels, the records for the nights to come, and what doubtful sellers labelled."""

    verdict: LabelVerdict
    history: tuple[NightLabels, ...]
    refusals: tuple[Refusal, ...]

    @property
    def vehicles(self) -> frozenset[str]:
        """Return the vehicles that train and test nothing tonight."""
        return frozenset(refusal.key for refusal in self.refusals)

    def let_in(self) -> None:
        """Stop the night where its labels are too doubtful.

        Raises:
            HeldError: they are; the tables stay as they were.
        """
        if self.verdict.state == "held":
            seen = ", ".join(self.verdict.examples[:3])
            raise HeldError(
                f"tonight's labels: {self.verdict.words}",
                f"look at the listings of these vehicles ({seen}); if they are right, let the night in with "
                "poison.accepted = [its date]",
            )


def label_history(before: Receipt | None) -> tuple[NightLabels, ...]:
    """Return the records that the night before handed on."""
    return tuple(NightLabels.model_validate(each) for each in (before.facts.get(HISTORY, ()) if before else ()))


def watch_labels(
    photos: Examples,
    champion: Champion,
    head: keras.Model,
    *,
    sellers: Mapping[str, str],
    history: Collection[NightLabels],
    settings: PoisonSettings,
    night: date,
    names: Mapping[int, str],
    again: Collection[str] = (),
) -> Watched:
    """Judge the labels of photos that no night before had, by what the champion says of them.

    Args:
        photos: tonight's photos that the snapshot before did not have, as the champion's backbone sees them.
        champion: its record.
        head: its head.
        sellers: vehicle -> seller.
        history: the records of earlier nights.
        settings: how far is too far.
        night: tonight.
        names: class id -> what the class is called.
        again: vehicles that the night before left out with their sellers; they stay out until the seller is trusted.
    """
    # Of a class that it never answers, one that came back or is withheld, the champion would doubt every label.
    silent = {champion.class_ids[output] for output in masked_outputs(head)} | set(champion.withheld)
    photos = photos.only(tuple(sorted(set(photos.class_ids.tolist()) - silent)))
    vehicles = photos.vehicles
    answers = (
        head.predict(photos.x, verbose=0) if len(photos.photos) else np.zeros((0, len(champion.class_ids)), np.float32)
    )
    tonight = disagreement(
        np.exp(tempered(log_of(answers), champion.temperatures.vehicle)),
        photos.class_ids,
        class_ids=champion.class_ids,
        vehicles=vehicles,
        sellers=[sellers.get(str(vehicle), "") for vehicle in vehicles],
        confidence=settings.confidence,
        choices=settings.choices,
    )
    verdict = judge(tonight, tuple(history), settings, night=night, names=names, again=frozenset(again))
    refusals = left_out(tonight, verdict.sellers) if verdict.state == "ok" else []
    if verdict.state == "not_judged" and night not in settings.accepted:
        still = sorted(set(again) & set(tonight.vehicles.tolist()))
        refusals = [Refusal(table="vehicles", key=key, rule=SELLER_RULE, value=_STILL_OUT) for key in still]
    return Watched(verdict, kept(tuple(history), verdict, nights=settings.nights), tuple(refusals))
