"""The offers near a place: how many, at which prices, and the nearest ones. Standard library only.

Places are numbered by cell, so what lies around (`ranges_around`) is a few ranges of places, and the offers there lie
side by side within a make and model. They are summed place by place (`TOTALS_SQL`, once for each range), distances are
measured to places, and whole rows are read only for the nearest few (`OFFERS_SQL`). An app asks the same statements.
"""

import math
from collections import Counter
from datetime import date
from itertools import groupby
from sqlite3 import Connection
from typing import Any, NamedTuple

from autodetect.errors import UsageError
from autodetect.prices.radius import KM_PER_MILE
from autodetect.prices.sqlite.cells import cell_of, cells_of, distance_km, ranges_around
from autodetect.prices.sqlite.lookup import OfferFact, PriceBase, opened
from autodetect.records import Record

__all__ = ["NearFact", "NearOffer", "cell_of", "cells_of", "near"]

# In what follows `{car}` stands for `ONE_CAR`, or for nothing: the offers of every make and model, a seek for each.
ONE_CAR = "AND m.make_model_id = :make_model_id"
TOTALS_SQL = """
SELECT t.place, p.latitude, p.longitude, p.precision, t.currency, t.count, t.total, t.lowest, t.highest
FROM (
    SELECT o.place, o.currency, count(*) AS count, sum(o.price) AS total, min(o.price) AS lowest,
           max(o.price) AS highest
    FROM make_models m CROSS JOIN offers o
    WHERE o.make_model = m.make_model {car}
    AND o.place >= (SELECT place FROM places WHERE cell >= :first ORDER BY cell, place LIMIT 1)
    AND o.place <= (SELECT place FROM places WHERE cell <= :last ORDER BY cell DESC, place DESC LIMIT 1)
    GROUP BY o.place, o.currency
) t CROSS JOIN places p WHERE p.place = t.place
"""
OFFERS_SQL = """
SELECT m.make_model_id, s.name AS source, o.item_id, o.title, o.price, o.currency, o.year, o.trim, o.mileage, o.value,
       o.value_low, o.value_high, o.rating, ifnull(o.first_price, o.price) AS first_price,
       date(o.changed_on * 86400, 'unixepoch') AS changed_on, date(o.first_seen * 86400, 'unixepoch') AS first_seen,
       nullif(ifnull(o.url, s.url || o.item_id), '') AS url
FROM make_models m CROSS JOIN offers o CROSS JOIN sources s
WHERE o.make_model = m.make_model {car} AND o.place = :place AND s.source = o.source
ORDER BY o.price, s.name, o.item_id LIMIT :limit
"""
# Places that no gazetteer knows have no cell and the lowest numbers.
UNPLACED_SQL = """
SELECT count(*) FROM make_models m CROSS JOIN offers o
WHERE o.make_model = m.make_model {car}
AND o.place < ifnull((SELECT place FROM places WHERE cell >= 0 ORDER BY cell, place LIMIT 1), 9e18)
"""


class NearOffer(Record):
    """One offer and how far away it is; `precision` 'area' means that only its area is known, whose centre this is.

    `value` to `rating` are what the valuation says of it. `first_price` is what was asked at first, `changed_on` the
    night of the newest change. `mileage` is in miles.
    """

    source: str
    item_id: str
    make_model_id: str
    km: float
    miles: float
    latitude: float
    longitude: float
    precision: str
    price: float
    currency: str
    title: str | None
    year: int | None
    trim: str | None
    mileage: int | None
    value: float | None
    value_low: float | None
    value_high: float | None
    rating: str | None
    first_price: float
    changed_on: date | None
    first_seen: date | None
    url: str | None


class NearFact(OfferFact):
    """The offers within a radius, told as those of the whole market are.

    `by_area` of all of these are known by their area alone, whose centre is within the radius. `unplaced` offers,
    wherever they are, do not say where, or name a place that no gazetteer knows: they are not counted. `nearest` come
    in any currency.
    """

    by_area: int = 0
    unplaced: int = 0
    nearest: tuple[NearOffer, ...] = ()


class _Spot(NamedTuple):
    """A place with offers, and how far away it is."""

    km: float
    place: int
    latitude: float
    longitude: float
    precision: str

    @classmethod
    def of(cls, row: Any, latitude: float, longitude: float) -> "_Spot":
        place, north, east, precision = row[:4]
        return cls(distance_km(latitude, longitude, north, east), place, north, east, precision)


def near(
    base: PriceBase,
    *,
    latitude: float,
    longitude: float,
    radius_km: float,
    make_model_id: str | None = None,
    limit: int = 10,
) -> NearFact:
    """Return what is on offer near a place, the nearest first, and of those as near the cheapest first.

    Args:
        base: a price file, or one that `lookup.opened` opened.
        latitude: of the place, degrees.
        longitude: of the place, degrees.
        radius_km: how far is near, above 0; half the Earth's girth (20,016 km) or more is everywhere.
        make_model_id: of the wanted car; None for every car.
        limit: how many offers to name.

    Raises:
        CorruptError: the file is missing, damaged, or of another format.
        UsageError: no position on Earth, or no distance.
    """
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise UsageError(f"{latitude}, {longitude} is no position", "latitude is -90 to 90, longitude -180 to 180")
    if not 0 < radius_km < math.inf:
        raise UsageError(f"{radius_km} is no radius in kilometres", "name a number above 0")
    with opened(base) as database:
        ask = _Question(database, make_model_id)
        totals = [
            (spot, row)
            for first, last in ranges_around(latitude, longitude, radius_km)
            for row in ask(TOTALS_SQL, first=first, last=last)
            if (spot := _Spot.of(row, latitude, longitude)).km <= radius_km
        ]
        return NearFact(
            **_summed([row for _, row in totals]),
            by_area=sum(row["count"] for spot, row in totals if spot.precision == "area"),
            unplaced=ask(UNPLACED_SQL)[0][0],
            nearest=tuple(_nearest(ask, sorted({spot for spot, _ in totals}), limit)),
        )


class _Question(NamedTuple):
    """Asks an open price file about the offers of one make and model, or of all."""

    database: Connection
    make_model_id: str | None

    def __call__(self, query: str, **values: int) -> list[Any]:
        car = "" if self.make_model_id is None else ONE_CAR
        return self.database.execute(query.format(car=car), values | {"make_model_id": self.make_model_id}).fetchall()


def _summed(totals: list[Any]) -> dict[str, Any]:
    """Return count, prices and currency of the commonest currency, and how many offers are in others."""
    by_currency: Counter[str] = Counter()
    for row in totals:
        by_currency[row["currency"]] += row["count"]
    if not by_currency:
        return {}
    currency = min(by_currency, key=lambda each: (-by_currency[each], each))
    mine = [row for row in totals if row["currency"] == currency]
    count = by_currency[currency]
    return {
        "count": count,
        "currency": currency,
        "average": round(math.fsum(row["total"] for row in mine) / count, 2),
        "lowest": min(row["lowest"] for row in mine),
        "highest": max(row["highest"] for row in mine),
        "others": by_currency.total() - count,
    }


def _nearest(ask: _Question, spots: list[_Spot], limit: int) -> list[NearOffer]:
    """Return the first offers by distance, price and key; `spots` are sorted by distance and all have offers."""
    found: list[NearOffer] = []
    for km, alike in groupby(spots, key=lambda spot: spot.km):
        if len(found) >= limit:
            break
        here = [
            NearOffer(
                **dict(row),
                km=round(km, 3),
                miles=round(km / KM_PER_MILE, 3),
                latitude=spot.latitude,
                longitude=spot.longitude,
                precision=spot.precision,
            )
            for spot in alike
            for row in ask(OFFERS_SQL, place=spot.place, limit=limit)
        ]
        found += sorted(here, key=lambda offer: (offer.price, offer.source, offer.item_id))
    return found[:limit]
