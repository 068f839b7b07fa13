"""Claim: the valuation helps with nearly every one of the 30 models that sold most, not only on average."""

from collections.abc import Sequence

import pandas as pd

from benchmarks.grid import Grid
from benchmarks.recorded_sales import RECORDED, recorded_sales
from benchmarks.valuation import MEAN, METHODS, OURS, SEEDS, TREE, answers, by_vehicle, errors
from benchmarks.value_methods import Answers

MODELS = 30
COLUMNS = ("model", "asked", "MdAPE", "of the mean's", "tree's", "within 20 %", "80 % interval holds")


def run() -> Grid:
    """Ask about a fifth of the vehicles, several times, and look at each model by itself."""
    claim = "The valuation beats the average price for the models that sold most, one by one."
    if not RECORDED.is_file():
        return Grid("valuation_by_model", claim, COLUMNS, [], notes=("skipped: no ../shared/marketplace/sold.csv",))
    sales = recorded_sales()
    methods = {name: METHODS[name] for name in (MEAN, TREE, OURS)}
    rounds = [answers(sales, by_vehicle(sales, seed), methods) for seed in range(SEEDS)]
    found = {name: _together(sales, [each[name] for each in rounds]) for name in methods}
    counts = sales["make_model_id"].value_counts()
    chosen = sorted(counts.index, key=lambda name: (-counts[name], name))[:MODELS]
    lines, better = [], 0
    for name in chosen:
        missed = {method: frame.loc[frame["model"] == name, "missed"] for method, frame in found.items()}
        mine, median = found[OURS][found[OURS]["model"] == name], missed[OURS].median()
        ratio = median / missed[MEAN].median()
        better += ratio < 1
        cells = (f"{median:.3f}", f"{ratio:.2f}", f"{missed[TREE].median():.3f}")
        lines.append(
            (name, f"{len(mine):,}", *cells, f"{(missed[OURS] <= 0.2).mean():.0%}", f"{mine['inside'].mean():.0%}")
        )
    notes = (
        f"better than the average price for {better} of {MODELS} models",
        f"{SEEDS} splits by vehicle, a fifth asked in each; see `valuation` for the methods",
    )
    return Grid("valuation_by_model", claim, COLUMNS, lines, notes=notes, packages=("scikit-learn", "scipy"))


def _together(sales: pd.DataFrame, rounds: Sequence[Answers]) -> pd.DataFrame:
    """Return model, error and, where there are intervals, whether they hold the price, of all rounds."""
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "model": sales["make_model_id"].loc[each.value.index],
                    "missed": errors(sales["price"], each.value),
                    "inside": each.inside,
                }
            )
            for each in rounds
        ]
    )


if __name__ == "__main__":
    print(run().as_text())
