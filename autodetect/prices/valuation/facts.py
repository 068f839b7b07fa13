"""A car's facts as the valuation reads them; standard library only, so that a phone-like client can use it.

What sellers write is read into words and a few kinds. What a car does not tell is told apart from what it has not got:
a missing text has the kind `NOT_TOLD`.
"""

import math
import re
from dataclasses import dataclass

NOT_TOLD = "?"
FIRST_YEAR, LAST_YEAR = 1885, 2200  # the Benz Patent-Motorwagen; a typing mistake
MOST_MILES = 999_998
PLACEHOLDER_MILES = frozenset({111_111, 123_456, 888_888})  # what sellers type who do not want to say
MOST_WORDS = 8
TOLD = "tebdc"  # trim, engine, body, drive, cylinders
DRIVEN = 2  # fewer miles say nothing of how far the car was driven
MILES_AT_REST, MILES_OF_ONE = 2_000, 60_000  # the slope of miles is that of log((miles + 2,000) / 60,000)
AGEING_ENDS = 25  # years; how old a classic is matters less than which model year it is
AGES = (0, 7, 13, 22, 34, 46, 55, 66)  # an age class is named by its first age
EPOCHS = {0: "new", 7: "new", 13: "used", 22: "used", 34: "used"}  # of an age class; older ones are classic
_WORD = re.compile(r"[a-z]+|[0-9]+(?:\.[0-9]+)?")
_DRIVES = (
    ("rwd", "rear"),
    ("rear", "rear"),
    ("fwd", "front"),
    ("front", "front"),
    ("awd", "all"),
    ("all", "all"),
    ("4matic", "all"),
    ("4wd", "four"),
    ("4x4", "four"),
    ("4 x 4", "four"),
    ("four", "four"),
    ("2wd", "two"),
)


@dataclass(frozen=True)
class Calendar:
    """The years that ages are counted by: of the day that values are for, and of the newest sale.

    Prices are those of the time of the newest sale. A car that has grown older since is valued as one that was as old
    then; from `AGEING_ENDS` on its model year tells, and it ages no more.
    """

    as_of: int
    newest: int

    def age_of(self, year: float | None) -> float | None:
        """Return the age of a model year, years."""
        if year is None:
            return None
        then = self.newest - year
        return then + min(max(0.0, AGEING_ENDS - then), max(0, self.as_of - self.newest))


@dataclass(frozen=True)
class PhoneCar:
    """One car: what is not known is None or ''. `region` is the first three signs of a postal code, miles are miles."""

    make: str
    make_model_id: str
    year: float | None = None
    mileage: float | None = None
    trim: str = ""
    engine: str = ""
    body_type: str = ""
    drive_type: str = ""
    cylinders: float | None = None
    region: str = ""


def words_of(text: str) -> tuple[str, ...]:
    """Return the first different words and numbers of a text, in plain lower case: '5.7L V8, 4x4' -> 5.7 l v 8 4 x."""
    found = _WORD.findall(text.lower().replace(",", ""))
    return tuple(dict.fromkeys(found[:MOST_WORDS]))


def body_of(text: str) -> str:
    """Return a body type's words, `NOT_TOLD` for none."""
    return " ".join(words_of(text)) or NOT_TOLD


def drive_of(text: str) -> str:
    """Return which wheels are driven: rear, front, all, four, two, 'other' for what says something else."""
    written = text.lower()
    if not words_of(text):
        return NOT_TOLD
    return next((kind for sign, kind in _DRIVES if sign in written), "other")


def cylinders_of(count: float | None) -> str:
    """Return the number of cylinders as text."""
    return NOT_TOLD if count is None or not math.isfinite(count) else str(int(count))


def year_of(year: float | None) -> float | None:
    """Return a model year that can be one, else None."""
    return year if year is not None and FIRST_YEAR <= year <= LAST_YEAR else None


def miles_of(mileage: float | None) -> float | None:
    """Return miles that can be true, else None."""
    if mileage is None or not 0 <= mileage <= MOST_MILES or mileage in PLACEHOLDER_MILES:
        return None
    return mileage


def age_class_of(age: float | None) -> str:
    """Return the first age of the class that an age (in years, next year's models are -1) belongs to; '' for none."""
    if age is None:
        return ""
    return str(max((first for first in AGES if first <= age), default=AGES[0]))


def epoch_of(age_class: str) -> str:
    """Return new, used or classic; '' for no age."""
    return "" if not age_class else EPOCHS.get(int(age_class), "classic")


def odometer_of(miles: float | None) -> str:
    """Return what kind of reading the odometer shows: nearly none at all is often a mistake or an exchanged engine."""
    if miles is None:
        return NOT_TOLD
    return next(kind for kind, below in (("0", 2), ("1", 100), ("100", 1000), ("1000", math.inf)) if miles < below)


def told_of(car: PhoneCar) -> str:
    """Return which of the texts of an advertisement are there, a letter of `TOLD` each; '' for none."""
    kinds = (body_of(car.body_type), drive_of(car.drive_type), cylinders_of(car.cylinders))
    there = (words_of(car.trim), words_of(car.engine), *(kind != NOT_TOLD for kind in kinds))
    return "".join(letter for letter, told in zip(TOLD, there, strict=True) if told)
