"""The value of one car from stored coefficients, as a phone computes it; standard library only."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from autodetect.prices.valuation import facts
from autodetect.prices.valuation.facts import Calendar, PhoneCar
from autodetect.prices.valuation.formula import AS_OF, MAKE, NEWEST, SCALE, VIEWS, Family, Knots, View

Read = Callable[[Sequence[str]], Mapping[str, float]]
"""Names of terms -> the coefficients of those that are stored."""


@dataclass(frozen=True)
class PhoneValue:
    """What a car is worth, in the currency of the valuation; the price lies from low to high as often as it says."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class _Facts:
    keys: dict[str, str]
    words: dict[str, tuple[str, ...]]
    numbers: dict[str, float | None]

    def knows(self, view: View) -> bool:
        return (
            (self.numbers["year"] is not None or not view.year)
            and (self.numbers["miles"] is not None or not view.miles)
            and (facts.TOLD[0] in self.keys["told"] or not view.trim)
            and len(self.keys["told"]) >= view.told
        )


def value_of(read: Read, car: PhoneCar) -> PhoneValue | None:
    """Return what a car is worth; None where its make was never sold, or there is no valuation.

    Args:
        read: looks terms up, as in `SELECT term, coefficient FROM valuation_terms WHERE term IN (...)`.
        car: what is known of it.
    """
    years = read([AS_OF, NEWEST])
    if len(years) < 2:
        return None
    known = _facts_of(car, Calendar(int(years[AS_OF]), int(years[NEWEST])))
    for view in filter(known.knows, VIEWS):
        spread = f"{view.name}~"
        group = f"{view.name} ?" if view.told and known.keys["odometer"] == facts.NOT_TOLD else view.name
        middle_terms = _terms_of(view.name, view.families, known)
        spread_terms = _terms_of(spread, view.spread, known)
        ends = [f"{group} low", f"{group} high"]
        stored = read([*middle_terms, *spread_terms, *ends])
        if f"{view.name} {MAKE}:{car.make}" not in stored:
            continue
        middle, wide = _summed(middle_terms, stored), math.exp(_summed(spread_terms, stored))
        low, high = min(stored[ends[0]] / SCALE, 0), max(stored[ends[1]] / SCALE, 0)
        return PhoneValue(math.exp(middle), math.exp(middle + low * wide), math.exp(middle + high * wide))
    return None


def _facts_of(car: PhoneCar, calendar: Calendar) -> _Facts:
    year, miles = facts.year_of(car.year), facts.miles_of(car.mileage)
    age = calendar.age_of(year)
    age_class = facts.age_class_of(age)
    driven = None if miles is None or miles < facts.DRIVEN else miles
    keys = {
        "make": car.make,
        "model": car.make_model_id,
        "region": car.region,
        "age_class": age_class,
        "epoch": facts.epoch_of(age_class),
        "odometer": facts.odometer_of(miles),
        "body": facts.body_of(car.body_type),
        "drive": facts.drive_of(car.drive_type),
        "cylinders": facts.cylinders_of(car.cylinders),
        "told": facts.told_of(car),
    }
    words = {"trim": facts.words_of(car.trim), "engine": facts.words_of(car.engine)}
    log_miles = None if driven is None else math.log((driven + facts.MILES_AT_REST) / facts.MILES_OF_ONE)
    return _Facts(keys, words, {"age": age, "year": year, "miles": driven, "log_miles": log_miles, "lag": 0.0})


def _terms_of(name: str, families: Iterable[Family], known: _Facts) -> dict[str, float]:
    """Return the weights of a car's terms by name, the intercept's among them."""
    return {name: 1.0} | {f"{name} {term}": weight for each in families for term, weight in _terms(each, known)}


def _terms(family: Family, known: _Facts) -> Iterator[tuple[str, float]]:
    keys = [known.keys[key] for key in family.keys]
    slope = known.numbers[family.slope] if family.slope else 1.0
    corners = [_corners(known.numbers[number], knots) for number, knots in family.hats]
    if not slope or not all(keys):
        return
    for word in known.words[family.words] if family.words else ("",):
        text = "|".join([*keys, *([word] if family.words else [])])
        for corner in product(*corners):
            knots = "".join(f"@{knot}" for knot, _ in corner)
            yield f"{family.name}:{text}{knots}", slope * math.prod(weight for _, weight in corner)


def _corners(number: float | None, knots: Knots) -> list[tuple[float, float]]:
    """Return the knots beside a number with their weights; the outermost knot for a number beyond it."""
    if number is None:
        return []
    within = min(max(number, knots[0]), knots[-1])
    for low, high in pairwise(knots):
        if within <= high:
            share = (within - low) / (high - low)
            return [(knot, weight) for knot, weight in ((low, 1 - share), (high, share)) if weight > 0]
    return []


def _summed(weights: Mapping[str, float], stored: Mapping[str, float]) -> float:
    return sum(weight * stored.get(term, 0.0) for term, weight in weights.items()) / SCALE
