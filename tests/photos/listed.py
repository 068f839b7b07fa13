"""Listings to group: rows of `listings` that say little, and what they are made of."""

import random
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from autodetect.lake.schemas import LISTINGS
from autodetect.lake.tables import rows_of
from autodetect.photos.offers import Offers, listing_keys, offers_of
from crawlers.sandbox.making.vehicles import make_vin

VINS = [make_vin(random.Random(number), 2012) for number in range(6)]
VIN, OTHER_VIN = VINS[:2]
NIGHTS = tuple(date(2026, 11, day) for day in range(1, 31))


def listing(item_id: object, *, up: tuple[int, int] = (1, 1), **facts: Any) -> dict[str, Any]:
    """Return a row; `up` are the first and the last night on which it was seen."""
    plain = {"source": "sandbox", "make_model_id": "ford/mustang", "status": "active", "asking_price": 9000.0}
    seen = {"first_seen": NIGHTS[up[0] - 1], "last_seen": NIGHTS[up[1] - 1], "night": NIGHTS[up[1] - 1]}
    return {**plain, **seen, "item_id": str(item_id), **facts}


def listed(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Return rows of `listings`."""
    return rows_of(LISTINGS, rows)


def new_offers(*rows: Mapping[str, Any]) -> Offers:
    """Return listings that belong to no vehicle yet, in the order of their keys."""
    table = listed(rows)
    table = table.take(pa.array(np.argsort(listing_keys(table).to_pylist(), kind="stable")))
    return offers_of(table, np.arange(len(rows)), np.ones(len(rows), dtype=bool))


def tied(ties: Mapping[str, list[int]], offers: Offers) -> dict[str, list[str]]:
    """Return ties with item ids for rows."""
    return {name: [offers.key(row).partition("/")[2] for row in rows] for name, rows in ties.items()}
