"""What is on offer tonight: the active listings of whole cars at a believable price.

An offer is a listing. A car that is advertised twice tonight is two offers, as whoever looks for it finds two;
statistics count it once (see `comparables`). Who looks for cars wants neither a deposit nor a box of parts, and what
has been bid so far is not what a car will cost. A wreck, and a car at a price that no other of its model has, are on
offer; but values are those of usual cars, beside which every wreck would be 'great', so they are not rated.
"""

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.lake.schemas import OFFERS
from autodetect.prices.key_order import in_key_order
from autodetect.prices.table.comparables import Comparables
from autodetect.validation.frames import key_texts

NO_OFFER = frozenset({
    "no_make_model", "price_missing", "currency_missing", "price_placeholder", "deposit", "parts_only",
    "auction_unbid", "auction_running", "price_below_minimum", "price_above_maximum",
})  # fmt: skip
NOT_RATED = frozenset({"salvage", "outlier"})
_KEY = ("source", "item_id")
_VALUES = {"value": "value", "value_low": "low", "value_high": "high", "rating": "rating"}
_PLACE = ("latitude", "longitude", "place_precision")
_HISTORY = ("first_price", "changed_on")


def advertised(asking: Comparables) -> pd.DataFrame:
    """Return the listings that offer a whole car at a believable price, and whether that may be `rated` (bool).

    Args:
        asking: the judged candidates of basis asking.
    """
    offered = ~asking.refused(NO_OFFER)
    return asking.listings.iloc[asking.rows[offered]].assign(rated=~asking.refused(NOT_RATED)[offered])


def offers_table(offered: pd.DataFrame, values: pd.DataFrame, *, night: date) -> pa.Table:
    """Return the `offers` schema, sorted by source and item id, as if no offer ever had another price.

    Each listing asks in its own currency: currencies stay side by side, and whoever sums them up must choose one.
    Whatever is not known, or no number, is null.

    Args:
        offered: as `advertised` gives them: the lake's `listings` columns and those of `places.located`.
        values: value, low, high and rating of the same index; NaN where the valuation says nothing.
        night: the night the offers are for.
    """
    made = {"night": pd.Series(night, offered.index), "price": offered["asking_price"]}
    made |= {name: values[column] for name, column in _VALUES.items()}
    made |= dict.fromkeys(_HISTORY, pd.Series(None, offered.index, dtype=object))
    columns = [made[field.name] if field.name in made else offered[field.name] for field in OFFERS.schema]
    rows = pa.table([_column(*each) for each in zip(columns, OFFERS.schema, strict=True)], schema=OFFERS.schema)
    return with_histories(in_key_order(rows, _KEY, name="offers"), None)


def with_histories(offers: pa.Table, histories: pd.DataFrame | None) -> pa.Table:
    """Return offers with `first_price` and `changed_on` filled in; without a history the price is the first one.

    Args:
        offers: the `offers` schema.
        histories: source, item_id, first_price and changed_on (NaT where it never changed) of listings, those offered
            tonight among them: `history.listing_histories`, made of tonight's prices too.
    """
    first, changed = offers["price"], pa.nulls(offers.num_rows, pa.date32())
    if histories is not None and len(histories):
        keys = pa.table({name: pa.array(histories[name], pa.string()) for name in _KEY})
        at = pc.index_in(key_texts(offers, _KEY), value_set=key_texts(keys, _KEY))
        first = pc.coalesce(pa.array(histories["first_price"], pa.float64(), from_pandas=True).take(at), first)
        changed = pa.array(histories["changed_on"], from_pandas=True).cast(pa.date32(), safe=False).take(at)
    for name, column in zip(_HISTORY, (first, changed), strict=True):
        offers = offers.set_column(offers.schema.get_field_index(name), OFFERS.schema.field(name), column)
    return offers


def _column(values: pd.Series, field: pa.Field) -> pa.Array:
    """Return values as the lake stores them: money to cents, NaN and infinities as null."""
    if pa.types.is_floating(field.type):
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        if field.name not in _PLACE:
            with np.errstate(over="ignore"):
                numbers = numbers.round(2)
        values = pd.Series(np.where(np.isfinite(numbers), numbers, np.nan))
    return pa.array(values, type=field.type, from_pandas=True)
