"""Writes a marketplace folder of very many listings, for load tests: quick, made up, and skewed as real ones are.

The largest make, and one year of it, have so many listings that a search for them ends before they do.
"""

import csv
import random
import tomllib
from bisect import bisect
from importlib import resources
from itertools import accumulate
from pathlib import Path

from PIL import Image

from autodetect.errors import UsageError
from crawlers.sandbox.making.models import ZIP_CODES
from crawlers.sandbox.marketplace import LISTING_COLUMNS

LARGEST = ("Ford", "Chevrolet", "Toyota", "Dodge", "Jeep", "Honda", "BMW", "Nissan", "GMC", "Mercedes-Benz")
LARGEST_SHARE = 0.33  # of all listings: over 15,000 of 60,000
COMMON_YEAR, COMMON_YEAR_SHARE = 2015, 0.6  # of the largest make's listings: over 10,000 of 60,000
YEARS = range(1965, 2026)
LAST_YEAR = 2026
MODELS = ("100", "200", "300", "400", "Classic", "Custom", "Deluxe", "GT", "Sport", "Sport Wagon", "Touring", "Other")
BODIES = ("Sedan", "SUV", "Coupe", "Pickup", "Hatchback", "Convertible", "Wagon", "Minivan")
ENGINES = (("2.0L I4", "4"), ("2.5L I4", "4"), ("3.5L V6", "6"), ("5.0L V8", "8"))
DRIVES = ("FWD", "RWD", "AWD", "4WD")
BUYING_OPTIONS = ("FIXED_PRICE", "AUCTION", "CLASSIFIED_AD")
BUYING_WEIGHTS = (55, 20, 25)
WITHOUT_MAKE, WITHOUT_YEAR = 0.005, 0.01
NEW_A_NIGHT, ENDED_A_NIGHT, REPRICED_A_NIGHT = 0.02, 0.02, 0.05
POOL = 50  # photos that the listings share, where no other number is asked for
PHOTO_SIZE = (160, 120)
_COLUMNS = (*LISTING_COLUMNS, "buying_option", "seller")


def write_bulk(
    folder: Path, *, listings: int, photos: int = 0, seed: int = 0, nights: int = 1, pool: int = POOL
) -> None:
    """Write a marketplace folder; `listings.csv` comes last, so a folder that was not finished is no marketplace.

    Args:
        folder: where; it must not exist or be empty.
        listings: how many are up on the first night.
        photos: photos of each listing, drawn from the pool.
        seed: fixes every byte of every file.
        nights: over how many nights listings come, go and change their price.
        pool: how many photo files the listings share.

    Raises:
        UsageError: the folder is in use.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists and is not an empty folder", "name another folder, or remove this one first")
    (folder / "photos").mkdir(parents=True)
    names = _write_pool(folder / "photos", seed, pool) if photos else []
    rng = random.Random(f"{seed}/bulk")
    makes = _Makes()
    firsts = [1] * listings + [night for night in range(2, nights + 1) for _ in range(round(NEW_A_NIGHT * listings))]
    numbers = sorted(rng.sample(range(10**11, 10**12), len(firsts)))
    rng.shuffle(firsts)
    price_columns = tuple(f"price_{night}" for night in range(2, nights + 1))
    with (folder / "listings.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*_COLUMNS, *price_columns))
        for number, first in zip(numbers, firsts, strict=True):
            facts = _facts(makes, rng)
            facts |= {"item_id": str(number), "seller": f"seller-{rng.randrange(max(1, listings // 4))}"}
            facts["photos"] = " ".join(rng.sample(names, min(photos, len(names))))
            facts["first_night"], facts["last_night"] = str(first), str(_last_night(first, nights, rng))
            prices = [_later_price(facts["price"], night, first, rng) for night in range(2, nights + 1)]
            writer.writerow((*(facts[name] for name in _COLUMNS), *prices))


class _Makes:
    """The catalogue's makes, a few of them frequent and most of them rare."""

    def __init__(self) -> None:
        text = resources.files("autodetect.catalog").joinpath("makes.toml").read_text("utf-8")
        self._names = [*LARGEST, *(name for name in tomllib.loads(text) if name not in LARGEST)]
        others = [(rank + 3) ** -1.6 for rank in range(1, len(self._names))]
        shares = [LARGEST_SHARE, *(share / sum(others) * (1 - LARGEST_SHARE) for share in others)]
        self._bounds = list(accumulate(shares))

    def choose(self, rng: random.Random) -> str:
        return self._names[min(bisect(self._bounds, rng.random()), len(self._names) - 1)]


def _facts(makes: _Makes, rng: random.Random) -> dict[str, str]:
    """What a seller writes, by column; empty where he writes nothing. A price there always is, as at eBay."""
    make = makes.choose(rng)
    common = make == LARGEST[0] and rng.random() < COMMON_YEAR_SHARE
    year = COMMON_YEAR if common else YEARS[int(len(YEARS) * rng.random() ** 0.3)]  # most are young
    engine, cylinders = rng.choice(ENGINES)
    age = LAST_YEAR - year
    return {
        "make": "" if rng.random() < WITHOUT_MAKE else make,
        "model": rng.choice(MODELS),
        "year": "" if rng.random() < WITHOUT_YEAR else str(year),
        "trim": "",
        "mileage": str(round(age * rng.lognormvariate(9.2, 0.4))),
        "zipcode": rng.choice(ZIP_CODES),
        "body_type": rng.choice(BODIES),
        "engine": engine,
        "cylinders": cylinders,
        "drive_type": rng.choice(DRIVES),
        "price": _price(age, rng),
        "sold_year": str(LAST_YEAR),
        "buying_option": rng.choices(BUYING_OPTIONS, BUYING_WEIGHTS)[0],
    }


def _price(age: int, rng: random.Random) -> str:
    """US dollars: most sellers ask a round price, many of them the same one."""
    price = rng.lognormvariate(10.6, 0.5) * 0.92 ** min(age, 25)
    step = rng.choices((500, 100, 5, 1), (60, 25, 10, 5))[0]
    return str(max(step, round(price / step) * step))


def _last_night(first: int, nights: int, rng: random.Random) -> int:
    """The last night that a listing is up; 0 while it stays."""
    return next((night for night in range(first, nights) if rng.random() < ENDED_A_NIGHT), 0)


def _later_price(price: str, night: int, first: int, rng: random.Random) -> str:
    """The price that holds from a night on, empty where it stays as it was."""
    reduced = rng.random() < REPRICED_A_NIGHT and night > first
    return str(round(int(price) * 0.95 ** (night - first))) if reduced else ""


def _write_pool(folder: Path, seed: int, pool: int) -> list[str]:
    """Write the photos that all listings share and return their names: blurred patches, no two alike."""
    names = [f"p{number:02d}.jpg" for number in range(pool)]
    for name in names:
        patches = random.Random(f"{seed}/photo/{name}").randbytes(8 * 6 * 3)
        photo = Image.frombytes("RGB", (8, 6), patches).resize(PHOTO_SIZE, Image.Resampling.BICUBIC)
        photo.save(folder / name, quality=80)
    return names
