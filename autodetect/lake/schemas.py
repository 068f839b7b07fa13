"""The tables of the lake: columns, keys and owners, in one place.

Delta has no float16 and no unsigned integers: embeddings are float16 bytes, 64-bit hashes are int64 views.
"""

from dataclasses import dataclass

import pyarrow as pa

SCHEMA_VERSION = 5

_text, _night, _count, _money = pa.string(), pa.date32(), pa.int32(), pa.float64()


@dataclass(frozen=True)
class Table:
    """One table: its columns, the columns that identify a row, and what a canonical digest leaves out."""

    name: str
    schema: pa.Schema
    key: tuple[str, ...]
    metadata: tuple[str, ...] = ()


def _table(name: str, key: str, columns: dict[str, pa.DataType], metadata: str = "") -> Table:
    return Table(name, pa.schema(list(columns.items())), tuple(key.split()), tuple(metadata.split()))


SIGHTINGS = _table(
    "sightings",
    "source item_id kind observed_on",
    {
        "source": _text,
        "item_id": _text,
        "kind": _text,
        "observed_on": _night,
        "precision": _text,
        "night": _night,
        "digest": _text,
        "summary_digest": _text,
        "title": _text,
        "price": _text,
        "currency": _text,
        "converted_price": _text,
        "converted_currency": _text,
        "make": _text,
        "model": _text,
        "year": _text,
        "trim": _text,
        "mileage": _text,
        "mileage_unit": _text,
        "body_type": _text,
        "engine": _text,
        "cylinders": _text,
        "drive_type": _text,
        "fuel_type": _text,
        "transmission": _text,
        "title_status": _text,
        "condition": _text,
        "vin": _text,
        "postal_code": _text,
        "city": _text,
        "state": _text,
        "country": _text,
        "seller_hash": _text,
        "buying_options": pa.list_(_text),
        "bids": _text,
        "url": _text,
        "origin_at": _text,
        "relist_of": _text,
        "photo_urls": pa.list_(_text),
        "aspects": _text,
        "permission": _text,
    },
)
SEEN = _table("seen", "source item_id night", {"source": _text, "item_id": _text, "night": _night, "slice": _text})
SLICES = _table(
    "slices",
    "source kind slice night",
    {
        "source": _text,
        "kind": _text,
        "slice": _text,
        "night": _night,
        "announced": _count,
        "found": _count,
        "state": _text,
        "cause": _text,
    },
)
LISTINGS = _table(
    "listings",
    "source item_id",
    {
        "source": _text,
        "item_id": _text,
        "night": _night,
        "make_model_id": _text,
        "catalog_reason": _text,
        "title": _text,
        "year": pa.int16(),
        "trim": _text,
        "mileage": _count,
        "body_type": _text,
        "engine": _text,
        "cylinders": pa.int16(),
        "drive_type": _text,
        "vin": _text,
        "title_status": _text,
        "condition": _text,
        "buying_options": _text,
        "bids": _count,
        "postal_code": _text,
        "region": _text,
        "country": _text,
        "seller_hash": _text,
        "origin_at": _text,
        "relist_of": _text,
        "asking_price": _money,
        "sold_price": _money,
        "sold_on": _night,
        "sold_precision": _text,
        "currency": _text,
        "status": _text,
        "first_seen": _night,
        "last_seen": _night,
        "last_slice": _text,
        "missed": pa.int16(),
        "url": _text,
        "permission": _text,
    },
)
PHOTOS = _table(
    "photos",
    "sha256",
    {
        "sha256": _text,
        "night": _night,
        "bytes": pa.int64(),
        "format": _text,
        "width": _count,
        "height": _count,
        "pipeline": _text,
        "phash": pa.int64(),
        "phash_mirror": pa.int64(),
        "phash_entries": pa.list_(pa.int64()),
        "dhash": pa.int64(),
        "contrast": pa.float64(),
        "thumbnail": pa.binary(),
        "verdict": _text,
        "copy_group": _text,
    },
)
LISTING_PHOTOS = _table(
    "listing_photos",
    "source item_id position",
    {"source": _text, "item_id": _text, "position": pa.int16(), "sha256": _text, "url": _text, "night": _night},
)
VEHICLES = _table(
    "vehicles",
    "source item_id",
    {
        "source": _text,
        "item_id": _text,
        "vehicle_id": _text,
        "split": _text,
        "burned": pa.bool_(),
        "tied_by": _text,
        "make_model_id": _text,
        "night": _night,
        "cut_ties": pa.list_(_text),
    },
)
QUARANTINE = _table(
    "quarantine",
    "night stage table key rule",
    {
        "table": _text,
        "key": _text,
        "rule": _text,
        "value": _text,
        "effect": _text,
        "night": _night,
        "stage": _text,
    },
)
MAKE_MODELS = _table(
    "make_models", "make_model_id", {"make_model_id": _text, "make": _text, "model": _text, "night": _night}
)
CLASSES = _table(
    "classes",
    "class_id",
    {
        "class_id": _count,
        "make_model_id": _text,
        "label": _text,
        "status": _text,
        "night": _night,
        "came_from": _count,
        "went_to": _count,
        "since": _night,
        "empty_since": _night,
    },
)
EMBEDDINGS = _table(
    "embeddings",
    "sha256 backbone preprocessing engine view",
    {
        "sha256": _text,
        "backbone": _text,
        "preprocessing": _text,
        "engine": _text,
        "view": _text,
        "vector": pa.binary(),
        "night": _night,
    },
)
SNAPSHOTS = _table(
    "snapshots",
    "snapshot_id sha256",
    {
        "snapshot_id": _text,
        "sha256": _text,
        "class_id": _count,
        "make_model_id": _text,
        "split": _text,
        "vehicle_id": _text,
        "night": _night,
    },
)
PRICES = _table(
    "prices",
    "night make_model_id basis year_band region",
    {
        "night": _night,
        "make_model_id": _text,
        "make": _text,
        "model": _text,
        "basis": _text,
        "year_band": _text,
        "region": _text,
        "currency": _text,
        "count": _count,
        "sellers": _count,
        "outliers": _count,
        "level": _text,
        "level_name": _text,
        "level_count": _count,
        "median": _money,
        "median_low": _money,
        "median_high": _money,
        "q1": _money,
        "q3": _money,
        "trimmed_mean": _money,
        "low": _money,
        "high": _money,
        "window_start": _night,
        "window_end": _night,
        "precision": _text,
        "reason": _text,
    },
)
OFFERS = _table(
    "offers",
    "night source item_id",
    {
        "night": _night,
        "source": _text,
        "item_id": _text,
        "make_model_id": _text,
        "title": _text,
        "price": _money,
        "currency": _text,
        "year": pa.int16(),
        "trim": _text,
        "mileage": _count,
        "postal_code": _text,
        "region": _text,
        "country": _text,
        "latitude": pa.float64(),
        "longitude": pa.float64(),
        "place_precision": _text,
        "value": _money,
        "value_low": _money,
        "value_high": _money,
        "rating": _text,
        "first_price": _money,
        "changed_on": _night,
        "first_seen": _night,
        "url": _text,
    },
)
ASKING_PRICES = _table(
    "asking_prices",
    "source item_id night",
    {
        "source": _text,
        "item_id": _text,
        "night": _night,
        "make_model_id": _text,
        "price": _money,
        "currency": _text,
    },
)
NIGHTS = _table(
    "nights",
    "night kind stage run_id",
    {
        "night": _night,
        "kind": _text,
        "stage": _text,
        "run_id": _text,
        "digest": _text,
        "receipt": _text,
        "finished_at": pa.timestamp("us", tz="UTC"),
    },
    metadata="run_id receipt finished_at",
)

TABLES = {
    table.name: table
    for table in (
        SIGHTINGS,
        SEEN,
        SLICES,
        LISTINGS,
        PHOTOS,
        LISTING_PHOTOS,
        VEHICLES,
        QUARANTINE,
        MAKE_MODELS,
        CLASSES,
        EMBEDDINGS,
        SNAPSHOTS,
        PRICES,
        OFFERS,
        ASKING_PRICES,
        NIGHTS,
    )
}
