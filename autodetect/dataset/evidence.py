"""Evidence that two listings show one car, from the raw tables: VINs and shared pictures, whatever grouping made."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow as pa

from autodetect.dataset.candidates import LISTING, among
from autodetect.records import Refusal

TIE = re.compile(r"(?:vin|copy|relist|origin|title):.+")
PAIR = re.compile(r"(?:relist|origin|title):(.+?)/(.+)=(.+?)/(.+)")
# Rules by which curation says that a tie means nothing: a logo or stock photo, a placeholder of a VIN ...
MEANINGLESS = ("copy.stock_photo", "vin.placeholder")
# ... or that it may mean something and was cut all the same.
SUSPICIOUS = "vehicle.suspicious_tie"
DOUBTED = ("vin.shared", SUSPICIOUS)


@dataclass(frozen=True)
class Evidence:
    """What the raw tables say of listings.

    Args:
        shown: which listing shows which sound photo (`candidates.shown_photos`).
        members: source, item_id, vehicle_id, split, burned.
        vins: source, item_id, vin; listings that name one.
        cut: ties that do not make two listings one car -> the rule that said so; by name: `vin:<vin>`,
            `copy:<copy group>`, or of two listings, `relist:<source>/<item id>=<source>/<item id>`.
    """

    shown: pd.DataFrame
    members: pd.DataFrame
    vins: pd.DataFrame
    cut: Mapping[str, str] = field(default_factory=dict)

    def ties(self, listings: pd.DataFrame) -> pd.DataFrame:
        """Return `listings` (source, item_id, ...) once for every tie that each of them has: `tie` is the name."""
        columns = [*LISTING, "tie"]
        vins = self.vins.assign(tie="vin:" + self.vins["vin"])[columns]
        copies = self.shown.assign(tie="copy:" + self.shown["copy_group"])[columns].drop_duplicates()
        pairs = ((found, name) for name in self.cut if (found := PAIR.fullmatch(name)))
        ends = [(*end, name) for found, name in pairs for end in (found.group(1, 2), found.group(3, 4))]
        linked = pd.DataFrame(ends, columns=columns, dtype="str")
        return listings.merge(pd.concat([vins, copies, linked], ignore_index=True), on=LISTING)

    def standing(self, chosen: pd.DataFrame) -> pd.DataFrame:
        """Return which listing stands in which split: those that show a chosen photo, and those of its vehicle.

        Args:
            chosen: sha256 (a copy group), vehicle_id, split.

        Returns:
            Columns source, item_id, split, vehicle_id; each once.
        """
        places = chosen[["sha256", "split", "vehicle_id"]]
        by_photo = self.shown.rename(columns={"sha256": "photo"}).merge(places, left_on="copy_group", right_on="sha256")
        by_vehicle = self.members[[*LISTING, "vehicle_id"]].merge(
            places[["split", "vehicle_id"]].drop_duplicates(), on="vehicle_id"
        )
        columns = [*LISTING, "split", "vehicle_id"]
        return pd.concat([by_photo[columns], by_vehicle[columns]], ignore_index=True).drop_duplicates()


def read_evidence(
    shown: pd.DataFrame, listings: pa.Table, vehicles: pa.Table, *, cut: Mapping[str, str] | None = None
) -> Evidence:
    """Return the evidence of `listings` (source, item_id, vin) and `vehicles` (source, item_id, vehicle_id, burned)."""
    vins = listings.select([*LISTING, "vin"]).to_pandas()
    members = vehicles.select([*LISTING, "vehicle_id", "split", "burned"]).to_pandas()
    return Evidence(shown, members, vins[vins["vin"].fillna("") != ""], cut or {})


def cut_ties(
    refused: Iterable[Mapping[str, Any]], remembered: Iterable[str], copy_groups: Mapping[str, str]
) -> dict[str, str]:
    """Return the ties that curation said mean nothing or cut, by name, with the rule.

    Args:
        refused: rows of `quarantine` (key, rule) about vehicles; a key that names a tie is one.
        remembered: the `cut_ties` of `vehicles`: one that `refused` does not hold was cut as suspicious.
        copy_groups: sha256 -> copy group as of tonight: `copy:<sha256>` is what the picture's group is called now.
    """
    cut: dict[str, str] = {}
    rules = [*((row["key"], row["rule"]) for row in refused), *((name, "") for name in remembered)]
    for name, rule in rules:
        if TIE.fullmatch(name):
            sha256 = name.removeprefix("copy:")
            known = name if sha256 == name else f"copy:{copy_groups.get(sha256, sha256)}"
            if cut.get(known) not in MEANINGLESS:
                cut[known] = rule or cut.get(known, SUSPICIOUS)
    return cut


def without_doubted(found: pd.DataFrame, evidence: Evidence) -> tuple[pd.DataFrame, list[Refusal]]:
    """Leave out of evaluation what a tie that was cut may make one car with a vehicle of another split.

    A tie is cut so that no two cars become one; they may still be one. Training can bear that, a test cannot.

    Returns:
        The candidates that remain, and a refusal for each vehicle that is left out.
    """
    doubted = [name for name, rule in evidence.cut.items() if rule in DOUBTED]
    if not doubted:
        return found, []
    ties = evidence.ties(evidence.standing(found))
    ties = ties.loc[among(ties["tie"], doubted), ["tie", "split", "vehicle_id"]].drop_duplicates()
    apart = ties.groupby("tie")["split"].transform("nunique") > 1
    lost = ties[apart & (ties["split"] != "train")].sort_values(["vehicle_id", "tie"]).drop_duplicates("vehicle_id")
    refusals = [
        Refusal(table="vehicles", key=vehicle_id, rule="vehicle.in_doubt", value=f"{tie} is in another split, too")
        for tie, vehicle_id in lost[["tie", "vehicle_id"]].itertuples(index=False)
    ]
    kept = ~(among(found["vehicle_id"], lost["vehicle_id"]) & (found["split"] != "train"))
    return found[kept].reset_index(drop=True), refusals
