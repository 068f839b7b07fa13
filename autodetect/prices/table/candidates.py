"""The listings that may speak for a price of one basis, while the rules of `comparables` are applied to them."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.prices.table import junk
from autodetect.prices.table.columns import NO_DAY, Bools, Ints, codes, days, each_once, mask, numbers, texts
from autodetect.prices.table.statistics import CENTS, grouped, to_cents
from autodetect.validation.suites.listings import MAX_CREDIBLE_PRICE

Basis = Literal["sold", "asking"]
BASES: tuple[Basis, ...] = ("sold", "asking")
USED = ""
RULES = (
    "no_make_model",
    "price_missing",
    "currency_missing",
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
_SOURCES = {
    "sold": ("sold_price", "sold_on", "sold_on"),
    "asking": ("asking_price", "first_seen", "last_seen"),
}


class Candidates:
    """The candidates of a basis while they are judged: `refusals` and `verdicts` fill up rule by rule.

    Attributes are those of `comparables.Comparables`.
    """

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
        self._main_currency = np.zeros(len(self.rows), dtype=np.bool_)
        if basis == "sold":
            self._spread_dates()
        self.verdicts = np.zeros(len(self.rows), np.int8)
        self.refusals = np.zeros(len(self.rows), np.int32)

    @property
    def alive(self) -> Bools:
        """Return which no rule has refused so far."""
        return self.verdicts == 0

    def refuse(self, rule: str, refused: Bools) -> None:
        """Note the rule for those it refuses; the verdict is that of the first one."""
        np.bitwise_or(self.refusals, 1 << RULES.index(rule), out=self.refusals, where=refused)
        self.verdicts[refused & (self.verdicts == 0)] = 1 + RULES.index(rule)

    def keep_main_currency(self) -> str | None:
        """Refuse what has no currency, or another than the commonest (the first by name among equals); return that."""
        encoded = self._text("currency").dictionary_encode()
        names = encoded.dictionary.to_pylist()
        places = encoded.indices.fill_null(len(names)).to_numpy()
        votes = np.bincount(places[self.alive & (self.prices > max(PLACEHOLDERS))], minlength=len(names) + 1)
        counted = sorted((-int(count), name) for count, name in zip(votes, names, strict=False) if count and name)
        main = counted[0][1] if counted else None
        self.refuse("currency_missing", places == len(names))
        self._main_currency = places == (names.index(main) if main is not None else -1)
        self.refuse("other_currency", ~self._main_currency)
        return main

    def refuse_junk(self, needed: int) -> None:
        """Refuse deposits, parts, salvage titles, and prices that are bids."""
        said = junk.read_titles(self._text("title"))
        status = self._text("title_status")
        self.refuse("deposit", self._below_a_car(said.deposit, needed))
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
            sales = self.begins[self.alive & (self.begins <= day_number(night))]
            end = date_of(sales.max()) if len(sales) else night
        return end - timedelta(days=min(length - 1, (end - date.min).days)), end

    def refuse_relists(self) -> None:
        """Refuse all but the newest of the listings of one vehicle under one make and model."""
        vehicles = self._text("vehicle_id", optional=True)
        known = np.flatnonzero(self.alive & mask(pc.is_valid(vehicles)))
        vehicle = vehicles.take(pa.array(known)).dictionary_encode().indices.to_numpy().astype(np.int64)
        cars = vehicle * (1 + int(self.models.max(initial=0))) + self.models[known]
        again = pd.Series(cars).duplicated(keep=False).to_numpy()
        maybe = known[again]
        columns = {"car": cars[again], "begins": self.begins[maybe], "ends": self.ends[maybe], "row": maybe}
        columns |= {name: self._text(name).take(pa.array(maybe)).to_pandas() for name in ("source", "item_id")}
        ordered = pd.DataFrame(columns).sort_values(["begins", "ends", "source", "item_id"])
        older = np.zeros(len(self.rows), dtype=np.bool_)
        older[ordered.loc[ordered.duplicated("car", keep="last"), "row"]] = True
        self.refuse("relist", older)

    def oldest_sighting(self, night: date) -> date:
        """Return how far back asking prices were last seen: what is active was mostly seen on the night itself."""
        seen = self.ends[self.alive]
        return min(date_of(seen.min()), night) if len(seen) else night

    def _text(self, name: str, *, optional: bool = False) -> pa.Array:
        return texts(self._listings, name, optional=optional).take(self._at)

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
        """Return which suspects ask far less than the other listings of their model in the main currency."""
        at = np.flatnonzero(suspects & (self.models >= 0))
        below = np.zeros(len(suspects), dtype=np.bool_)
        if not len(at):
            return below
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
        below[at] = self.prices[at] < np.where(self._main_currency[at], limits[self.models[at]], DEPOSIT_AT_MOST)
        return below


def day_number(when: date) -> int:
    """Return the days since 1970."""
    return (when - date(1970, 1, 1)).days


def date_of(day: Any) -> date:
    """Return the date of a number of days since 1970."""
    return date(1970, 1, 1) + timedelta(days=int(day))
