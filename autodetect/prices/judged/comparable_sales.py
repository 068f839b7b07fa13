"""The sales that a car is compared with: the nearest ones of its make and model, and in what they differ.

How far a sale is from the car is a sum of units, each worth about as much of a price:

========  ===================================================================================================
year      one for every `YEARS` between the model years
mileage   one for every factor of `TIMES` between the mileages, both counted from `START_MILES`
trim      one where no word is shared, less as the share of common words grows (Jaccard's index)
region    `REGION` where the postal codes' first three signs differ, half of it where the first sign is shared
recency   `PER_YEAR` for every year since the sale; a bare year or month counts from its middle
========  ===================================================================================================

What is not known of the car counts for no sale; what is known of the car but not of the sale counts one unit (region:
`REGION`). With these units the middle price of the five nearest sales comes closest to what recorded cars sold for;
half or twice as much of any makes little difference. A phone does the same with the `sales` of the file it holds.
"""

import math
import re
from collections.abc import Iterable
from datetime import date, timedelta

from autodetect.prices.sqlite.lookup import SaleFact
from autodetect.prices.valuation.facts import PhoneCar

YEARS = 3.0
TIMES = 1.5
START_MILES = 10_000.0  # so that 100 and 200 miles are as good as equal
REGION = 0.5
PER_YEAR = 0.25

_MIDDLE = {"year": 182, "month": 15, "day": 0}  # days after the first one
_WORD = re.compile(r"[0-9a-z]+")


class ComparableSale(SaleFact):
    """A sale beside the car: `distance` in units, and in `why` how it differs, in words."""

    distance: float
    why: str


def nearest(
    sales: Iterable[SaleFact], car: PhoneCar, k: int, *, currency: str, as_of: date
) -> tuple[ComparableSale, ...]:
    """Return the `k` sales nearest to a car, nearest first; of equals the newer, then by item id.

    Args:
        sales: sales of the car's make and model, in any order; those in another currency are passed over.
        car: what they are compared with.
        k: how many.
        currency: of the answer: currencies never mix.
        as_of: the day from which a sale's age is counted.
    """
    found = [_compared(sale, car, as_of) for sale in sales if sale.currency == currency]
    found.sort(key=lambda each: (each.distance, -each.sold_on.toordinal(), each.item_id, each.source))
    return tuple(found[:k])


def _compared(sale: SaleFact, car: PhoneCar, as_of: date) -> ComparableSale:
    age = (as_of - sale.sold_on - timedelta(days=_MIDDLE[sale.sold_precision])).days / 365.25
    distance = (
        _years_apart(car.year, sale.year)
        + _miles_apart(car.mileage, sale.mileage)
        + _trims_apart(car.trim, sale.trim)
        + _regions_apart(car.region, sale.region)
        + PER_YEAR * max(0.0, age)
    )
    return ComparableSale(**sale.model_dump(), distance=round(distance, 4), why=_why(car, sale))


def _years_apart(mine: float | None, other: float | None) -> float:
    if mine is None or other is None:
        return 0.0 if mine is None else 1.0
    return abs(mine - other) / YEARS


def _miles_apart(mine: float | None, other: float | None) -> float:
    if mine is None or other is None:
        return 0.0 if mine is None else 1.0
    return abs(math.log((START_MILES + mine) / (START_MILES + other))) / math.log(TIMES)


def _trims_apart(mine: str | None, other: str | None) -> float:
    said, there = _words(mine), _words(other)
    return 1 - len(said & there) / len(said | there) if said else 0.0


def _regions_apart(mine: str | None, other: str | None) -> float:
    if not mine or mine == other:
        return 0.0
    return REGION / 2 if other and mine[0] == other[0] else REGION


def _why(car: PhoneCar, sale: SaleFact) -> str:
    """Return how a sale differs in what is known of the car, e.g. `2 years older, 12,000 miles more, same trim`."""
    parts = []
    if car.year is not None:
        parts.append(_differs(sale.year, car.year, ("model year", "year"), ("newer", "older")))
    if car.mileage is not None:
        parts.append(_differs(sale.mileage, car.mileage, ("mileage", "mile"), ("more", "fewer")))
    if _words(car.trim):
        same = _words(car.trim) == _words(sale.trim)
        parts.append("same trim" if same else "another trim" if sale.trim else "trim not known")
    return ", ".join(parts) or "same make and model"


def _differs(theirs: float | None, ours: float, names: tuple[str, str], words: tuple[str, str]) -> str:
    fact, unit = names
    if theirs is None:
        return f"{fact} not known"
    apart = round(theirs - ours)
    if not apart:
        return f"same {fact}"
    return f"{abs(apart):,} {unit}{'' if abs(apart) == 1 else 's'} {words[apart < 0]}"


def _words(text: str | None) -> frozenset[str]:
    return frozenset(_WORD.findall((text or "").lower()))
