"""A price file of a few rows, for the tests of whoever reads it."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from autodetect.lake.schemas import OFFERS, PRICES
from autodetect.prices.sqlite.database import write_database

Row = dict[str, Any]

NIGHT = date(2026, 3, 14)
FORD, AUDI, F150 = "ford/mustang", "audi/tt", "ford/f-150"
NAMES: Mapping[str, tuple[str, str]] = {FORD: ("Ford", "Mustang"), AUDI: ("Audi", "TT"), F150: ("Ford", "F-150")}
_SALES = {"source": "s", "item_id": "s", "make_model_id": "s", "sold_on": "d", "sold_precision": "s", "price": "f"}
_SALES |= {"currency": "s", "year": "i", "mileage": "i", "trim": "s", "region": "s"}
_HISTORY = {"make_model_id": "s", "basis": "s", "night": "d", "currency": "s", "count": "i", "median": "f"}
_TYPES = {"s": pa.string(), "d": pa.date32(), "f": pa.float64(), "i": pa.int32()}


def offer(item_id: object, latitude: float | None = None, longitude: float | None = None, **facts: Any) -> Row:
    """An offer of a Mustang for 10,000 USD, at a position or nowhere."""
    row = {"night": NIGHT, "source": "shop", "item_id": str(item_id), "make_model_id": FORD, "price": 10_000.0}
    row |= {"currency": "USD", "latitude": latitude, "longitude": longitude, "rating": "no rating"}
    row |= {"place_precision": None if latitude is None else "code", "first_price": facts.get("price", row["price"])}
    return row | facts


def price(median: float | None, **facts: Any) -> Row:
    """The headline price of a Mustang by ten sales."""
    row = {"night": NIGHT, "make_model_id": FORD, "make": "Ford", "model": "Mustang", "basis": "sold", "year_band": ""}
    row |= {"region": "", "currency": "USD", "count": 10, "sellers": 9, "outliers": 0}
    if median is None:
        return row | {"reason": "too few"} | facts
    figures = dict.fromkeys(("median", "median_low", "median_high", "q1", "q3", "trimmed_mean", "low", "high"), median)
    level = {"level": "model", "level_name": "Ford Mustang", "level_count": 10, "precision": "year"}
    return row | figures | level | {"window_start": date(2024, 1, 1), "window_end": NIGHT} | facts


def stock(
    path: Path,
    offers: Sequence[Row] = (),
    *,
    prices: Sequence[Row] = (),
    sales: Sequence[Row] = (),
    history: Sequence[Row] = (),
    names: Mapping[str, tuple[str, str]] = NAMES,
) -> Path:
    """Write the rows as `autodetect.sqlite` is written; a class for every name, as make_model_id -> make and model."""
    ids, makes, models = list(names), [make for make, _ in names.values()], [model for _, model in names.values()]
    labels = [f"{make} {model}" for make, model in names.values()]
    write_database(
        path,
        make_models=pa.table({"make_model_id": ids, "make": makes, "model": models}),
        classes=pa.table({"class_id": pa.array(range(len(ids)), pa.int32()), "make_model_id": ids, "label": labels}),
        prices=pa.Table.from_pylist(list(prices), schema=PRICES.schema),
        offers=pa.Table.from_pylist(list(offers), schema=OFFERS.schema),
        sales=pa.Table.from_pylist(list(sales), schema=_schema(_SALES)),
        history=pa.Table.from_pylist(list(history), schema=_schema(_HISTORY)),
        valuation={},
        meta={"night": NIGHT.isoformat(), "class_map_digest": "c1a55"},
    )
    return path


def _schema(columns: dict[str, str]) -> pa.Schema:
    return pa.schema([(name, _TYPES[kind]) for name, kind in columns.items()])
