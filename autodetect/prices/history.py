"""How prices moved: those of a listing from night to night, those of a model over the nights.

A listing's price is kept once for as long as it stays the same: `asking_prices` has a row for the night on which it was
first seen and for every night that found another one. Prices in two currencies are never compared: a listing that
changes its currency begins anew.
"""

from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.lake.schemas import ASKING_PRICES, PRICES
from autodetect.records import Record

KEY = ("source", "item_id")
MODEL_HISTORY = pa.schema(
    [PRICES.schema.field(name) for name in ("make_model_id", "basis", "night", "currency", "count", "median")]
)
HEADLINE = (*MODEL_HISTORY.names, "year_band", "region")  # what `model_history` looks at
TREND_NIGHTS = 7  # a week: what a weekend brings is in both halves of a comparison
MIN_TREND_NIGHTS = 3  # medians that each half needs

Ints = npt.NDArray[np.int64]


class PriceDrop(Record):
    """An offer whose price fell tonight, from `before` to `price`, both in `currency`."""

    source: str
    item_id: str
    make_model_id: str
    title: str
    url: str
    currency: str
    before: float
    price: float

    @property
    def share(self) -> float:
        """Return how much of the earlier price is gone, between 0 and 1."""
        return 1 - self.price / self.before


class Trend(Record):
    """A model's median price: that of the last `nights` nights, and that of as many nights before them."""

    make_model_id: str
    basis: str
    currency: str
    nights: int
    recent: float
    before: float

    @property
    def change(self) -> float:
        """Return the change as a share: 0.02 is 2 % more than before."""
        return self.recent / self.before - 1


def changed_prices(offers: pa.Table, known: pa.Table) -> pa.Table:
    """Return what `asking_prices` gains tonight: first prices, and those that differ from the newest row before.

    Args:
        offers: tonight's offers; only the columns of `asking_prices` are looked at. Each listing stands there once.
        known: `asking_prices` rows in any order. Those of tonight, left by an earlier try, are not looked at: the same
            night gives the same rows again.

    Returns:
        Rows of `asking_prices`, sorted by source and item id.
    """
    tonight = offers.select(ASKING_PRICES.schema.names).cast(ASKING_PRICES.schema)
    if not tonight.num_rows:
        return tonight
    before = known.filter(pc.less(known["night"], pc.max(tonight["night"])))
    codes, earlier = _codes(tonight, before)
    newest = np.full(max(codes.max(initial=0), earlier.max(initial=0)) + 1, -1)
    order = np.argsort(_days(before), kind="stable")
    newest[earlier[order]] = order  # of a listing's rows the last one stays
    held = newest[codes]
    same = held >= 0
    now, then = tonight.filter(pa.array(same)), before.take(pa.array(held[same]))
    equal = pc.and_kleene(pc.equal(now["price"], then["price"]), pc.equal(now["currency"], then["currency"]))
    same[same] = pc.fill_null(equal, fill_value=False).to_numpy(zero_copy_only=False)
    changed = tonight.filter(pa.array(~same))
    return changed.sort_by([(name, "ascending") for name in KEY]).combine_chunks()


def listing_histories(known: pa.Table) -> pd.DataFrame:
    """Return what became of each listing's price, a row a listing, in no particular order.

    Args:
        known: `asking_prices` rows in any order, tonight's among them where tonight counts.

    Returns:
        source, item_id; first_price, price (the newest) and price_before (the one before it, NaN where there is none),
        float64 in the newest currency; changed_on, datetime64, of the newest change (NaT where it never changed).
    """
    [codes] = _codes(known)
    order = np.lexsort((_days(known), codes))
    codes = codes[order]
    currency = pc.fill_null(known["currency"].combine_chunks(), "").dictionary_encode().indices.to_numpy()[order]
    places = np.arange(len(order))
    begins = np.ones(len(order), dtype=np.bool_)
    begins[1:] = (codes[1:] != codes[:-1]) | (currency[1:] != currency[:-1])
    last = np.flatnonzero(np.append(codes[1:] != codes[:-1], True)[: len(order)])
    first = np.maximum.accumulate(np.where(begins, places, 0))[last]
    prices = known["price"].to_numpy()[order]
    nights = known["night"].to_numpy()[order]
    changed = last > first
    keys = known.select(list(KEY)).take(pa.array(order[last]))
    return pd.DataFrame(
        {
            **{name: keys[name].to_pandas() for name in KEY},
            "first_price": prices[first],
            "price": prices[last],
            "price_before": np.where(changed, prices[last - changed], np.nan),
            "changed_on": np.where(changed, nights[last], np.datetime64("NaT")).astype("datetime64[s]"),
        }
    )


def drops(offers: pa.Table, known: pa.Table, *, night: date, most: int = 10) -> tuple[PriceDrop, ...]:
    """Return the offers whose price fell most tonight, by the share of the earlier price.

    Args:
        offers: tonight's offers.
        known: `asking_prices` rows, tonight's among them; at least all of the listings that have a row of tonight.
        night: tonight.
        most: how many to return.
    """
    moved = listing_histories(known)
    moved = moved[(moved["changed_on"] == pd.Timestamp(night)) & (moved["price"] < moved["price_before"])]
    wanted = [*KEY, "make_model_id", "title", "url", "currency"]
    wide = moved.merge(offers.select(wanted).to_pandas(), on=list(KEY), validate="one_to_one")
    wide = wide.assign(share=1 - wide["price"] / wide["price_before"])
    wide = wide.sort_values(["share", *KEY], ascending=[False, True, True]).head(most)
    texts = wide[["title", "url", "currency"]].fillna("")
    rows = wide[[*KEY, "make_model_id", "price"]].assign(before=wide["price_before"], **texts)
    return tuple(PriceDrop(**row) for row in rows.to_dict("records"))


def model_history(prices: pa.Table, nights: int) -> pa.Table:
    """Return the headline medians of the last `nights` nights, sorted by make_model_id, basis and night.

    Args:
        prices: `prices` rows of earlier nights and of tonight, in any order; at least the columns of `HEADLINE`.
        nights: how many of the nights that they are of.

    Returns:
        `MODEL_HISTORY`: make_model_id, basis, night, currency, count, median. Nights without a median have no row, nor
        have those in another currency than the newest median of the model and basis.
    """
    headline = pc.and_(pc.equal(prices["year_band"], ""), pc.equal(prices["region"], ""))
    kept = prices.filter(pc.and_(headline, pc.is_valid(prices["median"]))).select(MODEL_HISTORY.names)
    last = pa.array(sorted(pc.unique(prices["night"]).to_pylist())[-nights:], pa.date32())
    kept = kept.filter(pc.is_in(kept["night"], value_set=last)).cast(MODEL_HISTORY)
    kept = kept.sort_by([(name, "ascending") for name in ("make_model_id", "basis", "night")]).combine_chunks()
    currency = kept.select(["make_model_id", "basis", "currency"]).to_pandas()
    newest = currency.groupby(["make_model_id", "basis"])["currency"].transform("last")
    return kept.filter(pa.array((currency["currency"] == newest).to_numpy(dtype=np.bool_)))


def trends(history: pa.Table, nights: int = TREND_NIGHTS) -> tuple[Trend, ...]:
    """Return how medians moved, by make_model_id and basis: the last `nights` nights against as many before them.

    A model with fewer than `MIN_TREND_NIGHTS` medians in either half is left out.

    Args:
        history: `MODEL_HISTORY` rows, as `model_history` gives them.
        nights: the length of a half, in nights of the whole history.
    """
    frame = history.to_pandas()
    last = np.sort(frame["night"].unique())[::-1]
    recent, before = (_medians(frame[frame["night"].isin(last[at : at + nights])]) for at in (0, nights))
    both = recent.join(before["median"].rename("before"), how="inner").sort_index()
    return tuple(
        Trend(make_model_id=id_, basis=basis, currency=currency, nights=nights, recent=now, before=then)
        for (id_, basis), currency, now, then in zip(
            both.index, both["currency"], both["median"], both["before"], strict=True
        )
    )


def _medians(nights: pd.DataFrame) -> pd.DataFrame:
    """Return the median of the nights' medians by model and basis, where there are enough."""
    found = nights.groupby(["make_model_id", "basis"]).agg(
        median=("median", "median"), nights=("median", "size"), currency=("currency", "last")
    )
    return found[found["nights"] >= MIN_TREND_NIGHTS]


def _codes(*tables: pa.Table) -> list[Ints]:
    """Return a small number for each row's listing, the same in all tables."""
    codes: Ints = np.zeros(sum(table.num_rows for table in tables), dtype=np.int64)
    for name in KEY:
        chunks = [chunk for table in tables for chunk in table[name].chunks]
        found = pa.chunked_array(chunks, pa.string()).combine_chunks().dictionary_encode()
        codes = codes * len(found.dictionary) + found.indices.to_numpy()
    dense = pd.factorize(codes)[0]
    return np.split(dense, np.cumsum([table.num_rows for table in tables])[:-1])


def _days(rows: pa.Table) -> npt.NDArray[np.int32]:
    return rows["night"].cast(pa.int32()).to_numpy()
