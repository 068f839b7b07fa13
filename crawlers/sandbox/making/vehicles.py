"""The vehicles of the generated marketplace and their honest listings, before any dirt."""

import math
import random
from dataclasses import dataclass, field

from autodetect.catalog.model_years import sign_of
from autodetect.catalog.vin import check_digit
from crawlers.sandbox.making.models import ZIP_CODES, TradedModel

FIRST_NIGHT_SHARE = 0.8  # of the vehicles that do not come with a model of the second night
PHOTO_COUNTS = (1, 1, 2, 2, 3)
MILES_A_YEAR = 11_000
PRICE_SPREAD = 0.18  # standard deviation of log price around what year and mileage explain
VIN_SHARE = 0.6
OLDEST_MILES = 190_000
BUYING_OPTIONS = {"FIXED_PRICE": 0.88, "AUCTION": 0.08, "CLASSIFIED_AD": 0.04}
_VIN_SIGNS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"


@dataclass
class Vehicle:
    """One physical car: what it is, and the names of its photos."""

    model: TradedModel
    number: int
    year: int
    mileage: int
    price: int
    trim: str
    vin: str
    zipcode: str
    seller: str
    first_night: int
    photos: list[str] = field(default_factory=list)


@dataclass
class Row:
    """A row of `listings.csv` in the making; `facts` holds every column but the nights and the photos."""

    facts: dict[str, str]
    first_night: int
    photos: list[str]
    model: TradedModel
    last_night: int = 0


def make_vehicle(
    model: TradedModel, number: int, *, late_by: int, nights: int, last_year: int, rng: random.Random
) -> Vehicle:
    """One vehicle on offer.

    Args:
        model: what it is.
        number: a number that no other vehicle has.
        late_by: nights by which the model is late on the market.
        nights: how many nights there are.
        last_year: the year of the offers.
        rng: the vehicle's own randomness.
    """
    year = min(rng.randint(*model.years), last_year)
    mileage = min(MILES_A_YEAR * max(last_year - year, 0.5) ** 0.85, OLDEST_MILES) * rng.lognormvariate(0, 0.35)
    later = list(range(2 + late_by, nights + 1))
    first = rng.choice(later) if later and rng.random() >= FIRST_NIGHT_SHARE else min(1 + late_by, nights)
    return Vehicle(
        model=model,
        number=number,
        year=year,
        mileage=int(mileage),
        price=asking_price(model, year, mileage, last_year, rng),
        trim=rng.choice(model.trims),
        vin=make_vin(rng, year) if rng.random() < VIN_SHARE else "",
        zipcode=rng.choice(ZIP_CODES),
        seller=f"motors_{rng.randrange(400):03d}",
        first_night=first,
        photos=[f"{rng.getrandbits(64):016x}.jpg" for _ in range(rng.choice(PHOTO_COUNTS))],
    )


def asking_price(model: TradedModel, year: int, mileage: float, last_year: int, rng: random.Random) -> int:
    """US dollars: the new price, halved every `halves_in` years, less for many miles, with lognormal noise."""
    age = max(last_year - year, 0)
    worth = model.price * 0.5 ** (age / model.halves_in)
    expected = MILES_A_YEAR * max(age, 0.5) ** 0.85
    price = max(worth, 0.06 * model.price) * math.exp(-0.25 * math.log((mileage + 5000) / (expected + 5000)))
    return int(round(price * rng.lognormvariate(0, PRICE_SPREAD), -2)) or 500


def make_vin(rng: random.Random, year: int) -> str:
    """A made-up vehicle identification number of a model year, with a valid check digit."""
    signs = [rng.choice(_VIN_SIGNS) for _ in range(17)]
    signs[9] = sign_of(year)
    signs[8] = check_digit("".join(signs))
    return "".join(signs)


def make_row(vehicle: Vehicle, item_id: str, rng: random.Random) -> Row:
    """The honest listing of a vehicle."""
    model = vehicle.model
    boast = rng.choice(("", "", "", "CLEAN! ", "One owner ", "LOW MILES "))
    facts = {
        "item_id": item_id,
        "make": model.make,
        "model": model.model,
        "year": str(vehicle.year),
        "trim": vehicle.trim,
        "mileage": str(vehicle.mileage),
        "zipcode": vehicle.zipcode,
        "body_type": model.body_type,
        "engine": model.engine,
        "cylinders": str(model.cylinders),
        "drive_type": model.drive_type,
        "price": str(vehicle.price),
        "sold_year": "",
        "currency": "USD",
        "title": f"{boast}{vehicle.year} {model.make} {model.model} {vehicle.trim}".strip(),
        "seller": vehicle.seller,
        "vin": vehicle.vin,
        "buying_option": rng.choices(list(BUYING_OPTIONS), list(BUYING_OPTIONS.values()))[0],
    }
    return Row(facts=facts, first_night=vehicle.first_night, photos=list(vehicle.photos), model=model)
