"""Caps: how many photos of one vehicle, and how many training photos of one class, a snapshot holds.

A photo's sha256 and a vehicle's id are hashes already: their order is random and the same on every night.
"""

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from autodetect.dataset.candidates import among


@dataclass(frozen=True)
class Capped:
    """What the caps left (`frame`), and the photos (sha256) that each of them left out."""

    frame: pd.DataFrame
    over_vehicle: tuple[str, ...]
    over_class: tuple[str, ...]

    @property
    def rules(self) -> dict[str, str]:
        """Return which cap left out each photo."""
        over_vehicle = dict.fromkeys(self.over_vehicle, "cap.photos_per_vehicle")
        return over_vehicle | dict.fromkeys(self.over_class, "cap.photos_per_class")


def capped(
    found: pd.DataFrame, chosen_before: Collection[str], *, photos_per_vehicle: int, photos_per_class: int
) -> Capped:
    """Keep at most so many photos a vehicle, and of those at most so many training photos a class.

    A class keeps many vehicles rather than many photos of few: the first photo of each vehicle comes before the second
    of any. Validation and test know no cap by class: more vehicles make a better measurement, and cost little.

    Args:
        found: candidates (`candidates.COLUMNS`).
        chosen_before: copy groups of the last snapshot: they come first, so that a photo stays once it is chosen.
        photos_per_vehicle: in whatever split.
        photos_per_class: of training.
    """
    ordered = found.assign(new=~among(found["sha256"], chosen_before))
    ordered = ordered.sort_values(["vehicle_id", "new", "sha256"])
    ordered["turn"] = ordered.groupby("vehicle_id").cumcount()
    fits = ordered["turn"] < photos_per_vehicle
    kept = ordered[fits].sort_values(["make_model_id", "new", "turn", "vehicle_id", "sha256"])
    place = kept.groupby(["make_model_id", "split"]).cumcount()
    over = (kept["split"] == "train") & (place >= photos_per_class)
    frame = kept.loc[~over, list(found.columns)].sort_values("sha256", ignore_index=True)
    return Capped(frame, _names(ordered[~fits]), _names(kept[over]))


def _names(frame: pd.DataFrame) -> tuple[str, ...]:
    return tuple(sorted(frame["sha256"].tolist()))
