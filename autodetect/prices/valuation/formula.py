"""The formula of the valuation: which terms a car has; standard library only.

The logarithm of a value is a sum of coefficient times weight over a car's terms. A `Family` makes terms: one for each
combination of its keys (facts that are text), of the words of one text, and of the knots beside a number.

A number between two knots has the two terms of these knots, weighted so that the sum runs straight from the one
coefficient to the other (a 'hat'); two numbers have the four terms of their corners. Numbers outside the knots count as
the outermost knot.

There is a formula for each `View`: what one may know of a car. Cars of which the year is not known are valued by one
that never saw a year, and not by one that mistakes 'not asked' for 'the seller does not say'.
"""

from dataclasses import dataclass

Knots = tuple[float, ...]

SCALE = 10_000  # coefficients are kept as whole numbers, in ten-thousandths
AS_OF, NEWEST = "as-of", "newest-sale"  # terms that hold a year, for `Calendar`
MAKE = "make"  # the family without whose term a car is not valued
LAG = "lag"  # the family of a sale's distance from the newest one

AGE: Knots = (-1, 1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 18, 20, 23, 26, 29, 32, 35, 38, 41, 44, 47, 50, 53, 56, 60, 64,
              68, 72, 80, 90, 110)  # fmt: skip
AGE_OF_MAKE: Knots = (0, 5, 10, 16, 22, 30, 38, 46, 52, 60, 70, 85, 120)
AGE_OF_MILES: Knots = (0, 5, 10, 18, 26, 36, 46, 55, 70)
MILES: Knots = (0, 100, 1000, 5000, 12_000, 25_000, 40_000, 60_000, 80_000, 100_000, 125_000, 150_000, 180_000, 220_000,
                300_000)  # fmt: skip


def every(years: int) -> Knots:
    """Return model years as knots, so many years apart."""
    return tuple(range(1884, 2110, years))


@dataclass(frozen=True)
class Family:
    """Terms of one kind.

    Attributes:
        name: unique within a view.
        keys: facts of which all must be known: make, model, age_class, epoch, odometer, body, drive, cylinders, told,
            region.
        words: 'trim' or 'engine': a term for each word of it.
        hats: numbers with their knots: age (years), year (model year), miles.
        slope: 'log_miles' (log of miles plus 2,000 over 60,000) or 'lag' (years from the sale to the newest sale; 0
            for a car that is valued): the term's weight.
        penalty: how firmly coefficients are held near 0, in sales that say otherwise.
    """

    name: str
    keys: tuple[str, ...] = ()
    words: str = ""
    hats: tuple[tuple[str, Knots], ...] = ()
    slope: str = ""
    penalty: float = 3.0


@dataclass(frozen=True)
class View:
    """A formula and what it wants to know beyond make, model and region.

    Attributes:
        name: the first word of its terms' names.
        families: its terms; the intercept has a term without a family.
        least: sales that a term needs.
        spread: terms of how far prices lie from the value.
        year, miles, trim: whether it wants the model year, the mileage, a trim.
        told: how many of the texts of an advertisement a car must have to be valued by it: that the others are left
            out then says something of the car. It learns from cars that have fewer, too.
    """

    name: str
    families: tuple[Family, ...]
    spread: tuple[Family, ...]
    least: int
    year: bool = False
    miles: bool = False
    trim: bool = False
    told: int = 0


_NAMES = (
    Family(MAKE, ("make",), penalty=1.0),
    Family("model", ("model",), penalty=1.0),
    Family("region", ("region",)),
)
_YEARS = (
    Family("age", hats=(("age", AGE),), penalty=1.0),
    Family("year", hats=(("year", every(1)),)),
    Family("make-age", ("make",), hats=(("age", AGE_OF_MAKE),)),
    Family("years12", ("model",), hats=(("year", every(12)),), penalty=1.0),
    Family("years5", ("model",), hats=(("year", every(5)),)),
    Family("model-class", ("model", "age_class")),
    Family("region-epoch", ("region", "epoch")),
    Family(LAG, ("age_class",), slope="lag", penalty=30.0),
)
_MILES = (
    Family("odometer", ("odometer",)),
    Family("miles", hats=(("miles", MILES),)),
    Family("miles-age", hats=(("miles", MILES), ("age", AGE_OF_MILES))),
    Family("make-miles", ("make",), slope="log_miles"),
    Family("class-miles", ("model", "age_class"), slope="log_miles"),
)
_TOLD = (
    Family("years2", ("model",), hats=(("year", every(2)),)),
    Family("trim", words="trim"),
    Family("engine-epoch", ("epoch",), words="engine"),
    Family("body", ("body",)),
    Family("model-body", ("model", "body")),
    Family("drive-class", ("drive", "age_class")),
    Family("class-cylinders", ("model", "age_class", "cylinders")),
    Family("make-cylinders", ("make", "epoch", "cylinders")),
    Family("told", ("told",)),
)
_SPREAD = (Family("make", ("make",), penalty=20.0), Family("model", ("model",), penalty=20.0))
_SPREAD_OF_AGE = Family("age", hats=(("age", AGE_OF_MAKE),), penalty=20.0)
_SPREAD_OF_MILES = Family("miles", hats=(("miles", MILES),), penalty=20.0)
_SPREAD_OF_TOLD = (Family("odometer", ("odometer",), penalty=20.0), Family("told", ("told",), penalty=20.0))
# The first one that has been fitted, knows the make and wants no fact that the car does not tell, values it.
VIEWS = (
    View(
        "full",
        (*_NAMES, *_YEARS, *_MILES, *_TOLD),
        (*_SPREAD, _SPREAD_OF_AGE, _SPREAD_OF_MILES, *_SPREAD_OF_TOLD),
        least=2,
        year=True,
        told=3,
    ),
    View(
        "trim",
        (*_NAMES, *_YEARS, *_MILES, Family("trim", words="trim")),
        (*_SPREAD, _SPREAD_OF_AGE, _SPREAD_OF_MILES),
        least=5,
        year=True,
        miles=True,
        trim=True,
    ),
    View(
        "miles",
        (*_NAMES, *_YEARS, *_MILES),
        (*_SPREAD, _SPREAD_OF_AGE, _SPREAD_OF_MILES),
        least=5,
        year=True,
        miles=True,
    ),
    View("year", (*_NAMES, *_YEARS), (*_SPREAD, _SPREAD_OF_AGE), least=5, year=True),
    View("name", _NAMES, _SPREAD, least=3),
)
