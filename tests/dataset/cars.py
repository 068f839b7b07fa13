"""Candidates and raw tables for tests: plain text in, the frames and tables of curation out."""

from typing import Any

import pandas as pd
import pyarrow as pa

from autodetect.dataset.candidates import COLUMNS, Candidates, candidates, shown_photos
from autodetect.dataset.evidence import Evidence, read_evidence
from autodetect.lake.schemas import LISTING_PHOTOS, LISTINGS, PHOTOS, VEHICLES
from autodetect.lake.tables import rows_of

SOURCE = "sandbox"
Row = tuple[str, str, str, str]  # sha256, make_model_id, vehicle_id, split


def frame(rows: list[Row]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS, dtype="str")


def rows(found: pd.DataFrame) -> list[Row]:
    return list(found[COLUMNS].itertuples(index=False, name=None))


def cars(model: str, train: int, validation: int, test: int, photos: int = 1) -> list[Row]:
    """So many vehicles of a model in each split, each with so many photos."""
    splits = ["train"] * train + ["validation"] * validation + ["test"] * test
    return [
        (f"{model}-{n}-{p}", model, f"{model}-v{n}", split) for n, split in enumerate(splits) for p in range(photos)
    ]


def photo(sha256: str, group: str | None = None, verdict: str = "ok") -> dict[str, Any]:
    return {"sha256": sha256, "verdict": verdict, "copy_group": group or sha256}


def shown(item_id: str, sha256: str) -> dict[str, Any]:
    return {"source": SOURCE, "item_id": item_id, "sha256": sha256}


def photo_table(records: list[dict[str, Any]]) -> pa.Table:
    return rows_of(PHOTOS, records)


def shown_table(records: list[dict[str, Any]]) -> pa.Table:
    return rows_of(LISTING_PHOTOS, ({**record, "position": n} for n, record in enumerate(records)))


def listing_table(models: dict[str, str | None], **facts: dict[str, Any]) -> pa.Table:
    """Listings by item id with their models; `facts` are further columns by item id."""
    more = ({name: by_item.get(item_id) for name, by_item in facts.items()} for item_id in models)
    named = zip(models.items(), more, strict=True)
    return rows_of(
        LISTINGS, ({"source": SOURCE, "item_id": i, "make_model_id": model} | extra for (i, model), extra in named)
    )


def vehicle_table(places: dict[str, tuple[str, str]], burned: frozenset[str] = frozenset()) -> pa.Table:
    """Vehicles: item id -> (vehicle id, split)."""
    return rows_of(
        VEHICLES,
        (
            {"source": SOURCE, "item_id": i, "vehicle_id": vehicle, "split": split, "burned": vehicle in burned}
            for i, (vehicle, split) in places.items()
        ),
    )


def choose(
    photos: list[dict[str, Any]],
    listing_photos: list[dict[str, Any]],
    models: dict[str, str | None],
    vehicles: dict[str, tuple[str, str]] | None = None,
) -> Candidates:
    """The candidates. Each listing is a vehicle in train unless given."""
    placed = {item_id: (f"v{item_id}", "train") for item_id in models} | (vehicles or {})
    pictures = shown_photos(photo_table(photos), shown_table(listing_photos))
    return candidates(pictures, listing_table(models), vehicle_table(placed))


def evidence(
    listing_photos: dict[str, list[str]],
    places: dict[str, tuple[str, str]],
    *,
    groups: dict[str, str] | None = None,
    vins: dict[str, str] | None = None,
    burned: frozenset[str] = frozenset(),
    cut: dict[str, str] | None = None,
) -> Evidence:
    """The raw tables: item id -> its photos; item id -> (vehicle, split); sha256 -> copy group; item id -> VIN."""
    records = [shown(item_id, sha256) for item_id, photos in listing_photos.items() for sha256 in photos]
    names = sorted({record["sha256"] for record in records})
    pictures = shown_photos(
        photo_table([photo(name, (groups or {}).get(name)) for name in names]), shown_table(records)
    )
    listings = listing_table(dict.fromkeys(places), vin=dict(vins or {}))
    return read_evidence(pictures, listings, vehicle_table(places, burned), cut=cut)
