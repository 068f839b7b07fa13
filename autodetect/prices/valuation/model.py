"""A fitted valuation: coefficients by term, and what they make of cars."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from autodetect.prices.valuation.design import summed
from autodetect.prices.valuation.facts import NOT_TOLD, Calendar
from autodetect.prices.valuation.features import Cars, Floats, Ints, read_cars
from autodetect.prices.valuation.formula import AS_OF, MAKE, NEWEST, SCALE, VIEWS, View
from autodetect.prices.valuation.stored import META, TERMS, StoredTable


@dataclass(frozen=True)
class ValuationModel:
    """What cars are worth: one currency, one basis.

    Attributes:
        terms: coefficients by name; see `stored`.
        as_of: the day that values are for.
        newest_sale: the day of the newest sale; values are at the level of its time.
        basis: whether values are of what is paid (sold) or asked.
        currency: of all values.
        coverage: share of cars whose price an interval should hold.
        sales: how many the coefficients rest on.
        makes, models: how many different ones.
    """

    terms: Mapping[str, int]
    as_of: date
    newest_sale: date
    basis: str
    currency: str
    coverage: float
    sales: int
    makes: int
    models: int

    def value(self, cars: pd.DataFrame) -> pd.DataFrame:
        """Return value, low and high of cars, row by row with their index.

        Args:
            cars: a car frame: make, make_model_id, year, mileage, trim, engine, body_type, drive_type, cylinders and
                region; a column that is not there is not known of any car.

        Returns:
            float64, in `currency`, with low <= value <= high; all NaN for a car of an unknown make.
        """
        read = read_cars(cars, Calendar(self.terms[AS_OF], self.terms[NEWEST]))
        found = np.full((read.size, 3), np.nan)
        for view, rows in views_of(read, self.terms):
            found[rows] = self._valued(view, read.take(rows))
        return pd.DataFrame(found, index=cars.index, columns=["value", "low", "high"])

    def tables(self) -> dict[str, StoredTable]:
        """Return what is stored of the model, table by table."""
        names = sorted(self.terms)
        meta = {
            "as_of": self.as_of.isoformat(),
            "basis": self.basis,
            "coverage": str(self.coverage),
            "currency": self.currency,
            "makes": str(self.makes),
            "models": str(self.models),
            "newest_sale": self.newest_sale.isoformat(),
            "sales": str(self.sales),
        }
        coefficients = [self.terms[name] for name in names]
        return {
            "valuation_meta": StoredTable(META, ("key",), pa.table([list(meta), list(meta.values())], schema=META)),
            "valuation_terms": StoredTable(TERMS, ("term",), pa.table([names, coefficients], schema=TERMS)),
        }

    def _valued(self, view: View, cars: Cars) -> Floats:
        """Return value, low and high of cars that a view values, as (n, 3)."""
        middle = summed(view.name, cars, view.families, self.terms)
        spread = np.exp(summed(spread_name(view), cars, view.spread, self.terms))
        ends = np.zeros((cars.size, 2))
        for group, rows in groups_of(view, cars):
            ends[rows] = self.terms[f"{group} low"], self.terms[f"{group} high"]
        low, high = np.minimum(ends[:, 0] / SCALE, 0), np.maximum(ends[:, 1] / SCALE, 0)
        return np.exp(np.stack([middle, middle + low * spread, middle + high * spread], axis=1))


def views_of(cars: Cars, terms: Mapping[str, float]) -> Iterator[tuple[View, Ints]]:
    """Return the views with the cars that each of them values: the first that can."""
    open_ = np.ones(cars.size, dtype=np.bool_)
    makes = cars.keys["make"]
    for view in VIEWS:
        known = np.array([f"{view.name} {MAKE}:{make}" in terms for make in makes.names] + [False])
        mine = open_ & cars.suits(view) & known[makes.codes]
        open_ &= ~mine
        if mine.any():
            yield view, np.flatnonzero(mine)


def groups_of(view: View, cars: Cars) -> Iterator[tuple[str, Ints]]:
    """Return groups of cars alike in what is known of them, each with its name."""
    odometer = cars.keys["odometer"]
    without = odometer.names[odometer.codes] == NOT_TOLD if view.told else np.zeros(cars.size, dtype=np.bool_)
    yield view.name, np.flatnonzero(~without)
    if without.any():
        yield f"{view.name} ?", np.flatnonzero(without)


def spread_name(view: View) -> str:
    """Return what stands in front of the terms of a view's spread."""
    return f"{view.name}~"
