"""Real sales of a recorded marketplace, read and cleaned by the project's own code, as the valuation takes them."""

import csv
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from autodetect.catalog.names import catalogue
from autodetect.dataset.cleaning import cleaned
from autodetect.lake.schemas import SIGHTINGS

RECORDED = Path(__file__).resolve().parents[2] / "shared" / "marketplace" / "sold.csv"
LEAST_PRICE = 500
LEAST_SALES = 20  # of a model that is judged; all are learned from
_COLUMNS = {
    "ID": "item_id",
    "pricesold": "price",
    "zipcode": "postal_code",
    "Mileage": "mileage",
    "Make": "make",
    "Model": "model",
    "Year": "year",
    "Trim": "trim",
    "Engine": "engine",
    "BodyType": "body_type",
    "NumCylinders": "cylinders",
    "DriveType": "drive_type",
}
_SAME = {"source": "folder", "kind": "sold", "currency": "USD", "country": "US", "precision": "year"}
_ONE_VEHICLE = ["make_model_id", "year", "mileage", "trim", "postal_code"]


def recorded_sales() -> pd.DataFrame:
    """Return a sale frame, one row for each sale of at least 500 dollars whose make and model are known.

    Besides its columns: `judged`, whether its model has at least 20 of these sales. Sales that agree in model, year,
    mileage, trim and postal code are of one vehicle.
    """
    frame = cleaned(_sightings()).frame
    names = {name.make_model_id: name for name in catalogue()}
    named = frame[(frame["sold_price"] >= LEAST_PRICE) & frame["make_model_id"].isin(list(names))]
    sales = named.rename(columns={"sold_price": "price"}).reset_index(drop=True)
    counts = sales["make_model_id"].map(sales["make_model_id"].value_counts())
    return sales.assign(
        make=[names[name].make for name in sales["make_model_id"]],
        model=[names[name].model for name in sales["make_model_id"]],
        vehicle_id=sales.groupby(_ONE_VEHICLE, dropna=False).ngroup().map("vehicle-{}".format),
        sold_on=pd.to_datetime(sales["sold_on"]),
        state=None,
        seller_hash="",
        basis="sold",
        judged=counts >= LEAST_SALES,
    )


def _sightings() -> pa.Table:
    with RECORDED.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    written = {ours: [row[theirs] for row in rows] for theirs, ours in _COLUMNS.items()}
    years = [int(row["yearsold"]) for row in rows]
    nights = {
        "observed_on": [date(year, 1, 1) for year in years],
        "night": np.repeat(date(max(years) + 1, 1, 1), len(rows)),
    }
    columns = []
    for field in SIGHTINGS.schema:
        if field.name in written or field.name in nights:
            columns.append(pa.array((written | nights)[field.name], field.type))
        elif pa.types.is_string(field.type):
            columns.append(pa.repeat(pa.scalar(_SAME.get(field.name, "")), len(rows)))
        else:
            columns.append(pa.nulls(len(rows), field.type))
    return pa.Table.from_arrays(columns, schema=SIGHTINGS.schema)
