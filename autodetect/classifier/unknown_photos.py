"""Which cars are unknown to a model, and their photos: names that are no class, and listings that say 'Other'.

They train nothing. Their vehicles have a split like all others: a threshold is chosen on those of validation and told
for those of test.
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.catalog.words import is_copy
from autodetect.classifier.photo_vectors import load_vectors
from autodetect.classifier.split_arrays import Examples
from autodetect.dataset.candidates import COLUMNS, LISTING
from autodetect.dataset.training_set import Read
from autodetect.lake.lake import Lake
from autodetect.lake.schemas import LISTING_PHOTOS, LISTINGS, PHOTOS, VEHICLES
from autodetect.photos.inputs import PLAIN
from autodetect.records import StageRun

SPLITS = ("validation", "test")
MOST_PHOTOS = 2_000
NO_CLASS = -1
_SAYS_OTHER = "other"  # the catalogue's reason for a listing that says it is something else


def says_other_cars(read: Read) -> pd.DataFrame:
    """Return the photos of vehicles of which every listing says that it is something else than the catalogue lists.

    They name no model and are no candidates. Replicas and kits are left out: they look like the car that they are not.
    So is a picture that any other listing shows, and one that vehicles of two splits show.

    Args:
        read: reads what curation wrote, at the versions that the night's receipts name.

    Returns:
        Columns as `candidates.COLUMNS`, `make_model_id` empty; one row a copy group, by sha256; splits as in `SPLITS`.
    """
    columns = [*LISTING, "title", "catalog_reason"]
    said = read(LISTINGS, columns=columns, where=pc.field("catalog_reason") == _SAYS_OTHER)
    others = {_key(row) for row in said.to_pylist() if not is_copy(row["title"] or "")}
    members = _frame(read, VEHICLES, [*LISTING, "vehicle_id", "split", "burned"], "item_id", _items(others))
    mine = members[_among(members, others) & members["split"].isin(SPLITS) & ~members["burned"].fillna(value=False)]
    # A vehicle may have listings that name a model: then it is not unknown.
    whole = _frame(read, VEHICLES, [*LISTING, "vehicle_id"], "vehicle_id", mine["vehicle_id"])
    named = set(whole.loc[~_among(whole, others), "vehicle_id"])
    mine = mine.loc[~mine["vehicle_id"].isin(named), [*LISTING, "vehicle_id", "split"]]
    shown = _frame(read, LISTING_PHOTOS, [*LISTING, "sha256"], "item_id", mine["item_id"]).merge(mine, on=LISTING)
    photos = _frame(read, PHOTOS, ["sha256", "copy_group", "verdict"], "sha256", shown["sha256"])
    sound = photos.loc[(photos["verdict"] == "ok") & photos["copy_group"].notna(), ["sha256", "copy_group"]]
    found = shown.merge(sound, on="sha256").sort_values(["copy_group", *LISTING])
    found = found[~found["copy_group"].isin(_shown_elsewhere(read, found["copy_group"], mine))]
    torn = found.groupby("copy_group")["split"].transform("nunique") > 1
    first = found[~torn].drop_duplicates("copy_group")
    return pd.DataFrame(
        {
            "sha256": first["copy_group"],
            "make_model_id": "",
            "vehicle_id": first["vehicle_id"],
            "split": first["split"],
        },
        columns=COLUMNS,
    ).reset_index(drop=True)


def choose_unknown(
    *found: pd.DataFrame, known: Collection[str] = (), most_photos: int = MOST_PHOTOS
) -> dict[str, pd.DataFrame]:
    """Return the photos of unknown cars by split, whole vehicles, as many as `most_photos` allow.

    Vehicles are taken by the lowest sha256 among their photos: the choice is stable over nights and has nothing to do
    with what they are.

    Args:
        found: frames with `candidates.COLUMNS`, one row a photo.
        known: make_model_ids of classes that the model answers; their cars are left out.
        most_photos: of each split.
    """
    rows = pd.concat([frame[COLUMNS] for frame in found], ignore_index=True).drop_duplicates("sha256")
    rows = rows[~rows["make_model_id"].isin(set(known))]
    chosen = {}
    for split in SPLITS:
        mine = rows[rows["split"] == split]
        mine = mine.assign(first=mine.groupby("vehicle_id")["sha256"].transform("min"))
        mine = mine.sort_values(["first", "sha256"], ignore_index=True)
        ends = mine.groupby("first", sort=True).size().cumsum()
        whole = set(ends.index[ends <= most_photos])
        chosen[split] = mine.loc[mine["first"].isin(whole), COLUMNS].reset_index(drop=True)
    return chosen


def load_unknown(
    lake: Lake, run: StageRun, chosen: Mapping[str, pd.DataFrame], *, backbone: str, engine: str
) -> dict[str, Examples]:
    """Return the chosen photos with their embeddings; their class id is `NO_CLASS`.

    A photo that was never embedded is left out: unknown cars are a sample, and none of them is worth holding a night.

    Args:
        lake: holds `embeddings`.
        run: names the version that holds them.
        chosen: what `choose_unknown` returned.
        backbone: digest of the backbone.
        engine: the engine that embedded them.
    """
    wanted = {sha256 for frame in chosen.values() for sha256 in frame["sha256"]}
    vectors = load_vectors(lake, run, wanted, backbone=backbone, engine=engine, view=PLAIN)
    dimension = len(next(iter(vectors.values()))) if vectors else 0
    found = {}
    for split, frame in chosen.items():
        rows = frame[frame["sha256"].isin(vectors.keys())]
        photos = rows["sha256"].tolist()
        x = np.array([vectors[sha256] for sha256 in photos], np.float32).reshape(len(photos), dimension)
        vehicles = np.array(rows["vehicle_id"].tolist(), dtype=str)
        found[split] = Examples(x, np.full(len(photos), NO_CLASS, np.int64), vehicles, photos)
    return found


def _shown_elsewhere(read: Read, groups: pd.Series, mine: pd.DataFrame) -> set[str]:
    """Return the copy groups of which a listing that is none of `mine` shows a photo."""
    copies = _frame(read, PHOTOS, ["sha256", "copy_group"], "copy_group", groups)
    shown = _frame(read, LISTING_PHOTOS, [*LISTING, "sha256"], "sha256", copies["sha256"])
    elsewhere = shown[~_among(shown, set(zip(mine["source"], mine["item_id"], strict=True)))]
    return set(elsewhere.merge(copies, on="sha256")["copy_group"])


def _frame(read: Read, table: Any, columns: list[str], name: str, values: Collection[str]) -> pd.DataFrame:
    """Return the rows of a table whose column `name` is one of `values`."""
    wanted = pc.field(name).isin(pa.array(sorted(set(values)), pa.string()))
    found: pd.DataFrame = read(table, columns=columns, where=wanted).to_pandas()
    return found


def _among(frame: pd.DataFrame, listings: set[tuple[str, str]]) -> pd.Series:
    """Return which rows are of one of these listings (source, item_id)."""
    keys = zip(frame["source"], frame["item_id"], strict=True)
    return pd.Series([key in listings for key in keys], index=frame.index, dtype=bool)


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["source"], row["item_id"]


def _items(listings: Collection[tuple[str, str]]) -> list[str]:
    return [item_id for _, item_id in listings]
