"""Claim: what a car is worth, told from coefficients that a phone holds, beats averages and a boosted tree."""

from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import sha256

import numpy as np
import pandas as pd

from benchmarks.grid import Grid
from benchmarks.recorded_sales import RECORDED, recorded_sales
from benchmarks.value_methods import (
    Answers,
    Method,
    blend,
    boosted_tree,
    mean_of_model,
    median_of_band,
    median_of_model,
    ours,
    ours_unpruned,
)

SEEDS = 5
TEST_SHARE = 0.2
MEAN, OURS, TREE, UNPRUNED, BLEND = "mean per model", "ours", "boosted tree", "ours, unpruned", "ours and tree, blended"
BY_YEAR = "2019 to 2020"
METHODS: Mapping[str, Method] = {
    MEAN: mean_of_model,
    "median per model": median_of_model,
    "median per model and 5 years": median_of_band,
    TREE: boosted_tree,
    UNPRUNED: ours_unpruned,
    OURS: ours,
}
RATIO, WITHIN_20, COVERAGE, COMPACT = 0.53, 0.34, (0.77, 0.83), 1.05  # goals
COLUMNS = (
    "sales",
    "method",
    "asked",
    "MdAPE",
    "of the mean's",
    "within 20 %",
    "80 % interval holds",
    "fit / tree's fit",
)


def run() -> Grid:
    """Judge every method on the same sales, split by vehicle at random and by year."""
    claim = "Stored coefficients value cars better than averages and a boosted tree do, and their intervals hold."
    if not RECORDED.is_file():
        return Grid("valuation", claim, COLUMNS, [], notes=("skipped: there is no ../shared/marketplace/sold.csv",))
    sales = recorded_sales()
    splits = {
        f"by sale, {SEEDS} splits": [by_vehicle(sales, seed) for seed in range(SEEDS)],
        "by sale, untouched": [untouched(sales)],
        BY_YEAR: [by_year(sales)],
    }
    lines, notes = [], []
    for name, masks in splits.items():
        rounds = [answers(sales, mask) for mask in masks]
        for each in rounds:
            each[BLEND] = blend(each[OURS], each[TREE])
        figures = {
            method: np.mean([_figures(sales["price"], each[method], each[MEAN], each[TREE]) for each in rounds], axis=0)
            for method in rounds[0]
        }
        asked = sum(len(each[MEAN].value) for each in rounds)
        lines += [(name, method, f"{asked:,}", *_shown(found)) for method, found in figures.items()]
        notes.append(_verdict(name, figures))
        size = rounds[0][OURS].size
    return Grid(
        "valuation",
        claim,
        COLUMNS,
        lines,
        notes=(
            *notes,
            "MdAPE: median absolute percentage error",
            f"{len(sales):,} sales of 500 dollars and more; {int(sales['judged'].sum()):,} of models with 20 or more",
            "untouched: penalties and terms were chosen on the other sales, by cross-validation",
            f"what ships: about {size / 2**20:.1f} MiB of terms, the names included",
            "the tree: scikit-learn's HistGradientBoostingRegressor, untuned, absolute error on log price, our fields",
        ),
        packages=("scikit-learn", "scipy", "pandas"),
    )


def by_vehicle(sales: pd.DataFrame, seed: int) -> pd.Series:
    """Return which sales are asked about: a fifth of the vehicles."""
    drawn = sales["vehicle_id"].map(lambda vehicle: _draw(f"{seed}/{vehicle}"))
    return (drawn <= TEST_SHARE) & sales["judged"]


def untouched(sales: pd.DataFrame) -> pd.Series:
    """Return the fifth of the sales that nobody looked at while terms and penalties were chosen."""
    return (sales["item_id"].map(_draw) <= TEST_SHARE) & sales["judged"]


def by_year(sales: pd.DataFrame) -> pd.Series:
    """Return the sales of the last year."""
    years = sales["sold_on"].dt.year
    return (years == years.max()) & sales["judged"]


def answers(sales: pd.DataFrame, asked: pd.Series, methods: Mapping[str, Method] = METHODS) -> dict[str, Answers]:
    """Return what each method says of the cars of one split; it learns from all other vehicles."""
    training = sales[~sales["vehicle_id"].isin(sales.loc[asked, "vehicle_id"])]
    as_of = date(sales["sold_on"].max().year, 12, 31)
    return {name: method(training, sales[asked], as_of) for name, method in methods.items()}


def errors(prices: pd.Series, values: pd.Series) -> pd.Series:
    """Return absolute percentage errors; a car without a value is missed by all of its price."""
    paid = prices.loc[values.index]
    return ((values - paid).abs() / paid).fillna(1.0)


def _draw(text: str) -> float:
    return int(sha256(text.encode()).hexdigest()[:8], 16) / 2**32


def _figures(prices: pd.Series, found: Answers, mean: Answers, tree: Answers) -> list[float]:
    missed = errors(prices, found.value)
    median = missed.median()
    held = float("nan") if found.inside is None else found.inside.mean()
    ratio = median / errors(prices, mean.value).median()
    return [median, ratio, (missed <= 0.2).mean(), held, found.seconds / tree.seconds]


def _shown(figures: Sequence[float]) -> list[str]:
    median, ratio, within, held, cost = figures
    percents = [f"{within:.1%}", "" if np.isnan(held) else f"{held:.1%}"]
    return [f"{median:.3f}", f"{ratio:.3f}", *percents, "" if np.isnan(cost) else f"{cost:.1f}"]


def _verdict(name: str, figures: Mapping[str, Sequence[float]]) -> str:
    """Return which goals are kept. That on the mean's error was set for sales drawn at random."""
    median, ratio, within, held, _ = figures[OURS]
    best = min(figures[method][0] for method in (OURS, UNPRUNED, BLEND))
    goals = {f"at most {RATIO} of the mean's error": ratio <= RATIO} if name != BY_YEAR else {}
    goals |= {
        "better than the tree": median < figures[TREE][0],
        f"{WITHIN_20:.0%} within 20 %": within >= WITHIN_20,
        "intervals hold 77 to 83 %": COVERAGE[0] <= held <= COVERAGE[1],
        f"what ships within {COMPACT} of the best ({median / best:.3f})": median <= COMPACT * best,
    }
    return f"{name}: " + ", ".join(f"{goal}: {'kept' if kept else 'NOT kept'}" for goal, kept in goals.items())


if __name__ == "__main__":
    print(run().as_text())
