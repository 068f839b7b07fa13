"""Which listings may speak for a price: every candidate, with the first rule that refuses it.

A candidate of basis `sold` is a listing that sold; of basis `asking`, one that is active: neither missing tonight, nor
ended, nor imported. The rules, in order:

=====================  ===============================================================================================
no_make_model          no make and model, or one that the catalogue does not know
price_missing          no price, or one that is not a finite number
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

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from autodetect.prices import junk
from autodetect.prices.columns import NO_DAY, Bools, Floats, Ints, codes, days, each_once, finite, mask, numbers, texts
from autodetect.prices.fingerprints import fingerprints, repeated
from autodetect.prices.outliers import modified_z
from autodetect.prices.statistics import CENTS, grouped, to_cents
from autodetect.sections import PriceSettings
from autodetect.validation.suites.listings import MAX_CREDIBLE_PRICE

Basis = Literal["sold", "asking"]
BASES: tuple[Basis, ...] = ("sold", "asking")
USED = ""
RULES = (
    "no_make_model",
    "price_missing",
    "other_currency",
    "price_placeholder",
    "deposit",
    "parts_only",
    "salvage",
    "auction_unbid",
    "auction_running",
    "price_below_minimum",
    "price_above_maximum",
    "date_missing",
    "outside_window",
    "relist",
    "outlier",
)
PRECISIONS = ("day", "month", "year")
PLACEHOLDERS = (0.0, 1.0)
LEAST_PRICE = 0.01  # figures are in cents
DEPOSIT_SHARE = 0.25  # of the median: cars sell for less only as wrecks; deposits are some hundred to a few thousand
DEPOSIT_AT_MOST = 2_000.0  # in any currency
_VERDICTS = pd.CategoricalDtype([USED, *RULES])
_TEXTS = ("source", "item_id", "make_model_id", "vehicle_id", "seller_hash", "state", "currency")
_SOURCES = {
    "sold": ("sold_price", "sold_on", "sold_on"),
    "asking": ("asking_price", "first_seen", "last_seen"),
}


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
        verdicts: 0 where no rule refuses, else 1 + the rule's place in `RULES`.
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
        mine = self.listings.iloc[self.rows]
        columns: dict[str, Any] = {name: mine.get(name) for name in _TEXTS}
        columns |= {
            "year": numbers(mine, "year"),
            "price": self.prices,
            "begins": self.begins.astype("datetime64[D]"),
            "ends": self.ends.astype("datetime64[D]"),
            "precision": np.array(PRECISIONS)[self.precisions],
            "rule": pd.Categorical.from_codes(self.verdicts, dtype=_VERDICTS),
        }
        return pd.DataFrame(columns, index=mine.index)

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
    case = _Case(listings, known_ids, basis)
    price = case.prices
    case.refuse("no_make_model", case.models < 0)
    case.refuse("price_missing", np.isnan(price))
    currency = case.keep_main_currency()
    case.refuse("price_placeholder", np.isin(price, PLACEHOLDERS))
    case.refuse_junk(settings.min_comparables)
    case.refuse("price_below_minimum", price < max(settings.min_price, LEAST_PRICE))
    case.refuse("price_above_maximum", price > min(settings.max_price, MAX_CREDIBLE_PRICE))
    case.refuse("date_missing", (case.begins == NO_DAY) | (case.ends == NO_DAY))
    start, end = case.window(night, settings.window_days)
    case.refuse("outside_window", (case.begins > _day(end)) | (case.ends < _day(start)))
    case.refuse_relists()
    if basis == "asking":
        start = case.oldest_sighting(end)
    alive = np.flatnonzero(case.alive)
    scores = np.zeros(len(price))
    scores[alive] = modified_z(price[alive], case.models[alive])
    case.refuse("outlier", np.abs(scores) > settings.mad_cutoff)
    return Comparables(
        basis=basis,
        listings=listings,
        rows=case.rows,
        models=case.models,
        prices=price,
        begins=case.begins,
        ends=case.ends,
        precisions=case.precisions,
        verdicts=case.verdicts,
        currency=currency,
        window_start=start,
        window_end=end,
    )


def sane_price(price: pd.Series, settings: PriceSettings) -> pd.Series:
    """Return which prices are finite, positive and within the bounds of the settings."""
    return (price > 0) & price.between(settings.min_price, settings.max_price) & np.isfinite(price)


def finite_price(values: pd.Series) -> pd.Series:
    """Return prices as float64; null, text that is no number, and infinities become NaN."""
    return pd.Series(finite(values), index=values.index)


class _Case:
    """The candidates of a basis while they are judged: `verdicts` fills up rule by rule."""

    def __init__(self, listings: pd.DataFrame, known_ids: Collection[str], basis: Basis) -> None:
        price, begins, ends = _SOURCES[basis]
        status, prices = texts(listings, "status"), numbers(listings, price)
        candidates = mask(pc.equal(status, "sold" if basis == "sold" else "active"))
        if basis == "sold":
            candidates |= listings[price].notna().to_numpy()
        self.basis = basis
        self.rows: Ints = np.flatnonzero(candidates)
        self._listings = listings
        self._at = pa.array(self.rows)
        self.prices = prices[self.rows]
        known = pa.array(sorted(set(known_ids)), pa.large_string())
        self.models = codes(texts(listings, "make_model_id"), known)[self.rows]
        self.begins, self.ends = days(listings, begins)[self.rows], days(listings, ends)[self.rows]
        self.precisions = np.zeros(len(self.rows), np.int8)
        if basis == "sold":
            self._spread_dates()
        self.verdicts = np.zeros(len(self.rows), np.int8)

    @property
    def alive(self) -> Bools:
        return self.verdicts == 0

    def refuse(self, rule: str, refused: Bools) -> None:
        self.verdicts[refused & (self.verdicts == 0)] = 1 + RULES.index(rule)

    def keep_main_currency(self) -> str | None:
        """Refuse other currencies than the commonest, the first by name among equals; `None` without any."""
        encoded = self._text("currency").dictionary_encode()
        names = encoded.dictionary.to_pylist()
        places = encoded.indices.fill_null(len(names)).to_numpy()
        votes = np.bincount(places[self.alive & (self.prices > max(PLACEHOLDERS))], minlength=len(names) + 1)
        counted = sorted((-int(count), name) for count, name in zip(votes, names, strict=False) if count and name)
        main = counted[0][1] if counted else None
        self.refuse("other_currency", places != (names.index(main) if main is not None else -1))
        return main

    def refuse_junk(self, needed: int) -> None:
        """Refuse deposits, parts, salvage titles, and prices that are bids."""
        said = junk.read_titles(self._text("title"))
        status = self._text("title_status")
        self.refuse("deposit", self._below_a_car(said.deposit & self.alive, needed))
        self.refuse("parts_only", said.parts | each_once(self._text("condition"), junk.states_parts))
        self.refuse("parts_only", each_once(status, junk.states_parts))
        self.refuse("salvage", said.salvage | each_once(status, junk.states_salvage))
        bid_only = each_once(self._text("buying_options"), junk.bid_only)
        self.refuse("auction_unbid", bid_only & (numbers(self._listings, "bids")[self.rows] == 0))
        if self.basis == "asking":
            self.refuse("auction_running", bid_only)

    def window(self, night: date, length: int) -> tuple[date, date]:
        """Return first and last day, `length` long: it ends on the night, or at the newest sale up to the night."""
        end = night
        if self.basis == "sold":
            sales = self.begins[self.alive & (self.begins <= _day(night))]
            end = _date(sales.max()) if len(sales) else night
        return end - timedelta(days=min(length - 1, (end - date.min).days)), end

    def refuse_relists(self) -> None:
        """Refuse all but the newest of the listings of one vehicle under one make and model."""
        vehicles = texts(self._listings, "vehicle_id", optional=True)
        known = np.flatnonzero(self.alive & mask(pc.is_valid(vehicles))[self.rows])
        maybe = known[repeated(fingerprints(vehicles, self.rows[known], self.models[known]))]
        at = pa.array(self.rows[maybe])
        same = {"model": self.models[maybe], "begins": self.begins[maybe], "ends": self.ends[maybe], "row": maybe}
        same |= {name: texts(self._listings, name).take(at) for name in ("source", "item_id")}
        ordered = pa.table(same | {"vehicle": vehicles.take(at)}).to_pandas()
        ordered = ordered.sort_values(["begins", "ends", "source", "item_id"])
        older = np.zeros(len(self.rows), dtype=np.bool_)
        older[ordered.loc[ordered.duplicated(["model", "vehicle"], keep="last"), "row"]] = True
        self.refuse("relist", older)

    def oldest_sighting(self, night: date) -> date:
        """Return how far back asking prices were last seen: what is active was mostly seen on the night itself."""
        seen = self.ends[self.alive]
        return min(_date(seen.min()), night) if len(seen) else night

    def _text(self, name: str) -> pa.Array:
        return texts(self._listings, name).take(self._at)

    def _spread_dates(self) -> None:
        """Let a sale that is dated to a month or a year end with it."""
        precision = codes(self._text("sold_precision"), pa.array(PRECISIONS, pa.large_string()))
        self.precisions = np.maximum(precision, 0).astype(np.int8)
        for place, unit in ((1, "datetime64[M]"), (2, "datetime64[Y]")):
            at = np.flatnonzero((precision == place) & (self.begins != NO_DAY))
            period = self.begins[at].astype("datetime64[D]").astype(unit)
            self.begins[at] = period.astype("datetime64[D]").astype(np.int64)
            self.ends[at] = (period + 1).astype("datetime64[D]").astype(np.int64) - 1

    def _below_a_car(self, suspects: Bools, needed: int) -> Bools:
        """Return which suspects ask far less than the other listings of their model."""
        at = np.flatnonzero(suspects)
        limits = np.full(int(self.models.max(initial=0)) + 1, DEPOSIT_AT_MOST)
        # Of models without a suspect no median is needed.
        asked_about = np.zeros(len(limits), dtype=np.bool_)
        asked_about[self.models[at]] = True
        others = np.flatnonzero(self.alive & ~suspects)
        others = others[asked_about[self.models[others]] & (self.prices[others] <= MAX_CREDIBLE_PRICE)]
        found = grouped(to_cents(np.maximum(self.prices[others], 0)), self.models[others])
        medians = found.numbers[found.starts + found.counts // 2] / CENTS
        enough = found.counts >= needed
        limits[found.groups[enough]] = DEPOSIT_SHARE * medians[enough]
        below = np.zeros(len(suspects), dtype=np.bool_)
        below[at] = self.prices[at] < limits[self.models[at]]
        return below


def _day(when: date) -> int:
    return (when - date(1970, 1, 1)).days


def _date(day: Any) -> date:
    return date(1970, 1, 1) + timedelta(days=int(day))
