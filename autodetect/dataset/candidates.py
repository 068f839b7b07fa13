"""Candidates: the photos that could be in a snapshot, each once however many copies of it are shown."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.records import Record, Refusal

LISTING = ["source", "item_id"]
COLUMNS = ["sha256", "make_model_id", "vehicle_id", "split"]
MOST_SHOWN = 6  # listings that a conflict names; a logo may stand under hundreds


@dataclass(frozen=True)
class Candidates:
    """What could be in a snapshot.

    Args:
        frame: columns `COLUMNS`, text; one row a copy group (`sha256` is the group's name), by sha256.
        conflicts: what is shown as several models and therefore is no candidate.
        refusals: one for each conflict and for each picture that vehicles of different splits share.
    """

    frame: pd.DataFrame
    conflicts: tuple["Conflict", ...]
    refusals: tuple[Refusal, ...]


class ShownAs(Record):
    """A listing (`<source>/<item id>`), the model that it names, and a photo (sha256) by which it takes part."""

    make_model_id: str
    listing: str
    photo: str


class Conflict(Record):
    """A photo (`key` is its copy group) or vehicle that is shown as several models: one listing a model.

    `more` counts further models that are not among `shown`.
    """

    rule: str
    key: str
    shown: tuple[ShownAs, ...]
    more: int = 0

    @property
    def refusal(self) -> Refusal:
        """Return what goes to the quarantine: models, listings and photos in one line."""
        words = "; ".join(f"{each.make_model_id} in {each.listing}, photo {each.photo}" for each in self.shown)
        value = f"{words}; and {self.more} more models" if self.more else words
        table = "photos" if self.rule.startswith("photo.") else "vehicles"
        return Refusal(table=table, key=self.key, rule=self.rule, value=value)


def shown_photos(photos: pa.Table, listing_photos: pa.Table) -> pd.DataFrame:
    """Return which listing shows which sound photo: sha256, copy_group, source, item_id; each once.

    Args:
        photos: `photos` (sha256, verdict, copy_group).
        listing_photos: `listing_photos` (source, item_id, sha256).
    """
    known = photos.select(["sha256", "verdict", "copy_group"]).to_pandas()
    sound = known.loc[(known["verdict"] == "ok") & known["copy_group"].notna(), ["sha256", "copy_group"]]
    shown = listing_photos.select(["sha256", *LISTING]).to_pandas().drop_duplicates()
    return shown.merge(sound, on="sha256")[["sha256", "copy_group", *LISTING]]


def candidates(shown: pd.DataFrame, listings: pa.Table, vehicles: pa.Table) -> Candidates:
    """Return one photo per copy group with its make and model, vehicle and split.

    Args:
        shown: what `shown_photos` returned.
        listings: `listings` (source, item_id, make_model_id).
        vehicles: `vehicles` (source, item_id, vehicle_id, split).

    Returns:
        The candidates. Copy groups and vehicles that are shown as different models train neither, and a picture that
        vehicles of different splits share (they were left apart though they share it) is nobody's.
    """
    members = vehicles.select([*LISTING, "vehicle_id", "split"]).to_pandas()
    models = listings.select([*LISTING, "make_model_id"]).to_pandas()
    placed = shown.merge(members, on=LISTING).merge(models, on=LISTING, how="left")
    placed = placed.sort_values(["copy_group", *LISTING, "sha256"], ignore_index=True)
    named = placed[placed["make_model_id"].notna()]

    disputed = _several(named, "copy_group", "make_model_id")
    conflicts = list(_conflicts("photo.models_conflict", "copy_group", named, disputed))
    shared = _several(placed, "copy_group", "split") - disputed
    refusals = [
        Refusal(table="photos", key=group, rule="photo.shared_across_splits", value=_vehicles_of(rows))
        for group, rows in placed[among(placed["copy_group"], shared)].groupby("copy_group", sort=True)
    ]
    # The first listing that shows a picture decides which vehicle it is of, whether or not it names a model.
    first = placed.drop_duplicates("copy_group")[["copy_group", "vehicle_id", "split"]]
    model = named.drop_duplicates("copy_group")[["copy_group", "make_model_id"]]
    found = first.merge(model, on="copy_group").rename(columns={"copy_group": "sha256"})
    found = found[~among(found["sha256"], disputed | shared)]

    torn = _several(found, "vehicle_id", "make_model_id")
    parts = found.loc[among(found["vehicle_id"], torn), ["sha256", "vehicle_id"]].rename(
        columns={"sha256": "copy_group"}
    )
    seen = named.drop(columns="vehicle_id").merge(parts, on="copy_group")
    conflicts += _conflicts("vehicle.models_conflict", "vehicle_id", seen, torn)
    refusals += [conflict.refusal for conflict in conflicts]
    frame = found[~among(found["vehicle_id"], torn)].sort_values("sha256", ignore_index=True)[COLUMNS]
    return Candidates(frame, tuple(conflicts), tuple(refusals))


def without_trained(
    found: pd.DataFrame, trained: pa.Table, copy_groups: Mapping[str, str]
) -> tuple[pd.DataFrame, list[Refusal]]:
    """Leave out what would be evaluated although a model was trained on it.

    Splits never change, but ties can be lost: a seller who replaces a photo, whose old one then shows up elsewhere.

    Args:
        found: the candidates.
        trained: the train rows of all past `snapshots` (sha256, vehicle_id).
        copy_groups: sha256 -> copy group as of tonight.

    Returns:
        The candidates that remain, and a refusal for each that does not.
    """
    vehicles = trained["vehicle_id"].unique().to_pylist()
    photos = {copy_groups.get(sha256) or sha256 for sha256 in trained["sha256"].unique().to_pylist()}
    known = among(found["sha256"], photos)
    # Who shows a photo that was trained on is a car that was trained on, whatever it is called tonight.
    vehicles += found.loc[known, "vehicle_id"].tolist()
    lost = (found["split"] != "train") & (known | among(found["vehicle_id"], vehicles))
    rows = found.loc[lost, ["sha256", "split"]].itertuples(index=False)
    refusals = [Refusal(table="photos", key=key, rule="photo.trained_before", value=split) for key, split in rows]
    return found[~lost].reset_index(drop=True), refusals


def among(column: pd.Series, values: Iterable[str]) -> pd.Series:
    """Return which values of a text column are among `values`: as `Series.isin`, without a Python object a value."""
    wanted = values if isinstance(values, pd.Series) else list(values)
    found = pc.is_in(pa.array(column, pa.string()), value_set=pa.array(wanted, pa.string()))
    return pd.Series(found.to_numpy(zero_copy_only=False), index=column.index)


def _several(frame: pd.DataFrame, name: str, value: str) -> set[str]:
    """Return the names under which more than one value stands."""
    pairs = frame[[name, value]].drop_duplicates()
    return set(pairs.loc[pairs[name].duplicated(), name])


def _conflicts(rule: str, by: str, rows: pd.DataFrame, keys: Iterable[str]) -> Iterator[Conflict]:
    """Yield the conflicts of the disputed keys, by key; each model is shown by its first listing."""
    chosen = rows[among(rows[by], keys)].sort_values([by, "make_model_id", *LISTING, "sha256"])
    for key, group in chosen.drop_duplicates([by, "make_model_id"]).groupby(by, sort=True):
        shown = tuple(_shown_as(row) for row in group.head(MOST_SHOWN).to_dict("records"))
        yield Conflict(rule=rule, key=key, shown=shown, more=len(group) - len(shown))


def _shown_as(row: Mapping[str, Any]) -> ShownAs:
    listing = f"{row['source']}/{row['item_id']}"
    return ShownAs(make_model_id=row["make_model_id"], listing=listing, photo=row["sha256"])


def _vehicles_of(rows: pd.DataFrame) -> str:
    named = rows.drop_duplicates("vehicle_id").sort_values("vehicle_id")
    words = [f"{row.vehicle_id} ({row.split})" for row in named.head(MOST_SHOWN).itertuples()]
    return ", ".join(words) + (f" and {len(named) - MOST_SHOWN} more" if len(named) > MOST_SHOWN else "")
