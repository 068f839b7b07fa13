"""Sightings for tests of the cleaning: one sound Ford, and what a test changes of it."""

from datetime import date
from typing import Any

import pyarrow as pa

from autodetect.lake.schemas import SIGHTINGS
from autodetect.lake.tables import rows_of

FIRST, SECOND, THIRD = (date(2026, 11, day) for day in (1, 2, 3))
SIGHTING: dict[str, Any] = {
    **{column.name: "" for column in SIGHTINGS.schema if column.type == "string"},
    "source": "sandbox",
    "item_id": "1",
    "kind": "asking",
    "observed_on": FIRST,
    "precision": "day",
    "night": FIRST,
    "title": "2012 Ford Mustang GT",
    "price": "15,000.00",
    "currency": "USD",
    "make": "FORD",
    "model": "mustang",
    "year": "2012",
    "mileage": "61,000 miles",
    "cylinders": "8",
    "trim": "GT",
    "postal_code": " 10001 ",
    "country": "US",
    "vin": "VIN1",
    "buying_options": ["FIXED_PRICE"],
    "url": "https://www.sandbox.invalid/itm/1",
}
IMPORT = {"kind": "import", "price": "", "currency": ""}
SALE = {"kind": "sold", "observed_on": date(2026, 10, 30), "price": "14000", "mileage": "", "vin": "", "url": ""}


def sightings(*changes: dict[str, Any]) -> pa.Table:
    return rows_of(SIGHTINGS, (SIGHTING | each for each in changes))
