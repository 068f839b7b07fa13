"""An invented marketplace of any size, as the price stage reads it: few models have most listings; there is dirt."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from autodetect.lake.schemas import LISTINGS

SEED = 20_261_123
NIGHT = date(2026, 11, 22)
MODELS, MAKES, SELLERS, CODES = 500, 40, 60_000, 12_000
SOLD = 0.3
DIRTY = 0.03  # of prices, titles, title statuses
MASKED_CODES, RELISTED = 0.29, 0.03
BODIES = ("Sedan", "SUV", "Coupe", "Pickup", "Convertible", "Wagon", "Van", "Hatchback")
TITLES = (
    "{} {} low miles",
    "{} {} one owner, clean title",
    "{} {} GT Premium",
    "{} {} runs and drives great, new tires",
)
DIRTY_TITLES = ("{} {} salvage title", "{} {} for parts", "{} {} deposit", "{} {} rebuilt, no reserve")

Column = NDArray[Any]


@dataclass(frozen=True)
class Market:
    """What the price stage reads: the columns of `listings` and vehicle_id, by key; and make_model_id, make, model."""

    listings: pd.DataFrame
    make_models: pa.Table


def market(count: int, *, changed: float = 0.0) -> Market:
    """Return a market of `count` listings; with `changed`, that of a later night on which such a share is another.

    Of the changed listings half ask another price, a quarter has sold, and a quarter is gone, others in their place.
    """
    rng = np.random.default_rng(SEED)
    columns = _columns(rng, count)
    if changed:
        _change(columns, np.random.default_rng(SEED + 1).permutation(count)[: round(count * changed)])
    order = np.lexsort((columns["item_id"], columns["source"]))
    vehicles = pd.Series(columns.pop("vehicle_id")[order], dtype="str")
    rows = pa.table([_array(columns.get(field.name), field.type, order) for field in LISTINGS.schema], LISTINGS.schema)
    return Market(rows.to_pandas(date_as_object=False).assign(vehicle_id=vehicles), _make_models())


def _make_models() -> pa.Table:
    numbers = range(MODELS)
    return pa.table(
        {
            "make_model_id": [f"make-{number % MAKES}-model-{number}" for number in numbers],
            "make": [f"Make {number % MAKES}" for number in numbers],
            "model": [f"Model {number}" for number in numbers],
        }
    )


def _columns(rng: np.random.Generator, count: int) -> dict[str, Column]:
    """Return columns in no order; NaN, None and negative years and mileages are nulls."""
    weights = 1 / np.arange(1, MODELS + 1)
    model = rng.choice(MODELS, count, p=weights / weights.sum())
    ids = np.array(_make_models()["make_model_id"].to_pylist(), object)
    year = np.clip(2026 - rng.gamma(2.5, 6, count).astype(int), 1950, 2026)
    sold = rng.random(count) < SOLD
    price = np.exp(10.4 + rng.normal(0, 0.5, MODELS)[model] - 0.06 * (2026 - year) + rng.normal(0, 0.35, count)).round()
    dirty = rng.random(count) < DIRTY
    price = np.where(dirty, rng.choice([0, 1, 50, 500, 12_345_678, np.nan], count), price)
    codes, code = _codes(rng), np.minimum(rng.zipf(1.3, count) - 1, CODES - 1)
    masked = rng.random(count) < MASKED_CODES
    night = (NIGHT - date(1970, 1, 1)).days
    first_seen = night - rng.integers(0, 200, count)
    templates = np.array(TITLES + DIRTY_TITLES, object)[
        np.where(rng.random(count) < DIRTY, 4, 0) + rng.integers(0, 4, count)
    ]
    auction = rng.random(count) < 0.15
    item = 150_000_000_000 + rng.permutation(count) * 7
    return {
        "source": np.where(rng.random(count) < 0.9, "ebay-api", "ebay-pages").astype(object),
        "item_id": item.astype(str).astype(object),
        "make_model_id": _without(rng, ids[model], 0.005),
        "title": np.array([text.format(y, m) for text, y, m in zip(templates, year, ids[model], strict=True)], object),
        "year": np.where(rng.random(count) < 0.05, -1, year),
        "trim": _without(rng, np.array(["GT", "LT", "Premium", "Limited 4WD"], object)[rng.integers(0, 4, count)], 0.4),
        "mileage": np.where(rng.random(count) < 0.1, -1, ((2026 - year) * rng.gamma(4, 2500, count)).astype(int)),
        "body_type": np.array(BODIES, object)[model % len(BODIES)],
        "title_status": np.where(rng.random(count) < DIRTY, "Salvage", "Clear").astype(object),
        "condition": np.full(count, "Used", object),
        "buying_options": np.where(auction, "AUCTION", "FIXED_PRICE").astype(object),
        "bids": np.where(auction, rng.integers(0, 12, count), -1),
        "postal_code": np.where(masked, np.char.add(codes.astype("U3"), "**")[code], codes[code]).astype(object),
        "region": codes.astype("U3").astype(object)[code],
        "country": np.full(count, "US", object),
        "seller_hash": np.array([f"{seller:016x}" for seller in range(SELLERS)], object)[
            rng.zipf(1.2, count) % SELLERS
        ],
        "asking_price": price,
        "sold_price": np.where(sold, price, np.nan),
        "sold_on": np.where(sold, night - rng.integers(0, 1500, count), -1),
        "sold_precision": np.where(sold, "day", None),
        "currency": np.where(rng.random(count) < 0.02, "CAD", "USD").astype(object),
        "status": np.where(sold, "sold", "active").astype(object),
        "first_seen": first_seen,
        "last_seen": np.where(sold, first_seen, night),
        "url": np.char.add("https://www.ebay.com/itm/", item.astype(str)).astype(object),
        "vehicle_id": np.where(rng.random(count) < RELISTED, item // 100, item).astype(str).astype(object),
    }


def _change(columns: dict[str, Column], rows: Column) -> None:
    half, quarter = len(rows) // 2, 3 * len(rows) // 4
    columns["asking_price"][rows[:half]] = np.round(columns["asking_price"][rows[:half]] * 0.95)
    gone = rows[half:quarter]
    columns["status"][gone] = "sold"
    columns["sold_price"][gone] = columns["asking_price"][gone]
    columns["sold_on"][gone] = columns["last_seen"][gone]
    columns["sold_precision"][gone] = "day"
    new = rows[quarter:]
    columns["item_id"][new] = (1 + columns["item_id"][new].astype(np.int64)).astype(str)
    columns["url"][new] = "https://www.ebay.com/itm/" + columns["item_id"][new]


def _codes(rng: np.random.Generator) -> Column:
    import zipcodes

    return rng.permutation(sorted(each["zip_code"] for each in zipcodes.list_all()))[:CODES]


def _without(rng: np.random.Generator, values: Column, share: float) -> Column:
    return np.where(rng.random(len(values)) < share, None, values)


def _array(values: Column | None, kind: pa.DataType, order: Column) -> pa.Array:
    if values is None:
        return pa.nulls(len(order), kind)
    values = values[order]
    if pa.types.is_floating(kind) or pa.types.is_string(kind):
        return pa.array(values, kind, from_pandas=True)
    return pa.array(values, pa.int32(), mask=values < 0).cast(kind)
