"""The valuation as a picture can show it: what the most sold models are worth by age, beside what they sold for.

A curve is the answer to make, model and year alone, as a phone gives it to who knows no more: its interval is as wide
as that is little. Drawn from this artifact, the report needs no fit of its own.
"""

from datetime import date
from typing import Literal

import numpy as np
import pandas as pd

from autodetect.prices.judged.evaluation import Valuing
from autodetect.records import Record

MOST_CURVES = 6
MOST_DOTS = 200


class Curve(Record):
    """One model: ages in years and, for each, the value and the ends of its interval; some of its `sales` as dots.

    A dot is (age, price). Of `known` sales the year is known, `outside` of them lie outside the interval of their age.
    """

    make_model_id: str
    name: str
    sales: int
    known: int
    outside: int
    ages: tuple[int, ...]
    value: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    dots: tuple[tuple[int, float], ...]


class ValuationCurves(Record):
    """The curves of a night, the model with most sales first; ages are counted to `as_of`, money is in `currency`."""

    as_of: date
    basis: Literal["sold", "asking"]
    currency: str
    curves: tuple[Curve, ...] = ()


def valuation_curves(model: Valuing, sales: pd.DataFrame, *, as_of: date, most: int = MOST_CURVES) -> ValuationCurves:
    """Return the curves of the models with most sales of a known year. The order of rows changes nothing.

    Args:
        model: the night's valuation.
        sales: the frame that it was fitted on, at least a row: one basis, one currency.
        as_of: the day to which ages are counted, as the valuation counts them.
        most: how many models.
    """
    sales = sales.sort_values(["source", "item_id"], ignore_index=True)
    dated = sales[sales["year"].notna()]
    counts = dated["make_model_id"].value_counts()
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]
    curves = [_curve(model, sales[sales["make_model_id"] == name], as_of) for name, _ in ordered]
    return ValuationCurves(
        as_of=as_of,
        basis=sales["basis"].iloc[0],
        currency=sales["currency"].iloc[0],
        curves=tuple(curve for curve in curves if curve.ages),
    )


def _curve(model: Valuing, sales: pd.DataFrame, as_of: date) -> Curve:
    dated = sales[sales["year"].notna()]
    years = np.arange(dated["year"].min(), dated["year"].max() + 1)
    first = sales.iloc[0]
    cars = sales.iloc[:0].reindex(range(len(years)))  # nothing known, each column in its own type
    cars = cars.assign(make_model_id=first["make_model_id"], make=first["make"], model=first["model"], year=years)
    worth = model.value(cars).set_axis(years).dropna()
    at = worth.reindex(dated["year"])
    prices = dated["price"].to_numpy()
    dots = dated.iloc[np.unique(np.linspace(0, len(dated) - 1, min(len(dated), MOST_DOTS)).round().astype(int))]
    return Curve(
        make_model_id=first["make_model_id"],
        name=f"{first['make']} {first['model']}",
        sales=len(sales),
        known=len(dated),
        outside=int(((prices < at["low"].to_numpy()) | (prices > at["high"].to_numpy())).sum()),
        ages=tuple(as_of.year - int(year) for year in worth.index),
        value=tuple(worth["value"].round().tolist()),
        low=tuple(worth["low"].round().tolist()),
        high=tuple(worth["high"].round().tolist()),
        dots=tuple(
            (as_of.year - int(year), float(price)) for year, price in zip(dots["year"], dots["price"], strict=True)
        ),
    )
