"""What one car is worth, from a published release alone: its value and interval, a label, comparables, offers near.

The sqlite file holds all of it; no model is loaded and nothing heavy is imported.
"""

import math
import sqlite3
from collections.abc import Collection
from datetime import date, datetime
from pathlib import Path

from pydantic import Field

from autodetect.errors import UsageError
from autodetect.prices.judged.comparable_sales import ComparableSale, nearest
from autodetect.prices.judged.rating import Rating, rating_of
from autodetect.prices.places import Place
from autodetect.prices.radius import DEFAULT_RADIUS, Radius
from autodetect.prices.sqlite.lookup import (
    MakeModel,
    OfferFact,
    PriceFact,
    find_make_model,
    meta_of,
    offers_of,
    opened,
    price_of,
    prices_by_band,
    prices_by_state,
    sales_of,
)
from autodetect.prices.sqlite.near import NearFact, near
from autodetect.prices.valuation.facts import FIRST_YEAR, MOST_MILES, PhoneCar
from autodetect.prices.valuation.phone import value_of
from autodetect.records import Record
from autodetect.release.client import Source, SyncedRelease, sync
from autodetect.release.signing import PublicKey

FILE = "autodetect.sqlite"
MOST_COMPARABLES = 5
MOST_NEAR = 3
YEARS_AHEAD = 2  # no car is of a later model year than this after the release


class AskedCar(Record):
    """A car as a person describes it; what is not known is None.

    `mileage` is in miles, `price` what is asked for it, in the currency of the valuation. `place` is where it
    is and where offers are looked for, `region` the first three signs of its postal code.
    """

    make: str
    model: str
    year: int | None = None
    mileage: float | None = Field(None, ge=0)
    trim: str = ""
    price: float | None = Field(None, gt=0)
    place: Place | None = None
    region: str = ""
    within: Radius = DEFAULT_RADIUS


class Worth(Record):
    """What the car is worth: `coverage` of such cars go for `low` to `high`; no price asked gives no `rating`.

    Values are at the level of the time of `newest_sale`; by `basis`, of what is paid (sold) or of what is asked.
    """

    value: float
    low: float
    high: float
    basis: str
    currency: str
    coverage: float
    newest_sale: date
    rating: Rating | None


class CarValue(Record):
    """Everything that a release knows of a car.

    `worth` is None where the release carries no valuation, or one that knows nothing of the make. `price` is the
    headline of the make and model, `band` that of the car's model years, `state` that of the place's state; `bands` are
    all year bands. `near` is None where no place was named.
    """

    release_id: str
    night: date
    make_model_id: str
    make: str
    model: str
    asked: AskedCar
    worth: Worth | None
    price: PriceFact | None
    band: PriceFact | None
    state: PriceFact | None
    bands: tuple[PriceFact, ...]
    comparables: tuple[ComparableSale, ...]
    offers: OfferFact
    near: NearFact | None


def fetch(source: Source, cache: Path, *, trusted: PublicKey, now: datetime) -> SyncedRelease:
    """Bring what `value_car` needs of the newest release into the cache folder; raises what `sync` does."""
    return sync(source, cache, (FILE,), trusted=trusted, now=now)


def value_car(release: SyncedRelease, asked: AskedCar, *, max_interval_ratio: float) -> CarValue:
    """Return what a release knows of a car.

    Args:
        release: as `fetch` brought it.
        asked: the car.
        max_interval_ratio: the widest interval, upper by lower end, by which a price is rated.

    Raises:
        UsageError: the release knows no such make and model, or no car has such a year, mileage or price.
        CorruptError: its file is damaged or of another format.
    """
    with opened(release.path(FILE)) as database:
        car = find_make_model(database, asked.make, asked.model)
        described = PhoneCar(
            make=car.make,
            make_model_id=car.make_model_id,
            year=asked.year,
            mileage=asked.mileage,
            trim=asked.trim,
            region=asked.region,
        )
        meta = meta_of(database)
        night = date.fromisoformat(meta["night"])
        _refuse_nonsense(asked, night)
        price = price_of(database, car.make_model_id)
        basis = price.basis if price else "sold"
        bands = prices_by_band(database, car.make_model_id, basis)
        states = prices_by_state(database, car.make_model_id, basis) if asked.place and asked.place.state else ()
        return CarValue(
            release_id=release.release_id,
            night=night,
            make_model_id=car.make_model_id,
            make=car.make,
            model=car.model,
            asked=asked,
            worth=_worth(database, described, asked.price, max_interval_ratio),
            price=price,
            band=next((row for row in bands if asked.year and _holds(row.year_band, asked.year)), None),
            state=next((row for row in states if asked.place and row.region == asked.place.state), None),
            bands=bands,
            comparables=nearest(
                sales_of(database, car.make_model_id),
                described,
                MOST_COMPARABLES,
                currency=meta["currency"],
                as_of=night,
            ),
            offers=offers_of(database, car.make_model_id),
            near=_near(database, car, asked),
        )


def _refuse_nonsense(asked: AskedCar, night: date) -> None:
    """Raise `UsageError` for what the valuation would pass over as if nobody had said it."""
    latest = night.year + YEARS_AHEAD
    if asked.year is not None and not FIRST_YEAR <= asked.year <= latest:
        what = f"the release of {night} knows no cars of model year {asked.year}"
        raise UsageError(what, f"name a year from {FIRST_YEAR} to {latest}")
    if asked.mileage is not None and not asked.mileage <= MOST_MILES:
        raise UsageError(f"no car has {asked.mileage:g} miles", f"name at most {MOST_MILES:,}")
    if asked.price is not None and not asked.price < math.inf:
        raise UsageError(f"{asked.price} is no price", "name an amount")


def _worth(database: sqlite3.Connection, car: PhoneCar, price: float | None, max_interval_ratio: float) -> Worth | None:
    meta = _valuation_meta(database)
    if not meta:
        return None
    found = value_of(lambda terms: _coefficients(database, terms), car)
    if found is None:
        return None
    rating = rating_of(price, found.value, found.low, found.high, max_interval_ratio=max_interval_ratio)
    return Worth(
        value=found.value,
        low=found.low,
        high=found.high,
        basis=meta["basis"],
        currency=meta["currency"],
        coverage=float(meta["coverage"]),
        newest_sale=date.fromisoformat(meta["newest_sale"]),
        rating=rating if price else None,
    )


def _valuation_meta(database: sqlite3.Connection) -> dict[str, str]:
    """Return what the valuation says of itself; nothing where the release carries none."""
    return dict(tuple(row) for row in database.execute("SELECT key, value FROM valuation_meta"))


def _coefficients(database: sqlite3.Connection, terms: Collection[str]) -> dict[str, int]:
    """Return the coefficients of the terms that the valuation has."""
    marks = ", ".join("?" * len(terms))
    query = f"SELECT term, coefficient FROM valuation_terms WHERE term IN ({marks})"  # noqa: S608 - marks alone
    return dict(tuple(row) for row in database.execute(query, tuple(terms)))


def _holds(year_band: str, year: int) -> bool:
    """Return whether a model year is of a band: 'before 1950', '1965-1969'."""
    first, _, last = year_band.partition("-")
    return int(first) <= year <= int(last) if last else year < int(year_band.removeprefix("before "))


def _near(database: sqlite3.Connection, car: MakeModel, asked: AskedCar) -> NearFact | None:
    if asked.place is None:
        return None
    return near(
        database,
        latitude=asked.place.latitude,
        longitude=asked.place.longitude,
        radius_km=asked.within.km,
        make_model_id=car.make_model_id,
        limit=MOST_NEAR,
    )
