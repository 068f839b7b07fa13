"""What any valuation must beat: one figure per make and model, from the very sales that the valuation is trained on."""

import numpy as np
import pandas as pd

from autodetect.prices.judged.figures import Floats


def mean_per_model(training: pd.DataFrame, tested: pd.DataFrame) -> Floats:
    """Return the average price of each tested car's make and model; NaN where none was trained on."""
    return _figures(training, tested, "mean")


def median_per_model(training: pd.DataFrame, tested: pd.DataFrame) -> Floats:
    """Return the middle price of each tested car's make and model; NaN where none was trained on."""
    return _figures(training, tested, "median")


def _figures(training: pd.DataFrame, tested: pd.DataFrame, figure: str) -> Floats:
    figures = training.groupby("make_model_id")["price"].agg(figure)
    return np.asarray(tested["make_model_id"].map(figures), np.float64)
