"""Which listings may speak for a price: every candidate, with the first rule that refuses it.

A candidate of basis `sold` is a listing that sold; of basis `asking`, one that is active: neither missing tonight, nor
ended, nor imported. The rules, in order:

=====================  ===============================================================================================
no_make_model          no make and model, or one that the catalogue does not know
price_missing          no price, or one that is not a finite number
other_currency         not in the basis' main currency (the one most of its prices are in): currencies never mix
price_below_minimum    below `min_price`: a deposit or a placeholder
price_above_maximum    above `max_price`: a placeholder
date_missing           nothing says when it sold, or when it was up
outside_window         sold, or last seen, before the window; or not yet there on the night
relist                 asking only: the same vehicle under the same make and model has a newer listing
outlier                modified z-score on log price beyond `mad_cutoff` (see `outliers`)
=====================  ===============================================================================================
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
import pandas as pd

from autodetect.prices.outliers import modified_z
from autodetect.sections import PriceSettings

Basis = Literal["sold", "asking"]
BASES: tuple[Basis, ...] = ("sold", "asking")
USED = ""
RULES = (
    "no_make_model",
    "price_missing",
    "other_currency",
    "price_below_minimum",
    "price_above_maximum",
    "date_missing",
    "outside_window",
    "relist",
    "outlier",
)


@dataclass(frozen=True)
class Comparables:
    """The candidates of one basis, judged.

    `frame` has a row per candidate: source, item_id, make_model_id, vehicle_id, price (float64), currency, begins and
    ends (datetime64: sale date twice, or first and last seen) and rule (`USED`, the empty string, when none refuses).
    """

    basis: Basis
    frame: pd.DataFrame
    currency: str | None
    window_start: date
    window_end: date

    @property
    def used(self) -> pd.DataFrame:
        """Return the rows that no rule refuses."""
        return self.frame[self.frame["rule"] == USED]


def judge(
    listings: pd.DataFrame, known_ids: Collection[str], basis: Basis, *, night: date, settings: PriceSettings
) -> Comparables:
    """Apply every rule to the candidates of one basis. The order of rows changes no verdict.

    Args:
        listings: the lake's `listings` columns, and optionally `vehicle_id`.
        known_ids: make_model_ids of the catalogue.
        basis: which price to look at.
        night: nothing later than this date is used.
        settings: bounds, window and cut-off.
    """
    frame = _candidates(listings, basis)
    price = frame["price"]
    _refuse(frame, "no_make_model", ~frame["make_model_id"].isin(list(known_ids)))
    _refuse(frame, "price_missing", price.isna())
    currency = _main_currency(frame[(frame["rule"] == USED) & (price > 0)])
    _refuse(frame, "other_currency", frame["currency"].ne(currency or "").fillna(value=True))
    _refuse(frame, "price_below_minimum", (price < settings.min_price) | (price <= 0))
    _refuse(frame, "price_above_maximum", price > settings.max_price)
    _refuse(frame, "date_missing", frame["begins"].isna() | frame["ends"].isna())
    start, end = _window(frame, basis, night, settings.window_days)
    _refuse(frame, "outside_window", (frame["begins"] > pd.Timestamp(end)) | (frame["ends"] < pd.Timestamp(start)))
    if basis == "asking":
        _refuse(frame, "relist", _older_listings_of_a_vehicle(frame))
        start = _oldest_sighting(frame, end)
    alive = frame[frame["rule"] == USED]
    scores = modified_z(alive["price"], alive["make_model_id"]).reindex(frame.index, fill_value=0.0)
    _refuse(frame, "outlier", scores.abs() > settings.mad_cutoff)
    return Comparables(basis, frame, currency, start, end)


def sane_price(price: pd.Series, settings: PriceSettings) -> pd.Series:
    """Return which prices are finite, positive and within the bounds of the settings."""
    return (price > 0) & price.between(settings.min_price, settings.max_price) & np.isfinite(price)


def finite_price(values: pd.Series) -> pd.Series:
    """Return prices as float64; null, text that is no number, and infinities become NaN."""
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    return numbers.where(np.isfinite(numbers))


def _candidates(listings: pd.DataFrame, basis: Basis) -> pd.DataFrame:
    if basis == "sold":
        rows = listings[listings["sold_price"].notna() | listings["status"].eq("sold").fillna(value=False)]
        price, begins, ends = "sold_price", "sold_on", "sold_on"
    else:
        rows = listings[listings["status"].eq("active").fillna(value=False)]
        price, begins, ends = "asking_price", "first_seen", "last_seen"
    frame = rows[["source", "item_id", "make_model_id", "currency"]].copy()
    frame["vehicle_id"] = rows.get("vehicle_id")
    frame["price"] = finite_price(rows[price])
    frame["begins"] = pd.to_datetime(rows[begins])
    frame["ends"] = pd.to_datetime(rows[ends])
    frame["rule"] = USED
    return frame.reset_index(drop=True)


def _refuse(frame: pd.DataFrame, rule: str, refused: pd.Series) -> None:
    frame.loc[(frame["rule"] == USED) & refused, "rule"] = rule


def _main_currency(frame: pd.DataFrame) -> str | None:
    """Return the commonest currency, the first by name among equals; `None` when no price names one."""
    votes = frame["currency"].dropna()
    votes = votes[votes != ""].value_counts()
    return min(votes.index[votes == votes.max()]) if len(votes) else None


def _window(frame: pd.DataFrame, basis: Basis, night: date, days: int) -> tuple[date, date]:
    """Return first and last day, `days` long: it ends on the night, or at the newest sale up to the night."""
    end = night
    if basis == "sold":
        sales = frame.loc[(frame["rule"] == USED) & (frame["begins"] <= pd.Timestamp(night)), "begins"]
        end = sales.max().date() if len(sales) else night
    return end - timedelta(days=min(days - 1, (end - date.min).days)), end


def _older_listings_of_a_vehicle(frame: pd.DataFrame) -> pd.Series:
    known = frame[(frame["rule"] == USED) & frame["vehicle_id"].notna()]
    known = known.sort_values(["begins", "ends", "source", "item_id"])
    older = known.duplicated(["make_model_id", "vehicle_id"], keep="last")
    return older.reindex(frame.index, fill_value=False)


def _oldest_sighting(frame: pd.DataFrame, night: date) -> date:
    """Return how far back asking prices were last seen: what is active was mostly seen on the night itself."""
    seen = frame.loc[frame["rule"] == USED, "ends"]
    return min(seen.min().date(), night) if len(seen) else night
