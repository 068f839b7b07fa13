"""The price table: what a make and model sold for, and what is asked for it, or why there is no such figure.

Settings: `prices.min_comparables`, `mad_cutoff`, `window_days`, `min_price`, `max_price`.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from autodetect.lake.schemas import PRICES
from autodetect.prices.comparables import BASES, RULES, USED, Comparables, judge
from autodetect.sections import PriceSettings

_NOUNS = {"sold": ("sale", "sales"), "asking": ("offer", "offers")}
_NO_FIGURES = dict.fromkeys(("median", "q1", "q3", "mean", "low", "high"))


@dataclass(frozen=True)
class PriceTable:
    """A night's prices and how they came about.

    Attributes:
        rows: the `prices` schema, sorted by make_model_id and basis; a figure that is not known is null.
        funnel: basis -> counts: `candidates`, each rule of `comparables.RULES`, `used`; candidates = rules + used.
        verdicts: every candidate listing with its basis and the rule that refused it (empty: used).
    """

    rows: pa.Table
    funnel: Mapping[str, Mapping[str, int]]
    verdicts: pd.DataFrame

    def funnel_of(self, make_model_id: str) -> dict[str, dict[str, int]]:
        """Return the funnel of one make and model: what is behind its figures."""
        mine = self.verdicts[self.verdicts["make_model_id"] == make_model_id]
        return {basis: _counts(mine[mine["basis"] == basis]) for basis in BASES}


def price_table(
    listings: pd.DataFrame, make_models: pd.DataFrame, *, night: date, settings: PriceSettings
) -> PriceTable:
    """Return one row per make and model and basis that has a candidate listing.

    A make and model whose listings are neither active nor sold gets one `asking` row that says so. Figures are in the
    row's currency, rounded to cents; quartiles interpolate linearly. Fewer than `min_comparables` used listings give
    the count and a reason instead of figures.

    Args:
        listings: the lake's `listings` columns, cleaned, in any order; optional `vehicle_id` (relists count once).
        make_models: make_model_id, make, model of the catalogue.
        night: the night the table is for; later facts are not used.
        settings: when a figure may be called a price.
    """
    names = make_models.drop_duplicates("make_model_id").set_index("make_model_id")[["make", "model"]].sort_index()
    judged = [judge(listings, names.index, basis, night=night, settings=settings) for basis in BASES]
    rows = [row for comparables in judged for row in _rows(comparables, settings)]
    priced = {row["make_model_id"] for row in rows}
    listed = set(listings["make_model_id"].dropna()) & set(names.index)
    rows += [_bare_row(make_model_id, night) for make_model_id in sorted(listed - priced)]
    for row in rows:
        make, model = names.loc[row["make_model_id"]]
        row |= {"night": night, "make": _text(make), "model": _text(model)}
    rows.sort(key=lambda row: (row["make_model_id"], row["basis"]))
    verdicts = pd.concat([each.frame.assign(basis=each.basis) for each in judged], ignore_index=True)
    return PriceTable(
        rows=pa.Table.from_pylist(rows, schema=PRICES.schema),
        funnel={each.basis: _counts(each.frame) for each in judged},
        verdicts=verdicts.sort_values(["basis", "source", "item_id"], ignore_index=True),
    )


def _rows(comparables: Comparables, settings: PriceSettings) -> Iterator[dict[str, Any]]:
    frame = comparables.frame[comparables.frame["rule"] != "no_make_model"]
    for make_model_id, mine in frame.groupby("make_model_id", sort=True):
        used = np.sort(mine.loc[mine["rule"] == USED, "price"].to_numpy(dtype="float64"))
        enough = len(used) >= settings.min_comparables
        yield {
            "make_model_id": make_model_id,
            "basis": comparables.basis,
            "currency": comparables.currency,
            "count": len(used),
            "outliers": int((mine["rule"] == "outlier").sum()),
            "window_start": comparables.window_start,
            "window_end": comparables.window_end,
            "reason": None if enough else _reason(mine, len(used), comparables.basis, settings.min_comparables),
            **(_figures(used) if enough else _NO_FIGURES),
        }


def _figures(used: np.ndarray) -> dict[str, float | None]:
    """Return the spread of sorted, finite, positive prices."""
    q1, median, q3 = np.quantile(used, (0.25, 0.5, 0.75))
    figures = {
        "median": median,
        "q1": q1,
        "q3": q3,
        "mean": math.fsum(used) / len(used),
        "low": used[0],
        "high": used[-1],
    }
    return {name: round(float(value), 2) for name, value in figures.items()}


def _reason(mine: pd.DataFrame, count: int, basis: str, needed: int) -> str:
    one, many = _NOUNS[basis]
    found = f"{count or 'no'} comparable {one if count == 1 else many}; a price needs at least {needed}"
    refused = mine.loc[mine["rule"] != USED, "rule"].value_counts()
    parts = [f"{rule.replace('_', ' ')} {refused[rule]}" for rule in RULES if rule in refused.index]
    return f"{found} (left out: {', '.join(parts)})" if parts else found


def _bare_row(make_model_id: str, night: date) -> dict[str, Any]:
    dates = {"window_start": night, "window_end": night}
    facts = {"basis": "asking", "count": 0, "outliers": 0, "reason": "no active listing and no sale"}
    return {"make_model_id": make_model_id, **facts, **dates, **_NO_FIGURES}


def _counts(frame: pd.DataFrame) -> dict[str, int]:
    found = frame["rule"].value_counts()
    rules = {rule: int(found.get(rule, 0)) for rule in RULES}
    return {"candidates": len(frame), **rules, "used": int(found.get(USED, 0))}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
