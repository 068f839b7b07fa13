"""The leak check: no photo, vehicle, listing, VIN or copied picture stands in two splits of a snapshot.

It looks at the raw tables and believes no group: what grouping should have tied is found by what tied it. It also
says what a split by photo would have leaked.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autodetect.dataset.candidates import LISTING, among
from autodetect.dataset.evidence import Evidence
from autodetect.errors import HeldError
from autodetect.records import Record

log = logging.getLogger(__name__)
WORST = 5  # leaks that the error names
MOST_LOGGED = 50
EVALUATED_SHARES = (0.7, 0.85)  # below the first: train; below the second: validation; else test


@dataclass(frozen=True)
class Leak:
    """Something that stands in several splits: what (`vin 1FA...`), how many photos it concerns, and where it is."""

    what: str
    photos: int
    where: str

    def __str__(self) -> str:
        return f"{self.what} ({self.where})"


class PhotoSplit(Record):
    """What a split by photo would have done to the same photos, copies included.

    Of `test_photos`, `seen` show a car of the training set: its vehicle, its VIN, or a copy of the very picture (one
    photo may count under several).
    """

    test_photos: int
    seen: int
    by_vehicle: int
    by_vin: int
    by_copy: int

    @property
    def share(self) -> float:
        """Return the share of test photos that show a car of the training set."""
        return self.seen / self.test_photos if self.test_photos else 0.0


def check_leaks(chosen: pd.DataFrame, evidence: Evidence | None = None) -> None:
    """Raise when anything stands in more than one split.

    Args:
        chosen: sha256 (a copy group), vehicle_id, split: what would be the snapshot.
        evidence: the raw tables; without them only photos and vehicles are compared.

    Raises:
        HeldError: there is a leak; the worst (by photos concerned) are named, more are in the log.
    """
    found = find_leaks(chosen, evidence)
    if not found:
        return
    for leak in found[:MOST_LOGGED]:
        log.error("leak: %s, %d photos", leak, leak.photos)
    raise HeldError(
        f"{len(found)} vehicles, photos, listings, VINs or pictures stand in more than one split: "
        + "; ".join(map(str, found[:WORST])),
        "this is a defect of vehicle grouping: evaluation would praise the model for remembering. "
        "The tables of the night before are untouched",
    )


def find_leaks(chosen: pd.DataFrame, evidence: Evidence | None = None) -> list[Leak]:
    """Return what stands in more than one split, the worst (most photos) first."""
    leaks = list(_leaks(chosen, evidence))
    return sorted(leaks, key=lambda leak: (-leak.photos, leak.what))


def split_by_photo(chosen: pd.DataFrame, evidence: Evidence, *, seed: int) -> PhotoSplit:
    """Return what a seeded 70/15/15 split by photo would have leaked.

    Args:
        chosen: the snapshot's sha256 (a copy group), vehicle_id, split.
        evidence: the raw tables.
        seed: of the split.
    """
    shown = evidence.shown[among(evidence.shown["copy_group"], chosen["sha256"])]
    photos = shown[["sha256", "copy_group"]].drop_duplicates().sort_values("sha256", ignore_index=True)
    drawn = np.random.default_rng(seed).random(len(photos))
    photos["split"] = np.select([drawn < share for share in EVALUATED_SHARES], ["train", "validation"], "test")
    places = chosen[["sha256", "vehicle_id"]].rename(columns={"sha256": "copy_group"})
    photos = photos.merge(places, on="copy_group")
    standing = evidence.standing(chosen)
    vins = evidence.vins.merge(standing, on=LISTING)[["vehicle_id", "vin"]].drop_duplicates()
    vins = vins[~among("vin:" + vins["vin"], evidence.cut)]
    by_vin = photos[["sha256", "split", "vehicle_id"]].merge(vins, on="vehicle_id")

    test, train = photos[photos["split"] == "test"], photos[photos["split"] == "train"]
    trained_vins = by_vin.loc[by_vin["split"] == "train", "vin"]
    seen_by_vin = by_vin.loc[(by_vin["split"] == "test") & among(by_vin["vin"], trained_vins), "sha256"]
    vehicle = among(test["vehicle_id"], train["vehicle_id"])
    copy = among(test["copy_group"], train["copy_group"])
    vin = among(test["sha256"], seen_by_vin)
    return PhotoSplit(
        test_photos=len(test),
        seen=int((vehicle | copy | vin).sum()),
        by_vehicle=int(vehicle.sum()),
        by_vin=int(vin.sum()),
        by_copy=int(copy.sum()),
    )


def _leaks(chosen: pd.DataFrame, evidence: Evidence | None) -> Iterator[Leak]:
    photos = chosen.groupby("vehicle_id")["sha256"].nunique()
    places = chosen.assign(where=chosen["vehicle_id"])
    yield from _torn("photo", places.assign(name=chosen["sha256"]), photos)
    yield from _torn("vehicle", chosen.assign(name=chosen["vehicle_id"], where=chosen["sha256"]), photos)
    if evidence is None:
        return
    evaluated = chosen[chosen["split"] != "train"]
    burned = evidence.members.loc[evidence.members["burned"].fillna(value=False).astype(bool), "vehicle_id"]
    for vehicle_id, split in (
        evaluated.loc[among(evaluated["vehicle_id"], burned), ["vehicle_id", "split"]]
        .drop_duplicates()
        .itertuples(index=False)
    ):
        yield Leak(f"burned vehicle {vehicle_id}", int(photos[vehicle_id]), f"{split}: it may only train")
    standing = evidence.standing(chosen)
    standing["where"] = standing["source"] + "/" + standing["item_id"]
    yield from _torn("listing", standing.assign(name=standing["where"], where=standing["vehicle_id"]), photos)
    ties = evidence.ties(standing)
    ties = ties[~among(ties["tie"], evidence.cut)]
    yield from _torn("", ties.assign(name=ties["tie"].str.replace(":", " ", n=1)), photos)


def _torn(kind: str, places: pd.DataFrame, photos: pd.Series) -> Iterator[Leak]:
    """Yield the names (columns name, split, vehicle_id, where) that stand in several splits."""
    pairs = places[["name", "split"]].drop_duplicates()
    names = set(pairs.loc[pairs["name"].duplicated(), "name"])
    torn = places[among(places["name"], names)].sort_values(["name", "split", "where"])
    for name, rows in torn.groupby("name", sort=True):
        first = rows.drop_duplicates("split")
        where = ", ".join(f"{split}: {place}" for split, place in zip(first["split"], first["where"], strict=True))
        concerned = int(photos.reindex(rows["vehicle_id"].unique()).sum())
        yield Leak(f"{kind} {name}".strip(), concerned, where)
