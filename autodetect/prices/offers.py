"""What is on offer tonight: the active listings of known cars that name a believable price.

An offer is a listing. A car that is advertised twice tonight is two offers, as whoever looks for it finds two;
statistics count it once (see `comparables`).
"""

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.lake.schemas import OFFERS
from autodetect.prices.comparables import finite_price, sane_price
from autodetect.sections import PriceSettings
from autodetect.validation.frames import key_texts

_KEY = ("source", "item_id")
_VALUES = {"value": "value", "value_low": "low", "value_high": "high", "rating": "rating"}
PLACE = ("latitude", "longitude", "place_precision")
_HISTORY = ("first_price", "changed_on")


def offers_table(
    listings: pd.DataFrame,
    values: pd.DataFrame,
    places: pd.DataFrame,
    histories: pd.DataFrame | None = None,
    *,
    night: date,
    settings: PriceSettings,
) -> pa.Table:
    """Return the `offers` schema, sorted by source and item id.

    A row is a listing that is active (not missing tonight, nor ended, sold or imported), has a make and model, and asks
    between `min_price` and `max_price` in its own currency (currencies stay side by side here; whoever sums them up
    must choose one). Whatever is not known, or no number, is null.

    Args:
        listings: the lake's `listings` columns, cleaned, in any order.
        values: value, low, high and rating of the index of `listings`; NaN where the valuation says nothing.
        places: as `places.located` gives them, of the index of `listings`.
        histories: see `with_histories`; without them no offer ever had another price.
        night: the night the offers are for.
        settings: the bounds of a believable price.
    """
    price = finite_price(listings["asking_price"])
    active = listings["status"].eq("active").fillna(value=False)
    offered = (active & listings["make_model_id"].notna() & sane_price(price, settings)).to_numpy(dtype=np.bool_)
    made = {"night": pd.Series(night, listings.index), "price": price}
    made |= {name: values[column] for name, column in _VALUES.items()} | {name: places[name] for name in PLACE}
    made |= dict.fromkeys(_HISTORY, pd.Series(None, listings.index, dtype=object))
    columns = [(made[field.name] if field.name in made else listings[field.name])[offered] for field in OFFERS.schema]
    rows = pa.table([_column(*each) for each in zip(columns, OFFERS.schema, strict=True)], schema=OFFERS.schema)
    rows = rows.sort_by([(name, "ascending") for name in _KEY]).combine_chunks()
    return with_histories(rows, histories)


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
        if field.name not in PLACE:
            with np.errstate(over="ignore"):
                numbers = numbers.round(2)
        values = pd.Series(np.where(np.isfinite(numbers), numbers, np.nan))
    return pa.array(values, type=field.type, from_pandas=True)
