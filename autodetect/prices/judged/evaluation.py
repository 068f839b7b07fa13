"""How well the valuation does on cars that it has not seen: some vehicles, and the latest sales.

Each way costs one more fit. Beside it, on the same training part, stand what the valuation must beat: the mean and the
median price of each make and model. What the rules of `comparables` refuse, outliers too, is
neither trained on nor asked.
"""

from collections.abc import Callable
from datetime import date
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from autodetect.prices.judged.baselines import mean_per_model, median_per_model
from autodetect.prices.judged.bootstrap import median_errors
from autodetect.prices.judged.figures import (
    WITHIN,
    Method,
    MethodFigures,
    PriceEvaluation,
    SplitEvaluation,
    median_of,
    share_of,
)
from autodetect.prices.judged.sales import CAR_COLUMNS
from autodetect.prices.judged.slices import by_make, by_model, by_price
from autodetect.prices.judged.splits import FEWEST_TESTED, Split, by_time, by_vehicle
from autodetect.prices.valuation.conformal import vehicles_of
from autodetect.prices.valuation.fit import fit as fit_valuation
from autodetect.sections import ValuationSettings

_LEAST_TRAINING = 0.5  # of `min_sales`: what must be left to train on
_COLUMNS: dict[Method, str] = {"valuation": "ours", "mean per model": "mean", "median per model": "median"}

Way = Literal["vehicle", "time"]


class Valuing(Protocol):
    """A fitted valuation."""

    def value(self, cars: pd.DataFrame, /) -> pd.DataFrame:
        """Return `value`, `low` and `high` of each car, row by row; float64, NaN where nothing is known of it."""


Fit = Callable[..., Valuing]  # fit(sales, as_of=..., settings=..., seed=...)


def evaluate(
    sales: pd.DataFrame, *, as_of: date, settings: ValuationSettings, seed: int, fit: Fit = fit_valuation
) -> PriceEvaluation:
    """Return how the valuation does on held-out vehicles and on the latest sales, with what could not be judged.

    The order of rows changes nothing.

    Args:
        sales: a sale frame of one basis and one currency (`sales.sale_frame`).
        as_of: tonight. Held-out vehicles are valued as of the newest sale, which may be long ago; the latest sales
            as of the first day of theirs.
        settings: `min_sales`, `holdout_share`, and what the fit takes.
        seed: of the fits and the bootstrap.
        fit: how a valuation comes about; at most two are made.

    Raises:
        ValueError: the sales are of several currencies or bases.
    """
    basis, currency = (_only(sales, name) for name in ("basis", "currency"))
    words = []
    found: dict[Way, SplitEvaluation] = {}
    if len(sales) < settings.min_sales:
        words.append(f"not judged: {len(sales):,} priced cars; a valuation needs {settings.min_sales:,}")
    else:
        sales = sales.sort_values(["source", "item_id"], ignore_index=True)
        as_of = min(as_of, sales["sold_on"].max().date())
        vehicles = vehicles_of(sales)
        for way, split in _splits(sales, vehicles, settings).items():
            if split is None:
                words.append(_why_not(way, sales, settings))
                continue
            model = fit(sales[split.training], as_of=split.cut or as_of, settings=settings, seed=seed)
            found[way] = _judged(way, sales, split, vehicles, model=model, seed=seed)
    if basis == "asking":
        words.append("judged on asking prices: what is asked is not what is paid")
    return PriceEvaluation(
        as_of=as_of,
        basis=basis,
        currency=currency,
        sales=len(sales),
        by_vehicle=found.get("vehicle"),
        by_time=found.get("time"),
        words=tuple(words),
    )


def _splits(
    sales: pd.DataFrame, vehicles: npt.NDArray[np.object_], settings: ValuationSettings
) -> dict[Way, Split | None]:
    share, least = settings.holdout_share, _least_training(settings)
    split = by_vehicle(vehicles, share)
    enough = split.tested.sum() >= FEWEST_TESTED and split.training.sum() >= least
    return {"vehicle": split if enough else None, "time": by_time(sales, vehicles, share=share, least=least)}


def _least_training(settings: ValuationSettings) -> int:
    return int(_LEAST_TRAINING * settings.min_sales)


def _why_not(way: Way, sales: pd.DataFrame, settings: ValuationSettings) -> str:
    needed = f"{_least_training(settings):,} sales to train on and {FEWEST_TESTED} to test are needed"
    if way == "vehicle":
        return f"not judged by vehicle: {needed}"
    bare = "; sales of a bare year part between years only" if (sales["sold_precision"] == "year").any() else ""
    return f"not judged by time: no day parts earlier from later sales, {needed}{bare}"


def _judged(
    way: Way, sales: pd.DataFrame, split: Split, vehicles: npt.NDArray[np.object_], *, model: Valuing, seed: int
) -> SplitEvaluation:
    training, tested = sales[split.training], sales[split.tested].reset_index(drop=True)
    cars = _compared(training, tested, model.value(tested[CAR_COLUMNS]))
    of_ours, of_mean = cars["ours"].to_numpy(), cars["mean"].to_numpy()
    median_ape, ratio = median_errors(of_ours, of_mean, vehicles[split.tested], seed=seed)
    return SplitEvaluation(
        split=way,
        training=len(training),
        tested=len(tested),
        left_out=len(sales) - len(training) - len(tested),
        cut=split.cut,
        methods=tuple(_figures(method, cars) for method in _COLUMNS),
        median_ape=median_ape,
        ratio=ratio,
        by_price=by_price(cars),
        by_make=by_make(cars),
        by_model=by_model(cars),
    )


def _compared(training: pd.DataFrame, tested: pd.DataFrame, valued: pd.DataFrame) -> pd.DataFrame:
    """Return the tested cars as `slices` wants them, and the intervals' `width` (upper by lower end)."""
    price = tested["price"].to_numpy(np.float64)
    value, low, high = (valued[name].to_numpy(np.float64) for name in ("value", "low", "high"))
    of_each = {"ours": value, "mean": mean_per_model(training, tested), "median": median_per_model(training, tested)}
    errors = {name: np.abs(values - price) / price for name, values in of_each.items()}
    known = ~np.isnan(value)
    return pd.DataFrame(
        {name: tested[name].astype(object).fillna("") for name in ("make", "model")}
        | {"price": price, **errors}
        | {"close": np.where(known, errors["ours"] <= WITHIN, np.nan)}
        | {"covered": np.where(known, (low <= price) & (price <= high), np.nan)}
        | {"width": high / low}
    )


def _figures(method: Method, cars: pd.DataFrame) -> MethodFigures:
    ours = method == "valuation"
    errors = cars[_COLUMNS[method]].dropna().to_numpy()
    return MethodFigures(
        method=method,
        cars=len(errors),
        unvalued=len(cars) - len(errors),
        median_ape=median_of(errors),
        within_20=share_of((errors <= WITHIN).astype(np.float64)),
        coverage=share_of(cars["covered"].to_numpy()) if ours else None,
        interval_ratio=median_of(cars["width"].to_numpy()) if ours else None,
    )


def _only(sales: pd.DataFrame, column: str) -> Any:
    """Return the one value of a column; `None` where there are no rows."""
    values = sales[column].unique().tolist()
    if len(values) > 1:
        raise ValueError(f"sales are judged together only if {column} is the same: {sorted(map(str, values))}")
    return values[0] if values else None
