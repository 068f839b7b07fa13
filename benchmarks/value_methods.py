"""Ways to value a car, each fitted on some sales and asked about others: ours, plain baselines, and boosted trees."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor

from autodetect.prices.valuation import fit as fitting
from autodetect.prices.valuation.fit import fit
from autodetect.sections import ValuationSettings

SEED = 0
AGE_BAND = 5  # years
_NUMBERS = ["year", "mileage", "cylinders"]
_TEXTS = ["make_model_id", "make", "trim", "engine", "body_type", "drive_type", "region"]
_MOST_KINDS = 254  # that the tree can tell apart in one column


@dataclass(frozen=True)
class Answers:
    """What a method says of the cars it was asked about.

    Attributes:
        value: one for each car; NaN for none.
        inside: whether the price lies in the interval; None for methods without one.
        seconds: what fitting took.
        size: bytes of what a phone needs; 0 where that was not looked at.
    """

    value: pd.Series
    inside: pd.Series | None = None
    seconds: float = float("nan")
    size: int = 0


Method = Callable[[pd.DataFrame, pd.DataFrame, date], Answers]


def mean_of_model(training: pd.DataFrame, asked: pd.DataFrame, _as_of: date) -> Answers:
    """Return the average price of the model."""
    return Answers(asked["make_model_id"].map(training.groupby("make_model_id")["price"].mean()))


def median_of_model(training: pd.DataFrame, asked: pd.DataFrame, _as_of: date) -> Answers:
    """Return the median price of the model."""
    return Answers(asked["make_model_id"].map(training.groupby("make_model_id")["price"].median()))


def median_of_band(training: pd.DataFrame, asked: pd.DataFrame, as_of: date) -> Answers:
    """Return the median price of the model and five years of age, the model's where there are no such sales."""
    keys = [training["make_model_id"], training["year"] // AGE_BAND]
    bands = training.groupby(keys)["price"].median().rename("value")
    mine = pd.MultiIndex.from_arrays([asked["make_model_id"], asked["year"] // AGE_BAND])
    return Answers(bands.reindex(mine).set_axis(asked.index).fillna(median_of_model(training, asked, as_of).value))


def boosted_tree(training: pd.DataFrame, asked: pd.DataFrame, _as_of: date) -> Answers:
    """Return the untuned histogram gradient-boosted tree's answer, fed every field that ours reads.

    Absolute error on log price, as ours; text columns are categories, the commonest 254 of each. Of squared or absolute
    error, of plain names or with trim, engine and region, this feed was its best.
    """
    features = [_numbers(frame, training) for frame in (training, asked)]
    tree = HistGradientBoostingRegressor(
        loss="absolute_error",
        categorical_features=[name in _TEXTS for name in features[0]],
        random_state=SEED,
    )
    begun = time.perf_counter()
    tree.fit(features[0], np.log(training["price"]))
    seconds = time.perf_counter() - begun
    return Answers(pd.Series(np.exp(tree.predict(features[1])), asked.index), seconds=seconds)


def ours(training: pd.DataFrame, asked: pd.DataFrame, as_of: date) -> Answers:
    """Return what the phone says: the stored coefficients, pruned and rounded."""
    begun = time.perf_counter()
    model = fit(training, as_of=as_of, settings=ValuationSettings(), seed=SEED)
    seconds = time.perf_counter() - begun
    found = model.value(asked)
    inside = asked["price"].between(found["low"], found["high"])
    return Answers(found["value"], inside, seconds, sum(len(term) + 8 for term in model.terms))


def ours_unpruned(training: pd.DataFrame, asked: pd.DataFrame, as_of: date) -> Answers:
    """Return what all terms say, those of next to no weight too."""
    small, fitting.SMALL = fitting.SMALL, 0
    try:
        return ours(training, asked, as_of)
    finally:
        fitting.SMALL = small


def blend(first: Answers, second: Answers) -> Answers:
    """Return the geometric middle of two answers: the best that we know, and nothing for a phone."""
    return Answers(np.exp((np.log(first.value) + np.log(second.value)) / 2))


def _numbers(frame: pd.DataFrame, training: pd.DataFrame) -> pd.DataFrame:
    columns = {name: frame[name].astype("float64") for name in _NUMBERS}
    columns["year"] = columns["year"].where(columns["year"].between(1885, 2030))
    columns["mileage"] = columns["mileage"].where(columns["mileage"] < 999_999)
    for name in _TEXTS:
        kinds = training[name].str.lower().value_counts().index[:_MOST_KINDS]
        columns[name] = frame[name].str.lower().map(dict(zip(kinds, range(len(kinds)), strict=True)))
    return pd.DataFrame(columns)
