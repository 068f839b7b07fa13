"""Tonight's valuation: what it learned from, how far it can be trusted, and what it makes of the cars on offer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from autodetect.prices.judged.evaluation import evaluate
from autodetect.prices.judged.figures import PriceEvaluation
from autodetect.prices.judged.rating import ratings
from autodetect.prices.judged.sales import PricedCars, car_frame, priced_cars
from autodetect.prices.judged.watch import ErrorVerdict, good_errors, judge_error
from autodetect.prices.table.comparables import Basis, Comparables
from autodetect.prices.valuation.fit import fit
from autodetect.prices.valuation.model import ValuationModel
from autodetect.records import Receipt
from autodetect.settings import Settings

VALUES = ("value", "low", "high")


@dataclass(frozen=True)
class Valued:
    """The night's valuation.

    Attributes:
        cars: the priced cars that it learned from.
        evaluation: how it does on cars that it was not shown.
        error: whether that is much worse than it was.
        model: None where there are too few priced cars.
    """

    cars: PricedCars
    evaluation: PriceEvaluation
    error: ErrorVerdict
    model: ValuationModel | None

    @property
    def currency(self) -> str | None:
        """Return the one currency of all values."""
        return self.evaluation.currency

    def offered(self, listings: pd.DataFrame, make_models: pd.DataFrame, *, max_interval_ratio: float) -> pd.DataFrame:
        """Return value, low, high (float64, NaN where nothing is known) and rating of listings, row by row.

        Values are of the car as its listing describes it, in the valuation's currency; a listing that asks in another
        one has none.

        Args:
            listings: as `advertised` gives them.
            make_models: make_model_id, make, model of the catalogue.
            max_interval_ratio: the largest `high` by `low` that is rated.
        """
        if self.model is None:
            return pd.DataFrame(np.nan, index=listings.index, columns=list(VALUES)).assign(rating="no rating")
        comparable = (listings["currency"] == self.currency).fillna(value=False)
        values = self.model.value(car_frame(listings, make_models))[list(VALUES)].where(comparable)
        labels = ratings(
            listings["asking_price"],
            *(values[name] for name in VALUES),
            same_currency=comparable & listings["rated"],
            max_interval_ratio=max_interval_ratio,
        )
        return values.assign(rating=labels)


def valued(
    judged: Mapping[Basis, Comparables],
    make_models: pd.DataFrame,
    *,
    night: date,
    earlier: Iterable[Receipt],
    settings: Settings,
) -> Valued:
    """Fit the night's valuation and judge it.

    Args:
        judged: the comparables of either basis, of listings with `vehicle_id` and `state`.
        make_models: make_model_id, make, model of the catalogue.
        night: cars are valued as of this day.
        earlier: all receipts of the lake, oldest first, which tell the errors of the nights before.
        settings: `valuation`, `seed`.
    """
    ours = settings.valuation
    cars = priced_cars(judged, make_models, min_sales=ours.min_sales)
    evaluation = evaluate(cars.frame, as_of=night, settings=ours, seed=settings.seed, fit=fit)
    error = judge_error(evaluation, good_errors(earlier, before=night), ours, night=night)
    enough = len(cars.frame) >= ours.min_sales
    model = fit(cars.frame, as_of=night, settings=ours, seed=settings.seed) if enough else None
    return Valued(cars, evaluation, error, model)
