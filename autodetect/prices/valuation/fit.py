"""Sales -> a valuation: each view is fitted on a part, measured on the rest, and fitted again on all."""

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from autodetect.errors import UsageError
from autodetect.prices.valuation.conformal import LEAST, calibration_fold, widths
from autodetect.prices.valuation.design import fitted, summed
from autodetect.prices.valuation.facts import Calendar
from autodetect.prices.valuation.features import Bools, Cars, Floats, read_cars
from autodetect.prices.valuation.formula import AS_OF, LAG, MAKE, NEWEST, SCALE, VIEWS, View
from autodetect.prices.valuation.model import ValuationModel, groups_of, spread_name
from autodetect.sections import ValuationSettings

SMALL, SMALL_OF_SPREAD = 40, 200  # ten-thousandths: a term that moves the value, or the spread, by less is not kept
LEAST_SALES = 100  # that tell what a view wants to know; with fewer it is not fitted
CLOSEST = 0.1  # log: residuals below it are as good as none
DAYS = 365.25
_ORDER = ["source", "item_id", "make_model_id", "price", "year", "mileage"]


def fit(sales: pd.DataFrame, *, as_of: date, settings: ValuationSettings, seed: int) -> ValuationModel:
    """Fit a valuation. The order of the rows changes nothing.

    Args:
        sales: a sale frame of one currency, at least one row; prices are positive.
        as_of: the day that values are for.
        settings: `coverage`.
        seed: draws the vehicles of the calibration fold.

    Raises:
        UsageError: no sales, prices that are none, or several currencies.
    """
    _check(sales)
    sales = sales.sort_values(_ORDER, ignore_index=True)
    newest = sales["sold_on"].max()
    newest_sale = as_of if pd.isna(newest) else newest.date()
    calendar = Calendar(as_of.year, newest_sale.year)
    cars = read_cars(sales, calendar, _lags(sales, newest_sale))
    prices = np.log(sales["price"].to_numpy(dtype=np.float64))
    calibration = calibration_fold(sales, seed)
    terms: dict[str, int] = {AS_OF: as_of.year, NEWEST: newest_sale.year}
    for view in VIEWS:
        if view is VIEWS[-1] or cars.suits(view).sum() >= LEAST_SALES:
            terms |= _view_terms(view, cars, prices, calibration, settings.coverage)
    return ValuationModel(
        terms=terms,
        as_of=as_of,
        newest_sale=newest_sale,
        basis=str(sales["basis"].iloc[0]),
        currency=str(sales["currency"].iloc[0]),
        coverage=settings.coverage,
        sales=len(sales),
        makes=sales["make"].nunique(),
        models=sales["make_model_id"].nunique(),
    )


def _view_terms(view: View, cars: Cars, prices: Floats, calibration: Bools, coverage: float) -> dict[str, int]:
    """Return everything that is stored of a view: its terms, those of its spread, and the ends of its intervals."""
    known = np.flatnonzero(cars.knows(view))
    training = np.flatnonzero(cars.knows(view) & ~calibration)
    asked = np.flatnonzero(cars.suits(view) & calibration)
    if len(training) == 0 or len(asked) == 0:  # too few to measure them on anything but themselves
        training = asked = known
    measured = fitted(view.name, cars.take(training), view.families, prices[training], least=view.least)
    spread = _spread(view, cars.take(training), prices[training], measured)
    ends = _ends(view, cars.take(asked), prices[asked], measured | spread, coverage)
    final = fitted(view.name, cars.take(known), view.families, prices[known], least=view.least, start=measured)
    return _kept(final, SMALL) | spread | ends


def _spread(view: View, cars: Cars, prices: Floats, terms: Mapping[str, float]) -> dict[str, int]:
    """Return the terms of how far prices lie from the values of a view that learned from them."""
    apart = np.abs(prices - summed(view.name, cars, view.families, terms))
    aim = np.log(np.maximum(apart, CLOSEST))
    return _kept(fitted(spread_name(view), cars, view.spread, aim, least=view.least), SMALL_OF_SPREAD)


def _ends(view: View, cars: Cars, prices: Floats, terms: Mapping[str, float], coverage: float) -> dict[str, int]:
    """Return the ends of the intervals of each group of cars, in spreads, as the calibration fold has them."""
    apart = prices - summed(view.name, cars, view.families, terms)
    scores = apart / np.exp(summed(spread_name(view), cars, view.spread, terms))
    groups = {name: scores[rows] for name, rows in groups_of(view, cars)}
    names = [view.name, f"{view.name} ?"] if view.told else [view.name]
    ends: dict[str, int] = {}
    for name in names:
        mine = groups.get(name, scores)
        low, high = widths(mine if len(mine) >= LEAST else scores, coverage)
        ends |= {f"{name} low": round(SCALE * low), f"{name} high": round(SCALE * high)}
    return ends


def _kept(terms: Mapping[str, float], small: float) -> dict[str, int]:
    """Return coefficients as whole numbers, without those that are smaller than that; intercepts and makes stay.

    Nor is there any use for what is known of the time since a sale: the cars that are valued have not sold.
    """
    rounded = {name: round(value) for name, value in terms.items() if f" {LAG}:" not in name}
    return {
        name: value for name, value in rounded.items() if abs(value) >= small or " " not in name or f" {MAKE}:" in name
    }


def _lags(sales: pd.DataFrame, newest: date) -> Floats:
    """Return years from each sale to the newest one; whole years where the date is a bare year."""
    sold = pd.to_datetime(sales["sold_on"])
    days = (pd.Timestamp(newest) - sold).dt.days / DAYS
    years = newest.year - sold.dt.year
    lags: Floats = days.where(sales["sold_precision"] != "year", years).fillna(0.0).to_numpy(dtype=np.float64)
    return np.maximum(lags, 0)


def _check(sales: pd.DataFrame) -> None:
    prices = sales["price"].to_numpy(dtype=np.float64, na_value=np.nan)
    if len(sales) == 0:
        raise UsageError("A valuation needs sales, and there is none.", "Widen prices.window_days, or crawl more.")
    if not ((prices > 0) & np.isfinite(prices)).all():
        row = sales.iloc[int(np.flatnonzero(~((prices > 0) & np.isfinite(prices)))[0])]
        raise UsageError(
            f"The sale {row['source']}/{row['item_id']} has the price {row['price']}.", "Leave such sales out."
        )
    if len(sales["currency"].unique()) != 1:
        raise UsageError(
            f"Sales in several currencies: {sorted(map(str, sales['currency'].unique()))}.",
            "Fit a valuation for each of them.",
        )
