"""Which listings may speak for a price: every candidate, with the first rule that refuses it.

A candidate of basis `sold` is a listing that sold; of basis `asking`, one that is active: neither missing tonight, nor
ended, nor imported. The rules, in order:

=====================  ===============================================================================================
no_make_model          no make and model, or one that the catalogue does not know
price_missing          no price, or one that is not a finite number
currency_missing       nobody knows what the price is in
other_currency         not in the basis' main currency (the one most of its prices are in): currencies never mix
price_placeholder      0 or 1: the price is in the text, or to be found out by bidding
deposit                the title speaks of a deposit, a lease or rates, and the price is below a quarter of the median
                       of the model's other listings, or below `DEPOSIT_AT_MOST` where they are fewer than
                       `min_comparables`
parts_only             title, condition or title status say that it is for parts
salvage                the title status is not clean (salvage, rebuilt, junk, flood ...), or the title says so
auction_unbid          to be bought by bidding alone, and nobody bid
auction_running        asking only: to be bought by bidding alone; a bid is not what the seller asks
price_below_minimum    below `min_price`
price_above_maximum    above `max_price`, or above what any car ever sold for
date_missing           nothing says when it sold, or when it was up
outside_window         sold, or last seen, before the window; or not yet there on the night
relist                 the same vehicle under the same make and model has a newer listing, or sale, that passed the
                       rules before: one vehicle counts once
outlier                modified z-score on log price beyond `mad_cutoff` (see `outliers`)
=====================  ===============================================================================================

A sale whose date is a month or a year happened on any day of it: it is outside the window when all of them are.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autodetect.prices.table.candidates import (
    BASES,
    LEAST_PRICE,
    PLACEHOLDERS,
    PRECISIONS,
    RULES,
    USED,
    Basis,
    Candidates,
    day_number,
)
from autodetect.prices.table.columns import NO_DAY, Bools, Floats, Ints, numbers
from autodetect.prices.table.outliers import modified_z
from autodetect.sections import PriceSettings
from autodetect.validation.suites.listings import MAX_CREDIBLE_PRICE

__all__ = ["BASES", "RULES", "USED", "Basis", "Comparables", "judge"]

_VERDICTS = pd.CategoricalDtype([USED, *RULES])
_TEXTS = ("source", "item_id", "make_model_id", "vehicle_id", "seller_hash", "state", "currency")


@dataclass(frozen=True, eq=False)
class Comparables:
    """The candidates of one basis, judged; arrays are row by row those of `rows`.

    Attributes:
        listings: what was judged.
        rows: places in `listings` of the candidates, (n,).
        models: number of each candidate's make and model among the sorted known ids; -1 for none.
        prices: float64; NaN where there is none.
        begins, ends: first and last day since 1970 (`columns.NO_DAY`: not known): of a sale, the days it can have been;
            of an offer, when it was first and last seen.
        precisions: places in `PRECISIONS`.
        verdicts: 0 where no rule refuses, else 1 + the place in `RULES` of the first that does.
        refusals: bit r is set where the rule at place r of `RULES` refuses, whatever those before it say; relist and
            outlier are only asked about what is left.
    """

    basis: Basis
    listings: pd.DataFrame
    rows: Ints
    models: Ints
    prices: Floats
    begins: Ints
    ends: Ints
    precisions: NDArray[np.int8]
    verdicts: NDArray[np.int8]
    refusals: NDArray[np.int32]
    currency: str | None
    window_start: date
    window_end: date

    @cached_property
    def frame(self) -> pd.DataFrame:
        """Return a row per candidate, with the index of its listing.

        Columns: source, item_id, make_model_id, vehicle_id, seller_hash, state, currency (text, null), year (float64),
        price (float64), begins and ends (datetime64), precision ('day', 'month', 'year') and rule (categorical; `USED`,
        the empty string, when none refuses).
        """
        known = [name for name in (*_TEXTS, "year") if name in self.listings]
        mine = self.listings[known].iloc[self.rows]
        columns: dict[str, Any] = {name: mine.get(name) for name in _TEXTS}
        columns |= {
            "year": numbers(mine, "year"),
            "price": self.prices,
            "begins": self.begins.astype("datetime64[D]"),
            "ends": self.ends.astype("datetime64[D]"),
            "precision": np.array(PRECISIONS, dtype=object)[self.precisions],
            "rule": pd.Categorical.from_codes(self.verdicts, dtype=_VERDICTS),
        }
        return pd.DataFrame(columns, index=mine.index)

    def refused(self, rules: Iterable[str]) -> Bools:
        """Return which candidates any of some rules refuses."""
        found: Bools = (self.refusals & sum(1 << RULES.index(rule) for rule in set(rules))) != 0
        return found

    @property
    def used(self) -> pd.DataFrame:
        """Return the rows that no rule refuses."""
        return self.frame[self.verdicts == 0]


def judge(
    listings: pd.DataFrame, known_ids: Collection[str], basis: Basis, *, night: date, settings: PriceSettings
) -> Comparables:
    """Apply every rule to the candidates of one basis. The order of rows changes no verdict.

    Args:
        listings: the lake's `listings` columns, and optionally `vehicle_id` and `state`.
        known_ids: make_model_ids of the catalogue.
        basis: which price to look at.
        night: nothing later than this date is used.
        settings: bounds, window and cut-off.

    Raises:
        UsageError: a column is missing, or of another kind than the lake's.
    """
    candidates = Candidates(listings, known_ids, basis)
    price = candidates.prices
    candidates.refuse("no_make_model", candidates.models < 0)
    candidates.refuse("price_missing", np.isnan(price))
    currency = candidates.keep_main_currency()
    candidates.refuse("price_placeholder", np.isin(price, PLACEHOLDERS))
    candidates.refuse_junk(settings.min_comparables)
    candidates.refuse("price_below_minimum", price < max(settings.min_price, LEAST_PRICE))
    candidates.refuse("price_above_maximum", price > min(settings.max_price, MAX_CREDIBLE_PRICE))
    candidates.refuse("date_missing", (candidates.begins == NO_DAY) | (candidates.ends == NO_DAY))
    start, end = candidates.window(night, settings.window_days)
    candidates.refuse("outside_window", (candidates.begins > day_number(end)) | (candidates.ends < day_number(start)))
    candidates.refuse_relists()
    if basis == "asking":
        start = candidates.oldest_sighting(end)
    alive = np.flatnonzero(candidates.alive)
    scores = np.zeros(len(price))
    scores[alive] = modified_z(price[alive], candidates.models[alive])
    candidates.refuse("outlier", np.abs(scores) > settings.mad_cutoff)
    return Comparables(
        basis=basis,
        listings=listings,
        rows=candidates.rows,
        models=candidates.models,
        prices=price,
        begins=candidates.begins,
        ends=candidates.ends,
        precisions=candidates.precisions,
        verdicts=candidates.verdicts,
        refusals=candidates.refusals,
        currency=currency,
        window_start=start,
        window_end=end,
    )
